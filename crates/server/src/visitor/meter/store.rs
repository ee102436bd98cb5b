//! SQL of counters.

use secondme_kit::Millis;
use secondme_store::{StoreError, Tx, params, sql};

/// Counts one use and says how many there are now.
pub(super) async fn count(tx: &mut Tx, meter: &str, window_end: Millis) -> Result<i64, StoreError> {
    let row = tx
        .opt(
            sql!(
                "INSERT INTO visitor_usage (meter, window_end, used) VALUES ($1, $2, 1)
                 ON CONFLICT (meter, window_end) DO UPDATE SET used = visitor_usage.used + 1 RETURNING used"
            ),
            params![meter, window_end],
        )
        .await?;
    row.map_or(Ok(1), |row| row.get("used"))
}

pub(super) async fn reclaim(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "DELETE FROM visitor_usage WHERE (meter, window_end) IN
               (SELECT meter, window_end FROM visitor_usage WHERE window_end <= $1 ORDER BY window_end LIMIT $2)"
        ),
        params![now, limit],
    )
    .await
}
