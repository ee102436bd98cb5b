//! SQL of events.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::{Event, NewEvent, OWN};

/// The one statement of an ingest: stores unless the user turned writing off (what happens on this server, `OWN`, is not
/// concerned) or the key is there; the new id.
pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    event: &NewEvent,
    now: Millis,
) -> Result<Option<i64>, StoreError> {
    let insert = sql!(
        "INSERT INTO memory_events (user_id, app_id, dedup_key, platform, action, action_label, display_text, importance,
            event_time, body, created_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
         WHERE $2 = 'secondme' OR NOT EXISTS (SELECT 1 FROM memory_settings WHERE user_id = $1 AND NOT event_writes)
         ON CONFLICT (user_id, app_id, dedup_key) DO NOTHING RETURNING id"
    );
    let body = serde_json::to_string(&event.body).unwrap_or_default();
    let row = tx
        .opt(
            insert,
            params![
                user_id,
                app_id,
                &event.dedup_key,
                &event.platform,
                &event.action,
                &event.action_label,
                &event.display_text,
                event.importance,
                event.event_time,
                body,
                now
            ],
        )
        .await?;
    row.map(|row| row.get("id")).transpose()
}

/// Whose events, through which app.
pub(super) struct Filter<'a> {
    pub(super) user_id: i64,
    /// One app's; none: every app's, but not the server's own.
    pub(super) app_id: Option<&'a str>,
    pub(super) platform: Option<&'a str>,
}

pub(super) async fn count(tx: &mut Tx, filter: &Filter<'_>) -> Result<i64, StoreError> {
    let count = sql!(
        "SELECT COUNT(*) AS total FROM memory_events WHERE user_id = $1 AND app_id <> $2
            AND (CAST($3 AS TEXT) IS NULL OR app_id = $3) AND (CAST($4 AS TEXT) IS NULL OR platform = $4)"
    );
    let row = tx.opt(count, params![filter.user_id, OWN, filter.app_id, filter.platform]).await?;
    row.map_or(Ok(0), |row| row.get("total"))
}

pub(super) async fn list(tx: &mut Tx, filter: &Filter<'_>, page: Page) -> Result<Vec<Event>, StoreError> {
    let list = sql!(
        "SELECT * FROM memory_events WHERE user_id = $1 AND app_id <> $2
            AND (CAST($3 AS TEXT) IS NULL OR app_id = $3) AND (CAST($4 AS TEXT) IS NULL OR platform = $4)
         ORDER BY event_time DESC, id DESC LIMIT $5 OFFSET $6"
    );
    let params = params![filter.user_id, OWN, filter.app_id, filter.platform, page.size, page.offset()];
    tx.all(list, params).await?.iter().map(stored).collect()
}

/// An important event that an app reported.
#[derive(Clone, Debug)]
pub struct Noted {
    /// Its id.
    pub id: i64,
    /// The app; empty: a tool of the user's own.
    pub app_id: String,
    /// What the timeline shows.
    pub text: String,
    /// When it happened.
    pub at: Millis,
}

/// Important events that apps reported after one, in the order in which they came.
///
/// # Errors
/// Storage failures only.
pub async fn important_after(tx: &mut Tx, user_id: i64, after: i64, limit: i64) -> Result<Vec<Noted>, StoreError> {
    let sql = sql!(
        "SELECT id, app_id, display_text, event_time FROM memory_events
         WHERE user_id = $1 AND id > $2 AND importance >= 0.7 AND app_id <> 'secondme' ORDER BY id LIMIT $3"
    );
    let rows = tx.all(sql, params![user_id, after, limit]).await?;
    let noted = rows.iter().map(|row| {
        let (id, app_id) = (row.get("id")?, row.get("app_id")?);
        Ok(Noted { id, app_id, text: row.get("display_text")?, at: row.get("event_time")? })
    });
    noted.collect()
}

/// An event from its row.
pub(crate) fn stored(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.get("id")?,
        platform: row.get("platform")?,
        action: row.get("action")?,
        action_label: row.get("action_label")?,
        display_text: row.get("display_text")?,
        importance: row.get("importance")?,
        event_time: row.get("event_time")?,
        // Written by us as JSON.
        body: serde_json::from_str(&row.get::<String>("body")?).unwrap_or_default(),
    })
}

/// Deletes at most `limit` events of an app; their ids.
pub(crate) async fn delete_of_app(tx: &mut Tx, user_id: i64, app_id: &str, limit: i64) -> Result<Vec<i64>, StoreError> {
    let sql = sql!(
        "DELETE FROM memory_events WHERE user_id = $1 AND id IN (
            SELECT id FROM memory_events WHERE user_id = $1 AND app_id = $2 ORDER BY id LIMIT $3) RETURNING id"
    );
    tx.all(sql, params![user_id, app_id, limit]).await?.iter().map(|row| row.get("id")).collect()
}
