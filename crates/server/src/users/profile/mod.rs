//! A user's profile: what `user/info` shows and `user/profile` changes (contract 7.1, 7.4).

mod completeness;
pub mod http;
mod store;

use secondme_kit::Millis;
use secondme_store::{Store, Tx};

pub use completeness::level;

use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// A user's profile as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contract 7.1")]
pub struct Profile {
    pub user_id: i64,
    pub email: String,
    pub name: String,
    pub avatar: String,
    pub cover: String,
    pub video: String,
    pub layout: String,
    pub bio: String,
    pub self_introduction: String,
    pub route: String,
    pub has_voice: bool,
    pub account_status: String,
    /// How many shades the user has; counts towards completeness.
    pub shade_count: i64,
}

/// What a profile update may change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of contract 7.4")]
pub struct Change {
    pub name: Option<String>,
    pub avatar: Option<String>,
    pub cover: Option<String>,
    pub self_introduction: Option<String>,
    pub route: Option<String>,
}

/// The profile of a user.
///
/// # Errors
/// `resource.fetch.not_found` when the user is gone.
pub async fn get(store: &Store, user_id: i64) -> Result<Profile> {
    store::get(store, user_id).await?.ok_or_else(|| ApiError::new(Code::NotFound).arg("user"))
}

/// The profile behind a home page; none when there is no such page, or its owner is suspended.
///
/// # Errors
/// Storage failures only.
pub async fn by_route(store: &Store, route: &str) -> Result<Option<Profile>> {
    let mut tx = store.read().await?;
    let Some(user_id) = store::route_owner(&mut tx, route).await? else { return Ok(None) };
    Ok(store::get_in(&mut tx, user_id).await?.filter(|profile| profile.account_status != "suspended"))
}

/// The same inside a transaction.
///
/// # Errors
/// `resource.fetch.not_found` when the user is gone.
pub async fn get_in(tx: &mut Tx, user_id: i64) -> Result<Profile> {
    store::get_in(tx, user_id).await?.ok_or_else(|| ApiError::new(Code::NotFound).arg("user"))
}

/// Changes a profile, all fields or none (contract 24.48).
///
/// # Errors
/// `user.profile.update_failed` when a field breaks its limit or the route is taken.
pub async fn update(app: &App, user_id: i64, change: &Change) -> Result<Profile> {
    let mut tx = app.store().write().await?;
    let profile = update_in(app, &mut tx, user_id, change).await?;
    tx.commit().await?;
    Ok(profile)
}

/// The same in the caller's transaction.
///
/// # Errors
/// As [`update`].
pub async fn update_in(app: &App, tx: &mut Tx, user_id: i64, change: &Change) -> Result<Profile> {
    check(change)?;
    if let Some(route) = &change.route
        && store::route_owner(tx, route).await?.is_some_and(|owner| owner != user_id)
    {
        return Err(ApiError::new(Code::RouteTaken));
    }
    store::update(tx, user_id, change, app.now()).await?;
    get_in(tx, user_id).await
}

/// Writes the core: what the server keeps up to date about the user by itself.
///
/// # Errors
/// Storage failures only.
pub async fn set_bio(tx: &mut Tx, user_id: i64, bio: &str, now: Millis) -> Result<()> {
    store::set_bio(tx, user_id, bio, now).await?;
    Ok(())
}

/// The voice that a user chose; empty when there is none.
///
/// # Errors
/// `resource.fetch.not_found` when the user is gone.
pub async fn voice(store: &Store, user_id: i64) -> Result<String> {
    store::voice(store, user_id).await?.ok_or_else(|| ApiError::new(Code::NotFound).arg("user"))
}

/// Chooses a voice; whether it exists, the caller knows.
///
/// # Errors
/// Storage failures only.
pub async fn set_voice(app: &App, user_id: i64, voice: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    set_voice_in(app, &mut tx, user_id, voice).await?;
    tx.commit().await?;
    Ok(())
}

/// The same in the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn set_voice_in(app: &App, tx: &mut Tx, user_id: i64, voice: &str) -> Result<()> {
    store::set_voice(tx, user_id, voice, app.now()).await?;
    Ok(())
}

fn check(change: &Change) -> Result<()> {
    let refused = |field: &str, problem: Problem| Err(ApiError::new(Code::ProfileInvalid).about(field, &problem));
    for (field, value, max) in [
        ("name", &change.name, 50),
        ("avatar", &change.avatar, 2_000),
        ("cover", &change.cover, 2_000),
        ("about_me", &change.self_introduction, 500),
        ("origin_route", &change.route, 50),
    ] {
        if value.as_ref().is_some_and(|v| v.chars().count() > max) {
            return refused(field, Problem::TooLong(max));
        }
    }
    if change.name.as_ref().is_some_and(|n| n.trim().is_empty()) {
        return refused("name", Problem::Required);
    }
    for (field, value) in [("avatar", &change.avatar), ("cover", &change.cover)] {
        if value.as_ref().is_some_and(|v| !v.is_empty() && !is_web_url(v)) {
            return refused(field, Problem::Expected("an http or https URL", " http 或 https 链接"));
        }
    }
    if change.route.as_ref().is_some_and(|r| !is_route(r)) {
        let problem = Problem::Expected("1 to 50 letters, digits, `-` or `_`", " 1 到 50 个字母、数字、- 或 _");
        return refused("origin_route", problem);
    }
    Ok(())
}

fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))
}

/// Paths of this server that no home page may take.
const RESERVED: &[&str] = &[
    "admin",
    "api",
    "assets",
    "auth",
    "avatars",
    "cdn",
    "developer",
    "docs",
    "embed",
    "gate",
    "healthz",
    "home",
    "language",
    "login",
    "logout",
    "mcp",
    "metrics",
    "oauth",
    "oauth2",
    "openapi.json",
    "os",
    "plaza",
    "post",
    "readyz",
    "register",
    "settings",
    "setup",
    "static",
    "v1",
    "widget",
];

/// Whether a route belongs to the server itself.
pub fn is_reserved(route: &str) -> bool {
    RESERVED.iter().any(|r| r.eq_ignore_ascii_case(route))
}

/// Whether a text can be a home page route.
pub fn is_route(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !is_reserved(text)
}
