//! `profileCompleteness`: how much there is to know the user by, as a level from 0 to 10 (seed 000 of 2026-03-28).
//!
//! The rule, documented in `docs/API.md`: a name, a picture, a cover and an introduction count one each, an introduction of
//! 100 characters or more one further, a portrait (`bio`) one; the first, third and sixth shade one each; a voice one.

use super::Profile;

/// The level of a profile, 0 to 10.
pub fn level(profile: &Profile) -> i32 {
    let long = profile.self_introduction.chars().count() >= 100;
    let points = [
        !profile.name.trim().is_empty(),
        !profile.avatar.is_empty(),
        !profile.cover.is_empty(),
        !profile.self_introduction.trim().is_empty(),
        long,
        !profile.bio.trim().is_empty(),
        profile.shade_count >= 1,
        profile.shade_count >= 3,
        profile.shade_count >= 6,
        profile.has_voice,
    ];
    points.into_iter().map(i32::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_runs_from_0_to_10() {
        assert_eq!(level(&Profile::default()), 0);
        let full = Profile {
            name: "Ada".into(),
            avatar: "https://a".into(),
            cover: "https://c".into(),
            self_introduction: "x".repeat(100),
            bio: "b".into(),
            shade_count: 6,
            has_voice: true,
            ..Profile::default()
        };
        assert_eq!(level(&full), 10);
        assert_eq!(level(&Profile { shade_count: 2, ..full.clone() }), 8);
        assert_eq!(level(&Profile { self_introduction: "short".into(), ..full }), 9);
    }
}
