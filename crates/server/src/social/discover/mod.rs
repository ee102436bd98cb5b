//! Discovery (contract 18.5): people who share interests with the caller.
//!
//! Invariant: of other people only what they show to everybody is looked at: public shades, memories that the caller may hear
//! (`memory::audience`), and a place only if they shared one. A distance needs two shared places, and is in whole kilometres.

pub mod http;
mod rank;
mod store;

use std::collections::{HashMap, HashSet};

use secondme_kit::Page;

pub use rank::Shared;

use super::friends;
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::memory::audience::Listener;
use crate::memory::retrieval;
use crate::users::profile::{self, Profile};
use crate::users::shades::{self, Shade};

/// A place on Earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// North of the equator.
    pub latitude: f64,
    /// East of Greenwich.
    pub longitude: f64,
}

/// Which people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Circle {
    /// All.
    #[default]
    Everybody,
    /// Those within the radius.
    Nearby,
    /// Those who have a friend of the caller as a friend.
    FriendsOfFriends,
}

/// Somebody to meet.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of contract 18.5")]
pub struct Person {
    pub profile: Profile,
    pub distance_km: Option<f64>,
    pub match_score: i64,
    /// What they share with the caller, the most telling first.
    pub shared: Vec<Shared>,
    /// A public memory of theirs that touches the caller's interests.
    pub memory: Option<String>,
    /// The name of their first public interest; empty: none.
    pub title: String,
    pub friend_status: String,
    pub common_friends: Vec<CommonFriend>,
}

/// Somebody who is a friend of both.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CommonFriend {
    pub id: i64,
    pub name: String,
    pub avatar: String,
}

/// A page of people.
#[derive(Debug)]
pub struct Discovered {
    /// The page, the best match first.
    pub people: Vec<Person>,
    /// How many there are.
    pub total: i64,
}

/// How many of the best are looked at for memories and common friends before they are ranked for good.
const LOOKED_AT: usize = 100;
/// Memories of one person that count.
const MEMORIES: usize = 3;

/// People for the caller, the best match first. A place that comes along is shared from now on.
///
/// # Errors
/// `invalid.param` for half a place or one that is not on Earth.
pub async fn find(app: &App, user_id: i64, place: Option<Place>, circle: Circle, page: Page) -> Result<Discovered> {
    if let Some(place) = place {
        share_place(app, user_id, place).await?;
    }
    let mut people = candidates(app, user_id).await?;
    people.truncate(LOOKED_AT.max(usize::try_from(page.offset() + page.size).unwrap_or(LOOKED_AT)));
    let interests = interests_of(app, user_id).await?;
    for person in &mut people {
        look_closer(app, user_id, &interests, person).await?;
    }
    match circle {
        Circle::Everybody => {}
        Circle::Nearby => people.retain(|p| p.distance_km.is_some_and(|km| km <= app.config().social.radius_km)),
        Circle::FriendsOfFriends => people.retain(|p| !p.common_friends.is_empty()),
    }
    people.sort_by(|a, b| b.match_score.cmp(&a.match_score).then(a.profile.user_id.cmp(&b.profile.user_id)));
    let total = i64::try_from(people.len()).unwrap_or(0);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size).unwrap_or(0);
    Ok(Discovered { people: people.into_iter().skip(skip).take(size).collect(), total })
}

/// Those who share most interests, by their public shades alone.
async fn candidates(app: &App, user_id: i64) -> Result<Vec<Person>> {
    let social = &app.config().social;
    let mut tx = app.store().read().await?;
    let mine = shades::list_in(&mut tx, user_id).await?;
    let statuses: HashMap<i64, String> = friends::statuses(&mut tx, user_id).await?.into_iter().collect();
    let since = app.now() - social.place_seconds * 1_000;
    let here = store::place(&mut tx, user_id, since).await?;
    let names: Vec<String> = mine.iter().map(|s| s.shade_name.to_lowercase()).collect();
    let ids = store::candidates(&mut tx, user_id, &names, social.candidates_max).await?;
    let mut people = Vec::with_capacity(ids.len());
    for id in ids {
        let friend_status = statuses.get(&id).map_or("none", String::as_str).to_owned();
        if friend_status == "blocked" {
            continue;
        }
        let profile = profile::get_in(&mut tx, id).await?;
        let theirs: Vec<Shade> =
            shades::list_in(&mut tx, id).await?.into_iter().filter(|s| s.has_public_content).collect();
        let there = store::place(&mut tx, id, since).await?;
        let distance_km = here.zip(there).map(|(here, there)| rank::kilometres(here, there));
        let shared = rank::shared(&mine, &theirs);
        let match_score = rank::score(&shared, distance_km.filter(|km| *km <= social.radius_km), 0, 0, &friend_status);
        let title = theirs.first().map(|s| s.shade_name_public.clone()).unwrap_or_default();
        let common_friends = Vec::new();
        people.push(Person {
            profile,
            distance_km,
            match_score,
            shared,
            memory: None,
            title,
            friend_status,
            common_friends,
        });
    }
    people.sort_by(|a, b| b.match_score.cmp(&a.match_score).then(a.profile.user_id.cmp(&b.profile.user_id)));
    Ok(people)
}

/// What the caller is interested in, in words.
async fn interests_of(app: &App, user_id: i64) -> Result<String> {
    let mine = shades::list(app.store(), user_id).await?;
    let words = mine.iter().flat_map(|s| std::iter::once(&s.shade_name).chain(&s.source_topics));
    Ok(words.map(String::as_str).collect::<Vec<_>>().join(" "))
}

/// Adds what takes a look into memories and friendships, and scores anew.
async fn look_closer(app: &App, user_id: i64, interests: &str, person: &mut Person) -> Result<()> {
    let query = retrieval::Query {
        user_id: person.profile.user_id,
        listener: &Listener::Visitor { signed_in: true },
        text: interests,
        now: app.now(),
        limit: MEMORIES,
        kinds: &[],
        except_conversation: None,
    };
    let memories = retrieval::search(app, &query).await?;
    person.memory = memories.first().map(|hit| hit.text.clone());
    let mut tx = app.store().read().await?;
    person.common_friends = store::common_friends(&mut tx, user_id, person.profile.user_id).await?;
    let near = person.distance_km.filter(|km| *km <= app.config().social.radius_km);
    let (told, known) = (memories.len(), person.common_friends.len());
    person.match_score = rank::score(&person.shared, near, told, known, &person.friend_status);
    Ok(())
}

/// Keeps where the user says they are, to about a kilometre.
async fn share_place(app: &App, user_id: i64, place: Place) -> Result<()> {
    let on_earth = (-90.0..=90.0).contains(&place.latitude) && (-180.0..=180.0).contains(&place.longitude);
    if !on_earth {
        let problem = Problem::Expected("degrees on Earth", "有效的经纬度");
        return Err(ApiError::invalid("latitude", &problem));
    }
    let round = |degrees: f64| (degrees * 100.0).round() / 100.0;
    let place = Place { latitude: round(place.latitude), longitude: round(place.longitude) };
    let mut tx = app.store().write().await?;
    store::set_place(&mut tx, user_id, place, app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets where the user was.
///
/// # Errors
/// Storage failures only.
pub async fn forget_place(app: &App, user_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    store::delete_place(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(())
}

/// The words of a text, each once.
fn tokens(text: &str) -> HashSet<String> {
    secondme_recall::words(text).tokens.into_iter().collect()
}
