//! What an avatar can do besides talking: official skills, and custom ones written in Markdown (contract 17.15, 17.16).
//!
//! Invariant: an avatar's `skillKeys` name only skills that exist, its owner's or official ones.

mod definition;
pub mod http;
mod store;

use secondme_store::Tx;

pub use definition::{NewSkill, Written};

use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// The official skill that searches the web with the visitor's question.
pub const WEB: &str = "web";
/// The only scene there is.
pub const SCENE: &str = "avatar_chat";

/// A skill that every avatar can have.
#[derive(Clone, Copy, Debug)]
pub struct Official {
    /// Its key.
    pub key: &'static str,
    /// Names: English, Chinese.
    pub name: (&'static str, &'static str),
    /// What it does: English, Chinese.
    pub about: (&'static str, &'static str),
}

/// All of them.
pub const OFFICIAL: [Official; 1] = [Official {
    key: WEB,
    name: ("Web search", "联网搜索"),
    about: ("Searches the web with the visitor's question before it is answered", "回答前先用访客的问题搜索网络"),
}];

/// A skill that its owner wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contract 17.16")]
pub struct CustomSkill {
    pub id: i64,
    pub skill_key: String,
    pub title: String,
    pub description: String,
    pub when_to_use: String,
    pub version: String,
    pub scene_modes: Vec<String>,
    /// The Markdown without its front matter.
    pub content: String,
}

/// The user's custom skills of a scene, oldest first.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64, scene: &str) -> Result<Vec<CustomSkill>> {
    let mut tx = app.store().read().await?;
    let mut skills = store::list(&mut tx, user_id).await?;
    skills.retain(|skill| skill.scene_modes.iter().any(|s| s == scene));
    Ok(skills)
}

/// Makes a custom skill.
///
/// # Errors
/// `avatar.custom.skill.definition.invalid` when there are too many; `new` was checked when it was made.
pub async fn create(app: &App, user_id: i64, new: &NewSkill) -> Result<CustomSkill> {
    let mut tx = app.store().write().await?;
    let skill = create_in(app, &mut tx, user_id, new).await?;
    tx.commit().await?;
    Ok(skill)
}

/// The same in the caller's transaction.
///
/// # Errors
/// As [`create`].
pub async fn create_in(app: &App, tx: &mut Tx, user_id: i64, new: &NewSkill) -> Result<CustomSkill> {
    let max = app.config().avatars.skills_max;
    if store::list(tx, user_id).await?.len() >= max {
        let why = format!("{max} custom skills are the most a user can have");
        return Err(ApiError::new(Code::SkillInvalid).arg(why));
    }
    let key = format!("avatar_custom_{}", app.entropy().hex(16));
    Ok(store::insert(tx, user_id, &key, new, app.now()).await?)
}

/// Deletes a custom skill in the caller's transaction, which takes it off the avatars that have it; whether it was there.
///
/// # Errors
/// Storage failures only.
pub(super) async fn delete_in(tx: &mut Tx, user_id: i64, key: &str) -> Result<bool> {
    Ok(store::delete(tx, user_id, key).await? > 0)
}

/// Refuses keys that name no skill of this user.
///
/// # Errors
/// `invalid.param` with the first one.
pub async fn check_keys(tx: &mut Tx, user_id: i64, keys: &[String]) -> Result<()> {
    let custom = store::list(tx, user_id).await?;
    let known = |key: &String| OFFICIAL.iter().any(|o| o.key == key) || custom.iter().any(|c| c.skill_key == *key);
    match keys.iter().find(|key| !known(key)) {
        None => Ok(()),
        Some(key) => Err(ApiError::invalid("skillKeys", &Problem::Parser(format!("has no skill `{key}`")))),
    }
}

/// The custom skills among `keys`, for the prompt.
///
/// # Errors
/// Storage failures only.
pub async fn texts_in(tx: &mut Tx, user_id: i64, keys: &[String]) -> Result<Vec<CustomSkill>> {
    if keys.iter().all(|key| key == WEB) {
        return Ok(Vec::new());
    }
    let mut skills = store::list(tx, user_id).await?;
    skills.retain(|skill| keys.contains(&skill.skill_key));
    Ok(skills)
}
