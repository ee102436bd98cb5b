//! SQL of the timeline: it reads the events, and the names of apps.

use secondme_kit::paging::Page;
use secondme_store::{StoreError, Tx, params, sql};

use super::super::events::{self, Event, IMPORTANT};
use super::Day;

/// One platform's events of one action.
pub(super) struct Count {
    pub(super) platform: String,
    pub(super) action: String,
    pub(super) label: String,
    pub(super) total: i64,
    pub(super) important: i64,
}

pub(super) async fn counts(tx: &mut Tx, user_id: i64, day: &Day) -> Result<Vec<Count>, StoreError> {
    let counts = sql!(
        "SELECT platform, action, MAX(action_label) AS label, COUNT(*) AS total,
                COUNT(CASE WHEN importance >= $4 THEN 1 END) AS important
         FROM memory_events WHERE user_id = $1 AND event_time >= $2 AND event_time < $3
         GROUP BY platform, action ORDER BY platform, action"
    );
    let rows = tx.all(counts, params![user_id, day.begins, day.ends, IMPORTANT]).await?;
    let counts = rows.iter().map(|row| {
        Ok(Count {
            platform: row.get("platform")?,
            action: row.get("action")?,
            label: row.get("label")?,
            total: row.get("total")?,
            important: row.get("important")?,
        })
    });
    counts.collect()
}

pub(super) async fn important(
    tx: &mut Tx,
    user_id: i64,
    day: &Day,
    platform: &str,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let important = sql!(
        "SELECT * FROM memory_events
         WHERE user_id = $1 AND event_time >= $2 AND event_time < $3 AND platform = $4 AND importance >= $5
         ORDER BY event_time DESC, id DESC LIMIT $6"
    );
    let rows = tx.all(important, params![user_id, day.begins, day.ends, platform, IMPORTANT, limit]).await?;
    rows.iter().map(events::stored).collect()
}

pub(super) async fn of_day(tx: &mut Tx, user_id: i64, day: &Day, page: Page) -> Result<Vec<Event>, StoreError> {
    let of_day = sql!(
        "SELECT * FROM memory_events WHERE user_id = $1 AND event_time >= $2 AND event_time < $3
         ORDER BY event_time DESC, id DESC LIMIT $4 OFFSET $5"
    );
    let rows = tx.all(of_day, params![user_id, day.begins, day.ends, page.size, page.offset()]).await?;
    rows.iter().map(events::stored).collect()
}

/// A platform's events of a quarter of an hour: every time zone's midnight falls between two.
pub(super) struct Slot {
    pub(super) begins: i64,
    pub(super) platform: String,
    pub(super) total: i64,
    pub(super) important: i64,
}

pub(super) async fn slots(tx: &mut Tx, user_id: i64, (begins, ends): (i64, i64)) -> Result<Vec<Slot>, StoreError> {
    let slots = sql!(
        "SELECT event_time / 900000 AS slot, platform, COUNT(*) AS total,
                COUNT(CASE WHEN importance >= $4 THEN 1 END) AS important
         FROM memory_events WHERE user_id = $1 AND event_time >= $2 AND event_time < $3
         GROUP BY event_time / 900000, platform ORDER BY slot, platform"
    );
    let rows = tx.all(slots, params![user_id, begins, ends, IMPORTANT]).await?;
    let slot = |row: &secondme_store::Row| {
        Ok(Slot {
            begins: row.get::<i64>("slot")? * 900_000,
            platform: row.get("platform")?,
            total: row.get("total")?,
            important: row.get("important")?,
        })
    };
    rows.iter().map(slot).collect()
}

/// The name of the app with this Client ID. Read here because `oauth` stands on the same floor.
pub(super) async fn app_name(tx: &mut Tx, platform: &str) -> Result<Option<String>, StoreError> {
    let row = tx.opt(sql!("SELECT name FROM apps WHERE client_id = $1"), params![platform]).await?;
    row.map(|row| row.get("name")).transpose()
}
