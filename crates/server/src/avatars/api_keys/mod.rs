//! Avatar keys, `sk-` + 32 hex digits: they open one avatar to an app's visitors (contract 17.17).
//!
//! Invariant: the text of a key is shown once; the database holds its keyed hash.

pub mod http;
mod store;

use secondme_store::Tx;

use crate::app::App;
use crate::avatars::center::{self, Avatar, definition::at_most};
use crate::error::{ApiError, Code, Problem, Result};

/// The beginning of every key.
pub const PREFIX: &str = "sk-";
const NAME_MAX_CHARS: usize = 100;

/// A key as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contract 17.17")]
pub struct ApiKey {
    pub id: i64,
    pub avatar_id: i64,
    pub name: String,
    pub enabled: bool,
}

/// A key that opens, and what it opens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The key's row.
    pub key_id: i64,
    /// The avatar.
    pub avatar: Avatar,
}

/// The avatar that a key opens: for visitors, whoever they are.
///
/// # Errors
/// `open.api.key.not.found` (401) for a key that is unknown or disabled, or whose avatar is closed to apps (`apiEnabled`);
/// `open.api.user.not.found` (404) when its owner is suspended.
pub async fn open(app: &App, key: &str) -> Result<Opened> {
    let mut tx = app.store().read().await?;
    let found = store::opened_by(&mut tx, &digest(app, key)).await?;
    let (key_id, avatar_id) = found.ok_or_else(|| ApiError::new(Code::OpenKeyUnknown))?;
    let avatar = opened(&mut tx, avatar_id).await?;
    Ok(Opened { key_id, avatar })
}

/// The same by the key's row, for conversations that began with it.
///
/// # Errors
/// As [`open`].
pub async fn reopen(app: &App, key_id: i64) -> Result<Opened> {
    let mut tx = app.store().read().await?;
    let found = store::reopened_by(&mut tx, key_id).await?;
    let avatar_id = found.ok_or_else(|| ApiError::new(Code::OpenKeyUnknown))?;
    let avatar = opened(&mut tx, avatar_id).await?;
    Ok(Opened { key_id, avatar })
}

async fn opened(tx: &mut Tx, avatar_id: i64) -> Result<Avatar> {
    let avatar = center::by_id(tx, avatar_id).await?.filter(|avatar| avatar.api_enabled);
    let avatar = avatar.ok_or_else(|| ApiError::new(Code::OpenKeyUnknown))?;
    if avatar.owner_status == "suspended" {
        return Err(ApiError::new(Code::OpenUserUnknown));
    }
    Ok(avatar)
}

fn digest(app: &App, key: &str) -> secondme_kit::secret::Digest32 {
    app.key().digest("avatar key", key.trim())
}

/// Makes a key of an avatar: its row, and its text, which nobody can see again.
///
/// # Errors
/// `invalid.param` on a missing or long name; `avatar.apikey.failed`: 404 for an avatar that is not theirs, 400 when there are too many.
pub async fn create(app: &App, user_id: i64, avatar_id: i64, name: &str) -> Result<(ApiKey, String)> {
    check_name(Some(name))?;
    let secret = format!("{PREFIX}{}", app.entropy().hex(32));
    let mut tx = app.store().write().await?;
    center::get_in(&mut tx, user_id, avatar_id, Code::AvatarKeyUnknown).await?;
    let max = app.config().avatars.keys_max;
    if store::count(&mut tx, user_id, avatar_id).await? >= max {
        return Err(ApiError::new(Code::AvatarKeyFailed).arg(format!("{max} keys are the most an avatar can have")));
    }
    let id = store::insert(&mut tx, user_id, avatar_id, name.trim(), &digest(app, &secret), app.now()).await?;
    tx.commit().await?;
    Ok((ApiKey { id, avatar_id, name: name.trim().to_owned(), enabled: true }, secret))
}

/// Stores a key with a fixed id and text, once: the demo world's.
///
/// # Errors
/// Storage failures only.
pub async fn put(app: &App, id: i64, avatar: &Avatar, name: &str, secret: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    store::put(&mut tx, (id, avatar.user_id, avatar.id), name, &digest(app, secret), app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// The keys of an avatar, oldest first.
///
/// # Errors
/// `avatar.apikey.failed` (404) for an avatar that is not theirs.
pub async fn list(app: &App, user_id: i64, avatar_id: i64) -> Result<Vec<ApiKey>> {
    let mut tx = app.store().read().await?;
    center::get_in(&mut tx, user_id, avatar_id, Code::AvatarKeyUnknown).await?;
    Ok(store::list(&mut tx, user_id, avatar_id).await?)
}

/// Renames a key, switches it on or off. Others are not touched.
///
/// # Errors
/// `invalid.param` on a blank or long name; `avatar.apikey.failed` (404) for a key that is not theirs.
pub async fn update(app: &App, user_id: i64, key_id: i64, name: Option<&str>, enabled: Option<bool>) -> Result<()> {
    check_name(name)?;
    let mut tx = app.store().write().await?;
    if store::update(&mut tx, user_id, key_id, name.map(str::trim), enabled).await? == 0 {
        return Err(ApiError::new(Code::AvatarKeyUnknown));
    }
    tx.commit().await?;
    Ok(())
}

/// Deletes a key: it opens nothing from now on.
///
/// # Errors
/// `avatar.apikey.failed` (404) for a key that is not theirs.
pub async fn delete(app: &App, user_id: i64, key_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::delete(&mut tx, user_id, key_id).await? == 0 {
        return Err(ApiError::new(Code::AvatarKeyUnknown));
    }
    tx.commit().await?;
    Ok(())
}

fn check_name(name: Option<&str>) -> Result<()> {
    if name.is_some_and(|name| name.trim().is_empty()) {
        return Err(ApiError::invalid("name", &Problem::Required));
    }
    at_most("name", name, NAME_MAX_CHARS)
}
