//! What an avatar is: list, detail, create, update, delete, set-default (contract 17.1 to 17.8).
//!
//! Invariants: one `primary` avatar per user, which cannot be deleted; one default avatar per user.

pub mod definition;
pub mod http;
pub mod persona;
pub mod skill_create;
mod store;

use secondme_kit::{Millis, paging::Page};
use secondme_store::Tx;
use serde_json::Value;

pub use definition::Definition;
pub use persona::{Voice, persona_for_visitor};

use crate::app::App;
use crate::avatars::skills;
use crate::error::{ApiError, Code, Problem, Result};

/// Whether an avatar was made by the server or by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Made with the account; cannot be deleted.
    Primary,
    /// Made by its owner.
    Custom,
}

impl Kind {
    /// The word in the database and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Custom => "custom",
        }
    }
}

/// An avatar as stored, with what is shown of its owner. Empty texts: not set.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the other fields are those of contract 17.1")]
pub struct Avatar {
    pub id: i64,
    /// The owner.
    pub user_id: i64,
    pub kind: Kind,
    pub title: String,
    /// The definition: it rules what the avatar is and does towards visitors.
    pub scenario_prompt: String,
    pub opening: String,
    /// Its own cover; see [`Avatar::cover`].
    pub cover_url: String,
    pub welcome_note: String,
    /// Whether `sk-` keys open it.
    pub api_enabled: bool,
    pub wxapp_enabled: bool,
    pub skill_keys: Vec<String>,
    pub monetization: Value,
    /// What the owner gave it to know, as an object of texts.
    pub material: Value,
    pub related_note_ids: Vec<i64>,
    pub share_code: String,
    pub is_default: bool,
    /// Answers given to visitors.
    pub usage_count: i64,
    /// Looks of others at its public face.
    pub view_count: i64,
    pub created_at: Millis,
    pub owner_name: String,
    pub owner_route: String,
    pub owner_picture: String,
    pub owner_cover: String,
    /// `normal`, `warned` or `suspended`.
    pub owner_status: String,
    /// Whether the owner belongs to the demo world, whose credentials work on this machine only.
    pub owner_demo: bool,
}

impl Avatar {
    /// Its cover, or else that of the owner's profile.
    pub fn cover(&self) -> &str {
        if self.cover_url.is_empty() { &self.owner_cover } else { &self.cover_url }
    }

    /// The first message for visitors, when there is one.
    pub fn opening(&self) -> Option<&str> {
        Some(self.opening.as_str()).filter(|text| !text.trim().is_empty())
    }

    /// The link that the owner shares.
    pub fn share_url(&self, app: &App) -> String {
        format!("{}/{}/avatar/{}", app.public_url(), self.owner_route, self.share_code)
    }
}

/// A page of a user's avatars, the primary one first, then the newest; and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64, page: Page) -> Result<(i64, Vec<Avatar>)> {
    let mut tx = app.store().read().await?;
    let total = store::count(&mut tx, user_id).await?;
    Ok((total, store::list(&mut tx, user_id, page).await?))
}

/// One of the user's avatars.
///
/// # Errors
/// `avatar.fetch.failed` (404) when it is not there or not theirs.
pub async fn get(app: &App, user_id: i64, avatar_id: i64) -> Result<Avatar> {
    let mut tx = app.store().read().await?;
    get_in(&mut tx, user_id, avatar_id, Code::AvatarUnknown).await
}

/// The same inside a transaction, with the error of the caller's route.
///
/// # Errors
/// `unknown` when it is not there or not theirs.
pub async fn get_in(tx: &mut Tx, user_id: i64, avatar_id: i64, unknown: Code) -> Result<Avatar> {
    store::get(tx, user_id, avatar_id).await?.ok_or_else(|| ApiError::new(unknown))
}

/// The user's primary avatar.
///
/// # Errors
/// `avatar.fetch.failed` (404) when the user is gone.
pub async fn primary(app: &App, user_id: i64) -> Result<Avatar> {
    let mut tx = app.store().read().await?;
    store::primary(&mut tx, user_id).await?.ok_or_else(|| ApiError::new(Code::AvatarUnknown))
}

/// Anybody's avatar by its share code, for visitors; none when there is no such code or its owner is suspended.
///
/// # Errors
/// Storage failures only.
pub async fn by_share_code(app: &App, share_code: &str) -> Result<Option<Avatar>> {
    let mut tx = app.store().read().await?;
    let found = store::by_share_code(&mut tx, share_code).await?;
    Ok(found.filter(|avatar| avatar.owner_status != "suspended"))
}

/// Anybody's avatar by its id, for those who keep conversations with it; none when it was deleted.
///
/// # Errors
/// Storage failures only.
pub async fn by_id(tx: &mut Tx, avatar_id: i64) -> Result<Option<Avatar>> {
    Ok(store::by_id(tx, avatar_id).await?)
}

/// Makes an avatar.
///
/// # Errors
/// `invalid.param` on a field that breaks its limit; `avatar.create.failed` when there are too many, or `PAID` without a contract.
pub async fn create(app: &App, user_id: i64, definition: &Definition) -> Result<Avatar> {
    definition.check(app)?;
    if definition.title.as_deref().is_none_or(|title| title.trim().is_empty()) {
        return Err(ApiError::invalid("title", &Problem::Required));
    }
    let mut tx = app.store().write().await?;
    let avatar = create_in(app, &mut tx, user_id, definition).await?;
    tx.commit().await?;
    Ok(avatar)
}

/// The same in the caller's transaction, of a definition that was checked.
pub(super) async fn create_in(app: &App, tx: &mut Tx, user_id: i64, definition: &Definition) -> Result<Avatar> {
    definition.check_in(tx, user_id, Code::AvatarCreateFailed).await?;
    let max = app.config().avatars.per_user_max;
    if store::count(tx, user_id).await? >= max {
        return Err(ApiError::new(Code::AvatarCreateFailed).arg(format!("{max} avatars are the most a user can have")));
    }
    let title = definition.title.as_deref().unwrap_or_default().trim();
    // A share code that somebody has already: the next one is as random.
    for _ in 0..4 {
        if let Some(id) = store::insert(tx, user_id, title, &app.entropy().hex(12), app.now()).await? {
            store::update(tx, user_id, id, definition, app.now()).await?;
            return get_in(tx, user_id, id, Code::AvatarUnknown).await;
        }
    }
    Err(ApiError::new(Code::Internal))
}

/// Changes an avatar; fields that are not given stay as they are.
///
/// # Errors
/// `avatar.update.failed`: 404 when it is not there or not theirs, 400 for `PAID` without a contract; `invalid.param` on a field that
/// breaks its limit.
pub async fn update(app: &App, user_id: i64, avatar_id: i64, definition: &Definition) -> Result<Avatar> {
    definition.check(app)?;
    let mut tx = app.store().write().await?;
    get_in(&mut tx, user_id, avatar_id, Code::AvatarUpdateUnknown).await?;
    definition.check_in(&mut tx, user_id, Code::AvatarUpdateFailed).await?;
    store::update(&mut tx, user_id, avatar_id, definition, app.now()).await?;
    let avatar = get_in(&mut tx, user_id, avatar_id, Code::AvatarUpdateUnknown).await?;
    tx.commit().await?;
    Ok(avatar)
}

/// Deletes an avatar with its keys, conversations and everything made from them. When it was the default, the primary one is again.
///
/// # Errors
/// `avatar.delete.failed`: 404 when it is not there or not theirs, 400 for the primary one.
pub async fn delete(app: &App, user_id: i64, avatar_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    let avatar = get_in(&mut tx, user_id, avatar_id, Code::AvatarDeleteUnknown).await?;
    if avatar.kind == Kind::Primary {
        return Err(ApiError::new(Code::AvatarPrimary));
    }
    store::delete(&mut tx, user_id, avatar_id).await?;
    if avatar.is_default
        && let Some(primary) = store::primary(&mut tx, user_id).await?
    {
        store::set_default(&mut tx, user_id, primary.id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Deletes a custom skill of the user, and takes it off every avatar that has it.
///
/// # Errors
/// `resource.fetch.not_found` when it is not there or not theirs.
pub async fn delete_skill(app: &App, user_id: i64, key: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    if !skills::delete_in(&mut tx, user_id, key).await? {
        return Err(ApiError::new(Code::NotFound).arg("skill"));
    }
    let every = Page { number: 1, size: store::count(&mut tx, user_id).await? };
    for avatar in store::list(&mut tx, user_id, every).await? {
        let kept: Vec<String> = avatar.skill_keys.iter().filter(|known| *known != key).cloned().collect();
        if kept.len() < avatar.skill_keys.len() {
            let without = Definition { skill_keys: Some(kept), ..Definition::default() };
            store::update(&mut tx, user_id, avatar.id, &without, app.now()).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Makes an avatar the user's default: the one that stands for them where none is named.
///
/// # Errors
/// `avatar.update.failed` (404) when it is not there or not theirs.
pub async fn set_default(app: &App, user_id: i64, avatar_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    get_in(&mut tx, user_id, avatar_id, Code::AvatarUpdateUnknown).await?;
    store::set_default(&mut tx, user_id, avatar_id).await?;
    tx.commit().await?;
    Ok(())
}

/// Counts a look of somebody else at the public face.
///
/// # Errors
/// Storage failures only.
pub async fn count_view(app: &App, avatar: &Avatar) -> Result<()> {
    let mut tx = app.store().write().await?;
    store::count_view(&mut tx, avatar.user_id, avatar.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Counts an answer given to a visitor, in the caller's transaction.
pub(super) async fn count_use(tx: &mut Tx, user_id: i64, avatar_id: i64) -> Result<()> {
    store::count_use(tx, user_id, avatar_id).await?;
    Ok(())
}
