//! A clock that goes back leaves times behind that have not come yet: jobs would wait, leases of the dead would last, for as long
//! as it went back. They are moved back with it.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, params, sql};

/// How far ahead of our clock something may have been written before it counts as a clock's mistake, in milliseconds: five
/// minutes, more than the clocks of nodes may differ by.
pub const AHEAD: Millis = 5 * 60 * 1_000;

/// Moves what was put in line in times to come, and ends leases that nobody can have taken by this clock. Runners that are alive
/// take theirs anew within a third of it.
pub(crate) async fn bring_back(store: &Store, now: Millis, longest_lease: Millis) -> Result<(), StoreError> {
    let limit = now.saturating_add(AHEAD);
    let leases = limit.saturating_add(longest_lease);
    let any = sql!(
        "SELECT 1 AS one WHERE EXISTS (
            SELECT 1 FROM job WHERE state = 'pending' AND run_at > $1 AND COALESCE(set_at, created_at) > $1)
         OR EXISTS (SELECT 1 FROM job WHERE state = 'running' AND lease_until > $2)"
    );
    if store.opt(any, params![limit, leases]).await?.is_none() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    let jobs = sql!(
        "UPDATE job SET run_at = run_at - (COALESCE(set_at, created_at) - $2), set_at = $2
         WHERE state = 'pending' AND run_at > $1 AND COALESCE(set_at, created_at) > $1"
    );
    let moved = tx.run(jobs, params![limit, now]).await?;
    let ended = sql!("UPDATE job SET lease_until = $2 WHERE state = 'running' AND lease_until > $1");
    let ended = tx.run(ended, params![leases, now]).await?;
    tx.commit().await?;
    tracing::warn!(moved, ended, "the clock went back: jobs that it had put into times to come were moved");
    Ok(())
}
