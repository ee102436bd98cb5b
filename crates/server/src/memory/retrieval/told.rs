//! What an avatar tells its visitors beyond what a search among the memories finds: the notes that its owner named for it, and
//! what every visitor is to know.

use secondme_recall::{Image, Item, Question};
use secondme_store::{Row, Store, StoreError, params, sql};
use serde_json::Value;

use super::store::hit;
use super::{Hit, Query};
use crate::app::App;
use crate::error::Result;
use crate::memory::audience::Listener;

/// Parts of named notes that are looked through.
const PARTS_MAX: i64 = 1_000;

/// The parts of the notes `notes` that fit, the best first. Naming a note for an avatar is telling it to who talks to the avatar, so
/// no listener is asked for here.
///
/// # Errors
/// Storage failures only.
pub async fn in_notes(app: &App, query: &Query<'_>, notes: &[i64]) -> Result<Vec<Hit>> {
    if notes.is_empty() || query.limit == 0 {
        return Ok(Vec::new());
    }
    let parts = parts(app.store(), query.user_id, notes).await?;
    let mut image = Image::default();
    for part in &parts {
        image.put(&Item {
            id: part.entry_id,
            text: &part.text,
            speaker: None,
            conversation: part.conversation.as_deref(),
            position: part.position,
            at: part.happened_at,
            importance: part.importance as f32,
            kind: part.kind.number(),
        });
    }
    let (text, now, limit) = (query.text, query.now, query.limit);
    let found = image.search(&Question { text, vector: None, now, limit, kinds: 0, except: None });
    let hits = found.iter().filter_map(|f| {
        let part = parts.iter().find(|part| part.entry_id == f.id)?;
        Some(Hit { score: f.score, ..part.clone() })
    });
    Ok(hits.collect())
}

async fn parts(store: &Store, user_id: i64, notes: &[i64]) -> std::result::Result<Vec<Hit>, StoreError> {
    let conversations = Value::from(notes.iter().map(|id| format!("note/{id}")).collect::<Vec<_>>()).to_string();
    let rows = store
        .all(
            sql!(
                sqlite: "SELECT e.*, 0.0 AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND e.kind IN ('note', 'note_part')
                       AND e.conversation IN (SELECT value FROM json_each($2)) ORDER BY e.conversation, e.position LIMIT $3",
                postgres: "SELECT e.*, 0.0::double precision AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND e.kind IN ('note', 'note_part')
                       AND e.conversation IN (SELECT json_array_elements_text($2::text::json))
                     ORDER BY e.conversation, e.position LIMIT $3",
            ),
            params![user_id, conversations, PARTS_MAX],
        )
        .await?;
    hits(&rows)
}

/// The key memories that `listener` may hear, whatever the question, the most important and newest first.
///
/// # Errors
/// Storage failures only.
pub async fn always(store: &Store, user_id: i64, listener: &Listener, limit: usize) -> Result<Vec<Hit>> {
    let (all, signed_in, app) = listener.filter();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = store
        .all(
            sql!(
                sqlite: "SELECT e.*, 0.0 AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND e.kind = 'key_memory'
                       AND ($2 OR e.audience = 'anyone' OR ($3 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $4, '') <> e.audience)
                     ORDER BY e.importance DESC, e.happened_at DESC, e.id DESC LIMIT $5",
                postgres: "SELECT e.*, 0.0::double precision AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND e.kind = 'key_memory'
                       AND ($2 OR e.audience = 'anyone' OR ($3 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $4, '') <> e.audience)
                     ORDER BY e.importance DESC, e.happened_at DESC, e.id DESC LIMIT $5",
            ),
            params![user_id, all, signed_in, app, limit],
        )
        .await?;
    Ok(hits(&rows)?)
}

fn hits(rows: &[Row]) -> std::result::Result<Vec<Hit>, StoreError> {
    let hits = rows.iter().map(hit).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(hits.into_iter().flatten().collect())
}
