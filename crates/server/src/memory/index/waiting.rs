//! What an entry gets after it was written: a place in the database's full text, and its vector. The entry itself says that it
//! still waits, so nothing is lost when the process ends, and writing a memory costs nothing but its row.

use std::collections::BTreeMap;
use std::time::Duration;

use secondme_llm::{ModelStatus, Purpose};
use secondme_recall::Code;

use super::{keys, store};
use crate::app::App;
use crate::error::{ApiError, Result};

/// Entries whose words are stored in one transaction.
const WORDS_BATCH: i64 = 500;
/// Entries that are embedded together; a question waits for one text at most, not for all of them.
const VECTORS_BATCH: i64 = 32;

/// An entry that waits.
pub(super) struct Waiting {
    pub id: i64,
    pub user_id: i64,
    pub text: String,
    pub speaker: Option<String>,
    /// What stands before it in its conversation, and who said that; only what the same listeners may hear.
    pub before: Option<(String, Option<String>)>,
}

/// Serves what waits until the server stops.
pub async fn run(app: App) {
    let pause = Duration::from_millis(app.config().recall.poll_ms.max(10));
    loop {
        match pass(&app).await {
            Ok(0) => {}
            Ok(_) if app.stopping().is_cancelled() => return,
            Ok(_) => continue,
            Err(error) => tracing::warn!(cause = %error, "memories could not be indexed; trying again"),
        }
        tokio::select! {
            () = app.stopping().cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One batch of each; how many entries were served.
///
/// # Errors
/// Storage failures, and those of the embedder.
pub async fn pass(app: &App) -> Result<usize> {
    Ok(word(app).await? + embed(app).await?)
}

async fn word(app: &App) -> Result<usize> {
    let waiting = store::without_words(app.store(), WORDS_BATCH).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let words: Vec<String> = waiting.iter().map(|w| keys(w.user_id, &w.text, w.speaker.as_deref()).join(" ")).collect();
    let mut tx = app.store().write().await?;
    for (entry, words) in waiting.iter().zip(&words) {
        // Replaced meanwhile, or another node was faster.
        if store::claim_words(&mut tx, entry).await? {
            store::insert_words(&mut tx, entry.id, words).await?;
        }
    }
    tx.commit().await?;
    Ok(waiting.len())
}

async fn embed(app: &App) -> Result<usize> {
    let Some(embedder) = app.embedder().filter(|embedder| embedder.status() == ModelStatus::Ready) else {
        return Ok(0);
    };
    let stale = store::forget_other_models(app.store(), embedder.name(), WORDS_BATCH).await?;
    let waiting = store::without_vector(app.store(), VECTORS_BATCH).await?;
    if waiting.is_empty() {
        return Ok(stale);
    }
    let texts: Vec<String> = waiting.iter().map(passage).collect();
    let vectors = embedder.embed(Purpose::Passage, &texts).await.map_err(ApiError::internal)?;
    let codes: Vec<Vec<u8>> = vectors.iter().map(|vector| Code::of(vector).to_bytes()).collect();
    let mut by_user: BTreeMap<i64, Vec<(&Waiting, Vec<u8>)>> = BTreeMap::new();
    for (entry, code) in waiting.iter().zip(codes) {
        by_user.entry(entry.user_id).or_default().push((entry, code));
    }
    let mut tx = app.store().write().await?;
    for (user_id, entries) in by_user {
        let version = store::next_version(&mut tx, user_id).await?;
        for (entry, code) in entries {
            if store::claim_vector(&mut tx, entry).await? {
                store::insert_vector(&mut tx, entry, version, embedder.name(), code).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(waiting.len())
}

fn passage(entry: &Waiting) -> String {
    let before = entry.before.as_ref().map(|(text, speaker)| (text.as_str(), speaker.as_deref()));
    secondme_recall::passage(before, (&entry.text, entry.speaker.as_deref()))
}
