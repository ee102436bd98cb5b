//! From a question to the memories that answer it. What the listener may not hear is left out by the database, before anything
//! is scored: it is in no list, count or statistic that this module ever sees.

mod store;

use secondme_kit::Millis;

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

/// Words of a question that are looked for at most.
const WORDS_MAX: usize = 64;

/// Finds memories.
///
/// # Errors
/// Storage failures only; a question without words finds nothing.
pub async fn search(app: &App, query: &Query<'_>) -> Result<Vec<Hit>> {
    let mut keys = index::keys(query.user_id, query.text, None);
    keys.sort_unstable();
    keys.dedup();
    keys.truncate(WORDS_MAX);
    if keys.is_empty() || query.limit == 0 {
        return Ok(Vec::new());
    }
    let mut hits = store::full_text(app.store(), query, &keys).await?;
    hits.retain(|hit| query.kinds.is_empty() || query.kinds.contains(&hit.kind));
    hits.truncate(query.limit);
    Ok(hits)
}
