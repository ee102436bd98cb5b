//! SQL of finding entries. Every statement has the listener's filter.

use secondme_store::{Dialect, Row, Store, StoreError, params, sql};

use super::{Hit, Query};
use crate::memory::index::Kind;

/// Candidates that the database's full text gives.
const CANDIDATES: i64 = 400;

/// The entries that have any of the words, the best first.
pub(super) async fn full_text(store: &Store, query: &Query<'_>, keys: &[String]) -> Result<Vec<Hit>, StoreError> {
    let any = match store.dialect() {
        Dialect::Sqlite => keys.join(" OR "),
        Dialect::Postgres => keys.join(" | "),
    };
    let (all, signed_in, app) = query.listener.filter();
    let rows = store
        .all(
            sql!(
                sqlite: "SELECT e.*, -w.rank AS score FROM memory_words w JOIN memory_entries e ON e.id = w.rowid
                     WHERE w.words MATCH $2 AND e.user_id = $1
                       AND ($3 OR e.audience = 'anyone' OR ($4 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $5, '') <> e.audience)
                       AND (e.conversation IS NULL OR e.conversation <> $6)
                     ORDER BY w.rank, e.id DESC LIMIT $7",
                postgres: "SELECT e.*, ts_rank(w.words, q)::double precision AS score
                     FROM to_tsquery('simple', $2) q
                     JOIN memory_words w ON w.words @@ q JOIN memory_entries e ON e.id = w.entry_id
                     WHERE e.user_id = $1
                       AND ($3 OR e.audience = 'anyone' OR ($4 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $5, '') <> e.audience)
                       AND (e.conversation IS NULL OR e.conversation <> $6)
                     ORDER BY score DESC, e.id DESC LIMIT $7",
            ),
            params![query.user_id, any, all, signed_in, app, query.except_conversation.unwrap_or_default(), CANDIDATES],
        )
        .await?;
    let hits = rows.iter().map(hit).collect::<Result<Vec<_>, _>>()?;
    Ok(hits.into_iter().flatten().collect())
}

/// A kind that only a newer version knows is passed over.
fn hit(row: &Row) -> Result<Option<Hit>, StoreError> {
    let Some(kind) = Kind::parse(&row.get::<String>("kind")?) else { return Ok(None) };
    Ok(Some(Hit {
        entry_id: row.get("id")?,
        kind,
        item_id: row.get("item_id")?,
        text: row.get("content")?,
        speaker: row.get("speaker")?,
        conversation: row.get("conversation")?,
        position: row.get("position")?,
        happened_at: row.get("happened_at")?,
        importance: row.get("importance")?,
        score: row.get("score")?,
    }))
}
