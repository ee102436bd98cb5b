//! The portrait: once a night the core (`bio`) and the interest tags are written anew from what is remembered.
//!
//! A sentence that no memory says is dropped, whoever wrote it. Without a model the portrait is put together from the memories
//! themselves. Every rewrite keeps what changed, in words.

mod diff;
mod extractive;
pub mod jobs;
mod store;
mod written;

use secondme_store::Tx;

pub use store::Portrait;

use super::ask::NoAnswer;
use crate::app::App;
use crate::error::Result;
use crate::memory::key_memories::{self, KeyMemory};
use crate::users::profile::{self, Profile};
use crate::users::shades::{self, Learned};

/// How a portrait came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A model wrote it.
    Model,
    /// It was put together from memories.
    Extractive,
}

/// What a night changed.
#[derive(Clone, Debug)]
pub struct Dream {
    /// The new core.
    pub bio: String,
    /// What changed, line by line; empty when nothing did.
    pub diff: String,
    /// How it came about.
    pub method: Method,
    /// Interest tags that were added or changed.
    pub interests: Vec<String>,
    /// Why there is no model's portrait, if one was wanted.
    pub without_model: Option<String>,
}

/// A draft: sentences, and interests with the memories behind them.
#[derive(Clone, Debug, Default)]
struct Draft {
    sentences: Vec<String>,
    interests: Vec<Interest>,
}

#[derive(Clone, Debug)]
struct Interest {
    name: String,
    description: String,
    memories: Vec<i64>,
}

/// Writes the portrait anew from what is remembered.
///
/// # Errors
/// Storage failures only: a model that is away is no failure.
pub async fn dream(app: &App, user_id: i64) -> Result<Dream> {
    let (profile, memories) = material(app, user_id).await?;
    let (draft, method, without_model) = match written::draft(app, &profile, &memories).await {
        Ok(draft) if !draft.sentences.is_empty() => (draft, Method::Model, None),
        Ok(_) => (extractive::draft(&memories), Method::Extractive, Some("nothing it wrote was remembered".to_owned())),
        Err(NoAnswer::Off) => (extractive::draft(&memories), Method::Extractive, None),
        Err(NoAnswer::Failed(why)) => (extractive::draft(&memories), Method::Extractive, Some(why)),
    };
    if let Some(why) = without_model.as_deref().filter(|_| !memories.is_empty()) {
        tracing::warn!(user_id, cause = why, "the portrait was put together without a model");
    }
    keep(app, user_id, &profile.bio, draft, method, &memories, without_model).await
}

/// Takes what came from these memories out of the portrait and its past, at once and without a model.
///
/// # Errors
/// Storage failures only.
pub async fn forget(app: &App, user_id: i64, memory_ids: &[i64]) -> Result<()> {
    let portraits = store::all(app.store(), user_id).await?;
    let touched: Vec<&Portrait> =
        portraits.iter().filter(|p| p.memories.iter().any(|id| memory_ids.contains(id))).collect();
    if touched.is_empty() {
        return Ok(());
    }
    let (_, memories) = material(app, user_id).await?;
    let mut tx = app.store().write().await?;
    for portrait in &touched {
        for (name, ids) in &portrait.interests {
            if ids.iter().any(|id| memory_ids.contains(id)) {
                shades::unlearn(&mut tx, user_id, name).await?;
            }
        }
        store::delete(&mut tx, user_id, portrait.id).await?;
    }
    profile::set_bio(&mut tx, user_id, "", app.now()).await?;
    tx.commit().await?;
    // From nothing, so that the kept difference does not show what was forgotten.
    keep(app, user_id, "", extractive::draft(&memories), Method::Extractive, &memories, None).await?;
    Ok(())
}

/// A user's kept portraits, newest first.
///
/// # Errors
/// Storage failures only.
pub async fn past(app: &App, user_id: i64) -> Result<Vec<Portrait>> {
    Ok(store::all(app.store(), user_id).await?)
}

async fn material(app: &App, user_id: i64) -> Result<(Profile, Vec<KeyMemory>)> {
    let mut tx = app.store().read().await?;
    let profile = profile::get_in(&mut tx, user_id).await?;
    let memories = key_memories::current(&mut tx, user_id, app.config().learning.portrait_memories_max).await?;
    Ok((profile, memories))
}

async fn keep(
    app: &App,
    user_id: i64,
    old: &str,
    draft: Draft,
    method: Method,
    memories: &[KeyMemory],
    without_model: Option<String>,
) -> Result<Dream> {
    let config = &app.config().learning;
    let bio = within(&draft.sentences, config.portrait_max_chars);
    let diff = diff::of(old, &bio);
    let mut interests = draft.interests;
    interests.truncate(config.shades_max);
    let now = app.now();
    let mut tx = app.store().write().await?;
    let changed = learn_interests(&mut tx, user_id, &interests, now).await?;
    if !diff.is_empty() {
        profile::set_bio(&mut tx, user_id, &bio, now).await?;
    }
    let new = store::NewPortrait { bio: &bio, diff: &diff, method, memories, interests: &interests };
    store::insert(&mut tx, user_id, &new, now).await?;
    store::reclaim(&mut tx, user_id, config.portraits_kept).await?;
    tx.commit().await?;
    Ok(Dream { bio, diff, method, interests: changed, without_model })
}

async fn learn_interests(
    tx: &mut Tx,
    user_id: i64,
    interests: &[Interest],
    now: secondme_kit::Millis,
) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for interest in interests {
        let confidence_level = match interest.memories.len() {
            0 | 1 => "LOW",
            2..=3 => "MEDIUM",
            4..=7 => "HIGH",
            _ => "VERY_HIGH",
        };
        let learned = Learned { name: &interest.name, description: &interest.description, confidence_level };
        if shades::learn(tx, user_id, &learned, now).await? {
            changed.push(interest.name.clone());
        }
    }
    Ok(changed)
}

/// As many of the sentences, in order, as fit.
fn within(sentences: &[String], max_chars: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for sentence in sentences {
        let sentence = sentence.trim();
        let count = sentence.chars().count();
        if sentence.is_empty() || length + count > max_chars {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(sentence);
        length += count + 1;
    }
    out
}
