//! SQL of the access log.

use std::collections::HashMap;

use secondme_kit::Millis;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Count, DAY_MS, Key, Line};

/// Adds to what is there. An authorization that was deleted meanwhile has no log any more.
pub(super) async fn write(store: &Store, counts: &HashMap<Key, Count>) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let mut used: HashMap<(i64, i64), (Millis, Millis)> = HashMap::new();
    // Always in the same order, so that two nodes do not wait for each other.
    let mut counts: Vec<(&Key, &Count)> = counts.iter().collect();
    counts.sort_by_key(|(key, _)| (key.user_id, key.authorization_id, key.day, key.kind, key.action.word()));
    for (key, count) in counts {
        add(&mut tx, key, count).await?;
        let span = used.entry((key.user_id, key.authorization_id)).or_insert((count.first_at, count.last_at));
        *span = (span.0.min(count.first_at), span.1.max(count.last_at));
    }
    let mut used: Vec<_> = used.into_iter().collect();
    used.sort_unstable();
    for ((user_id, authorization_id), (first_at, last_at)) in used {
        note_use(&mut tx, user_id, authorization_id, first_at, last_at).await?;
    }
    tx.commit().await
}

async fn add(tx: &mut Tx, key: &Key, count: &Count) -> Result<(), StoreError> {
    let add = sql!(
        "INSERT INTO app_access (user_id, authorization_id, day, kind, action, times, last_at)
         SELECT CAST($1 AS BIGINT), id, CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT),
                CAST($7 AS BIGINT)
         FROM authorizations WHERE id = $2 AND user_id = $1
         ON CONFLICT (user_id, authorization_id, day, kind, action) DO UPDATE
           SET times = app_access.times + excluded.times,
               last_at = CASE WHEN excluded.last_at > app_access.last_at THEN excluded.last_at ELSE app_access.last_at END"
    );
    let Key { user_id, authorization_id, day, kind, action } = *key;
    tx.run(add, params![user_id, authorization_id, day, kind, action.word(), count.times, count.last_at])
        .await
        .map(drop)
}

async fn note_use(
    tx: &mut Tx,
    user_id: i64,
    authorization_id: i64,
    first_at: Millis,
    last_at: Millis,
) -> Result<(), StoreError> {
    let note = sql!(
        "UPDATE authorizations SET first_used_at = COALESCE(first_used_at, $3),
             last_used_at = CASE WHEN last_used_at > $4 THEN last_used_at ELSE $4 END
         WHERE id = $2 AND user_id = $1"
    );
    tx.run(note, params![user_id, authorization_id, first_at, last_at]).await.map(drop)
}

pub(super) async fn lines(
    store: &Store,
    user_id: i64,
    authorization_id: i64,
    since: i64,
) -> Result<Vec<Line>, StoreError> {
    let lines = sql!(
        "SELECT day, kind, action, times, last_at FROM app_access
         WHERE user_id = $1 AND authorization_id = $2 AND day >= $3 ORDER BY day DESC, kind, action"
    );
    store.all(lines, params![user_id, authorization_id, since]).await?.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line, StoreError> {
    Ok(Line {
        day: row.get::<i64>("day")? * DAY_MS,
        kind: row.get("kind")?,
        action: row.get("action")?,
        times: row.get("times")?,
        last_at: row.get("last_at")?,
    })
}

pub(super) async fn reclaim(tx: &mut Tx, before: i64, limit: i64) -> Result<u64, StoreError> {
    let delete = sql!(
        "DELETE FROM app_access WHERE (user_id, authorization_id, day, kind, action) IN
           (SELECT user_id, authorization_id, day, kind, action FROM app_access WHERE day < $1 ORDER BY day LIMIT $2)"
    );
    tx.run(delete, params![before, limit]).await
}
