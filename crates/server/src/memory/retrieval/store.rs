//! SQL of finding entries. Every statement that reads what an entry says has the listener's filter.

use secondme_recall::{Code, Found, Item};
use secondme_store::{Dialect, Row, Store, StoreError, Tx, params, sql};

use super::images::State;
use super::{Hit, Query};
use crate::memory::audience::Listener;
use crate::memory::index::{GONE_KEPT, Kind};

/// Candidates that the database's full text gives.
const CANDIDATES: i64 = 400;
/// The newest entries that are not in the full text yet, which are looked through one by one.
const TAIL: i64 = 1_000;
/// Rows that are read at once.
const CHUNK: i64 = 5_000;

/// The number of the user's last change; 0: there never was one.
pub(super) async fn head(store: &Store, user_id: i64) -> Result<i64, StoreError> {
    let row = store.opt(sql!("SELECT version FROM memory_heads WHERE user_id = $1"), params![user_id]).await?;
    row.map_or(Ok(0), |row| row.get("version"))
}

/// Brings an image to the user's last change, or makes it anew when it is too far behind.
pub(super) async fn follow(
    store: &Store,
    user_id: i64,
    listener: &Listener,
    state: &mut State,
) -> Result<(), StoreError> {
    let mut tx = store.read().await?;
    let row = tx.opt(sql!("SELECT version FROM memory_heads WHERE user_id = $1"), params![user_id]).await?;
    let head: i64 = row.map_or(Ok(0), |row| row.get("version"))?;
    if head - state.version > GONE_KEPT {
        *state = State { model: std::mem::take(&mut state.model), ..State::default() };
    }
    if state.version > 0 {
        forget_changed(&mut tx, user_id, state).await?;
    }
    read_entries(&mut tx, user_id, listener, state).await?;
    read_vectors(&mut tx, user_id, state).await?;
    state.version = head;
    Ok(())
}

/// Whatever changed leaves the image first: it may not be for this listener any more.
async fn forget_changed(tx: &mut Tx, user_id: i64, state: &mut State) -> Result<(), StoreError> {
    let sql = sql!(
        "SELECT entry_id FROM memory_gone WHERE user_id = $1 AND version > $2
         UNION ALL SELECT id FROM memory_entries WHERE user_id = $1 AND version > $2"
    );
    for row in tx.all(sql, params![user_id, state.version]).await? {
        state.image.remove(row.get("entry_id")?);
    }
    Ok(())
}

async fn read_entries(tx: &mut Tx, user_id: i64, listener: &Listener, state: &mut State) -> Result<(), StoreError> {
    let (all, signed_in, app) = listener.filter();
    let (mut version, mut id) = (state.version, i64::MAX);
    loop {
        let rows = tx
            .all(
                sql!(
                    "SELECT * FROM memory_entries e
                     WHERE e.user_id = $1 AND (e.version, e.id) > ($2, $3)
                       AND ($4 OR e.audience = 'anyone' OR ($5 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $6, '') <> e.audience)
                     ORDER BY e.version, e.id LIMIT $7"
                ),
                params![user_id, version, id, all, signed_in, &app, CHUNK],
            )
            .await?;
        for row in &rows {
            (version, id) = (row.get("version")?, row.get("id")?);
            put(row, state)?;
        }
        if (rows.len() as i64) < CHUNK {
            return Ok(());
        }
    }
}

/// A kind that only a newer version knows is passed over.
fn put(row: &Row, state: &mut State) -> Result<(), StoreError> {
    let Some(kind) = Kind::parse(&row.get::<String>("kind")?) else { return Ok(()) };
    let (text, speaker): (String, Option<String>) = (row.get("content")?, row.get("speaker")?);
    let conversation: Option<String> = row.get("conversation")?;
    state.image.put(&Item {
        id: row.get("id")?,
        text: &text,
        speaker: speaker.as_deref(),
        conversation: conversation.as_deref(),
        position: row.get("position")?,
        at: row.get("happened_at")?,
        importance: row.get::<f64>("importance")? as f32,
        kind: kind.number(),
    });
    Ok(())
}

/// Vectors of entries that are not in the image are passed over by it.
async fn read_vectors(tx: &mut Tx, user_id: i64, state: &mut State) -> Result<(), StoreError> {
    if state.model.is_empty() {
        return Ok(());
    }
    // An entry whose audience changed is new in the image, and its vector is older: its own version decides, too.
    let (since, mut last) = (state.version, 0);
    loop {
        let rows = tx
            .all(
                sql!(
                    "SELECT v.entry_id, v.code FROM memory_vectors v JOIN memory_entries e ON e.id = v.entry_id
                     WHERE v.user_id = $1 AND e.user_id = $1 AND v.model = $2 AND v.entry_id > $4
                       AND (v.version > $3 OR e.version > $3)
                     ORDER BY v.entry_id LIMIT $5"
                ),
                params![user_id, &state.model, since, last, CHUNK],
            )
            .await?;
        for row in &rows {
            last = row.get("entry_id")?;
            if let Some(code) = Code::from_bytes(&row.get::<Vec<u8>>("code")?) {
                state.image.set_vector(last, &code);
            }
        }
        if (rows.len() as i64) < CHUNK {
            return Ok(());
        }
    }
}

/// The entries of a search's result, asked for once more with the listener's filter.
pub(super) async fn entries(store: &Store, query: &Query<'_>, found: &[Found]) -> Result<Vec<Hit>, StoreError> {
    let ids = serde_json::Value::from(found.iter().map(|f| f.id).collect::<Vec<_>>()).to_string();
    let (all, signed_in, app) = query.listener.filter();
    let rows = store
        .all(
            sql!(
                sqlite: "SELECT e.*, 0.0 AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND e.id IN (SELECT value FROM json_each($2))
                       AND ($3 OR e.audience = 'anyone' OR ($4 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $5, '') <> e.audience)",
                postgres: "SELECT e.*, 0.0::double precision AS score FROM memory_entries e
                     WHERE e.user_id = $1
                       AND e.id IN (SELECT value::bigint FROM json_array_elements_text($2::text::json))
                       AND ($3 OR e.audience = 'anyone' OR ($4 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $5, '') <> e.audience)",
            ),
            params![query.user_id, ids, all, signed_in, app],
        )
        .await?;
    let mut hits = Vec::with_capacity(rows.len());
    for row in &rows {
        hits.extend(hit(row)?);
    }
    for hit in &mut hits {
        hit.score = found.iter().find(|f| f.id == hit.entry_id).map_or(0.0, |f| f.score);
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.entry_id.cmp(&a.entry_id)));
    Ok(hits)
}

/// The entries that have any of the words, the best first, by the database's own full text.
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

/// The newest entries that are not in the full text yet.
pub(super) async fn tail(store: &Store, query: &Query<'_>) -> Result<Vec<Hit>, StoreError> {
    let (all, signed_in, app) = query.listener.filter();
    let rows = store
        .all(
            sql!(
                sqlite: "SELECT e.*, 0.0 AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND NOT e.worded
                       AND ($2 OR e.audience = 'anyone' OR ($3 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $4, '') <> e.audience)
                       AND (e.conversation IS NULL OR e.conversation <> $5)
                     ORDER BY e.id DESC LIMIT $6",
                postgres: "SELECT e.*, 0.0::double precision AS score FROM memory_entries e
                     WHERE e.user_id = $1 AND NOT e.worded
                       AND ($2 OR e.audience = 'anyone' OR ($3 AND e.audience = 'signed_in')
                            OR REPLACE(e.audience, $4, '') <> e.audience)
                       AND (e.conversation IS NULL OR e.conversation <> $5)
                     ORDER BY e.id DESC LIMIT $6",
            ),
            params![query.user_id, all, signed_in, app, query.except_conversation.unwrap_or_default(), TAIL],
        )
        .await?;
    let hits = rows.iter().map(hit).collect::<Result<Vec<_>, _>>()?;
    Ok(hits.into_iter().flatten().collect())
}

pub(super) fn hit(row: &Row) -> Result<Option<Hit>, StoreError> {
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
