//! How well two people match, from what the other one shows to everybody. The rule is documented in `docs/API.md`.

use std::collections::HashSet;

use super::{Place, tokens};
use crate::users::shades::Shade;

/// An interest of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// Its public name at the other one.
    pub name: String,
    /// How much they have in common there: 3 for the same name, 1 for every topic of both.
    pub points: f64,
}

/// Interests of both, the strongest first.
pub(super) fn shared(mine: &[Shade], theirs: &[Shade]) -> Vec<Shared> {
    let my_names: HashSet<String> = mine.iter().flat_map(|s| tokens(&s.shade_name)).collect();
    let my_topics: HashSet<String> = mine.iter().flat_map(|s| tokens(&s.source_topics.join(" "))).collect();
    let mut found: Vec<Shared> = theirs
        .iter()
        .map(|shade| {
            let names = tokens(&shade.shade_name_public);
            let topics = tokens(&shade.source_topics_public.join(" "));
            let same_name = names.intersection(&my_names).next().is_some();
            let crossed = names.intersection(&my_topics).count() + topics.intersection(&my_names).count();
            let topics = topics.intersection(&my_topics).count() + crossed;
            let points = if same_name { 3.0 } else { 0.0 } + topics as f64;
            Shared { name: shade.shade_name_public.clone(), points }
        })
        .filter(|shared| shared.points > 0.0 && !shared.name.is_empty())
        .collect();
    found.sort_by(|a, b| b.points.total_cmp(&a.points));
    found
}

/// From 0 to 100: interests of both, public memories about them, common friends, nearness; a friend already counts a tenth.
pub(super) fn score(shared: &[Shared], near_km: Option<f64>, memories: usize, common: usize, status: &str) -> i64 {
    let interests: f64 = shared.iter().map(|s| s.points).sum();
    let nearness = near_km.map_or(0.0, |km| 2.0 / (1.0 + km / 10.0));
    let points = interests + memories as f64 + common.min(3) as f64 + nearness;
    let score = 100.0 * (1.0 - (-points / 8.0).exp()) * if status == "friend" { 0.1 } else { 1.0 };
    score.round() as i64
}

/// The way along the surface, in whole kilometres, at least one: places are known to about a kilometre only.
pub(super) fn kilometres(a: Place, b: Place) -> f64 {
    const RADIUS_KM: f64 = 6_371.0;
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.longitude - a.longitude).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    (2.0 * RADIUS_KM * h.sqrt().min(1.0).asin()).round().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shade(name: &str, topics: &[&str]) -> Shade {
        let topics: Vec<String> = topics.iter().map(|t| (*t).to_owned()).collect();
        Shade {
            shade_name: name.into(),
            shade_name_public: name.into(),
            source_topics: topics.clone(),
            source_topics_public: topics,
            has_public_content: true,
            ..Shade::default()
        }
    }

    #[test]
    fn what_both_like_counts() {
        let mine = [shade("Baking", &["bread", "rye"]), shade("徒步", &["川西"])];
        let theirs = [shade("Baking", &["bread"]), shade("Chess", &["openings"]), shade("旅行", &["川西", "徒步"])];
        let found = shared(&mine, &theirs);
        assert_eq!(found.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["Baking", "旅行"]);
        assert!((found[0].points - 4.0).abs() < f64::EPSILON);
        assert!(score(&found, None, 0, 0, "none") > score(&found[1..], None, 0, 0, "none"));
        assert_eq!(score(&[], None, 0, 0, "none"), 0);
        assert!(score(&found, Some(1.0), 3, 9, "none") <= 100);
        assert!(score(&found, None, 0, 0, "friend") < score(&found[1..], None, 0, 0, "none"));
    }

    #[test]
    fn distances_are_whole_kilometres() {
        let lisbon = Place { latitude: 38.72, longitude: -9.14 };
        let porto = Place { latitude: 41.15, longitude: -8.61 };
        let km = kilometres(lisbon, porto);
        assert!((270.0..=278.0).contains(&km), "{km}");
        assert!((kilometres(lisbon, lisbon) - 1.0).abs() < f64::EPSILON);
        let antipode = Place { latitude: -38.72, longitude: 170.86 };
        assert!((kilometres(lisbon, antipode) - 20_015.0).abs() < 2.0);
    }
}
