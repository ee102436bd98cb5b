//! From a question to the memories that answer it. What the listener may not hear is left out by the database, before anything
//! is scored: it is in no list, count or statistic that this module ever sees.

mod images;
mod store;
mod told;

use std::collections::HashSet;
use std::time::Duration;

use secondme_kit::Millis;
use secondme_llm::{ModelStatus, Purpose};
use secondme_recall::Code;

pub use images::Images;
pub use told::{always, in_notes};

use super::audience::Listener;
use super::index::{self, Kind};
use crate::app::App;
use crate::error::Result;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// Whose memories.
    pub user_id: i64,
    /// Who will hear the answer.
    pub listener: &'a Listener,
    /// The question, in the words of whoever asks.
    pub text: &'a str,
    /// When it is asked: what "yesterday" is counted from.
    pub now: Millis,
    /// The most hits.
    pub limit: usize,
    /// Only these kinds; empty: all.
    pub kinds: &'a [Kind],
    /// Not from this conversation: what is in the prompt anyway.
    pub except_conversation: Option<&'a str>,
}

/// A memory that was found, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The entry's id: what a manifest names.
    pub entry_id: i64,
    /// What it stands for.
    pub kind: Kind,
    /// The id of that thing.
    pub item_id: String,
    /// What is remembered.
    pub text: String,
    /// Who said it.
    pub speaker: Option<String>,
    /// The conversation, note or page it belongs to.
    pub conversation: Option<String>,
    /// The place within it.
    pub position: i64,
    /// When it happened.
    pub happened_at: Millis,
    /// From 0 to 1.
    pub importance: f64,
    /// Comparable within one result only.
    pub score: f64,
}

/// Characters of a question that are read.
const QUESTION_MAX_CHARS: usize = 2_000;
/// Words of a question that are looked for at most.
const WORDS_MAX: usize = 64;

/// Finds memories.
///
/// # Errors
/// Storage failures only; a question without words finds nothing.
pub async fn search(app: &App, query: &Query<'_>) -> Result<Vec<Hit>> {
    if query.limit == 0 || query.text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let asked = images::Asked {
        text: query.text.chars().take(QUESTION_MAX_CHARS).collect(),
        vector: vector(app, query.text).await,
        now: query.now,
        limit: query.limit,
        kinds: query.kinds.iter().fold(0, |bits, kind| bits | 1 << kind.number()),
        except: query.except_conversation.map(str::to_owned),
    };
    match app.images().search(app, query, asked).await? {
        Some(found) => Ok(store::entries(app.store(), query, &found).await?),
        None => by_full_text(app, query).await,
    }
}

/// The vector of a question; without one when there is no embedder, or it takes too long.
async fn vector(app: &App, text: &str) -> Option<Code> {
    let embedder = app.embedder().filter(|embedder| embedder.status() == ModelStatus::Ready)?;
    let text = [text.chars().take(QUESTION_MAX_CHARS).collect::<String>()];
    let patience = Duration::from_millis(app.config().recall.question_ms);
    match tokio::time::timeout(patience, embedder.embed(Purpose::Query, &text)).await {
        Ok(Ok(vectors)) => vectors.first().map(|vector| Code::of(vector)),
        Ok(Err(error)) => {
            tracing::warn!(cause = %error, "a question has no vector");
            None
        }
        Err(_) => {
            tracing::warn!("the embedder took too long for a question");
            None
        }
    }
}

/// The database's own full text, for memories that are not in memory: what was just written first, as far as it fits.
async fn by_full_text(app: &App, query: &Query<'_>) -> Result<Vec<Hit>> {
    let mut keys = index::keys(query.user_id, query.text, None);
    keys.sort_unstable();
    keys.dedup();
    keys.truncate(WORDS_MAX);
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let asked: HashSet<&String> = keys.iter().collect();
    let mut hits = store::tail(app.store(), query).await?;
    for hit in &mut hits {
        let own: HashSet<String> = index::keys(query.user_id, &hit.text, hit.speaker.as_deref()).into_iter().collect();
        hit.score = own.iter().filter(|key| asked.contains(key)).count() as f64;
    }
    // Half of the words and more: otherwise the newest would always come before the best.
    hits.retain(|hit| hit.score * 2.0 >= keys.len() as f64);
    hits.extend(store::full_text(app.store(), query, &keys).await?);
    hits.retain(|hit| query.kinds.is_empty() || query.kinds.contains(&hit.kind));
    hits.truncate(query.limit);
    Ok(hits)
}
