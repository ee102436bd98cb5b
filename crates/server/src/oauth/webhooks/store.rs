//! SQL of webhooks: settings, the outbox, the delivery log. Whoever works on an event is known by its number of attempts, so
//! a process that lost its lease changes nothing.

use secondme_kit::Millis;
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};

use super::{Attempt, Event, LoggedAttempt, Settings};

pub(super) async fn settings(store: &Store, app_id: &str) -> Result<Option<Settings>, StoreError> {
    store.opt(by_app(), params![app_id]).await?.as_ref().map(of_row).transpose()
}

pub(super) async fn settings_in(tx: &mut Tx, app_id: &str) -> Result<Option<Settings>, StoreError> {
    tx.opt(by_app(), params![app_id]).await?.as_ref().map(of_row).transpose()
}

fn by_app() -> Sql {
    sql!(
        "SELECT url, enabled, secret, previous_secret, previous_until, disabled_reason FROM webhooks WHERE app_id = $1"
    )
}

fn of_row(row: &Row) -> Result<Settings, StoreError> {
    let previous: Option<Vec<u8>> = row.get("previous_secret")?;
    let until: Option<Millis> = row.get("previous_until")?;
    Ok(Settings {
        url: row.get("url")?,
        enabled: row.get("enabled")?,
        disabled_reason: row.get("disabled_reason")?,
        secret: row.get("secret")?,
        previous: previous.zip(until),
    })
}

/// `replaced`: the secret is another one, and the one before the old one signs no more.
pub(super) async fn put_settings(
    tx: &mut Tx,
    app_id: &str,
    (url, enabled, reason): (&str, bool, Option<&str>),
    secret: &[u8],
    replaced: bool,
    now: Millis,
) -> Result<u64, StoreError> {
    let put = sql!(
        "INSERT INTO webhooks (app_id, url, enabled, secret, disabled_reason, updated_at) VALUES ($1, $2, $3, $4, $5, $7)
         ON CONFLICT (app_id) DO UPDATE SET url = excluded.url, enabled = excluded.enabled, secret = excluded.secret,
             disabled_reason = excluded.disabled_reason, updated_at = excluded.updated_at,
             previous_secret = CASE WHEN $6 THEN NULL ELSE webhooks.previous_secret END,
             previous_until = CASE WHEN $6 THEN NULL ELSE webhooks.previous_until END"
    );
    tx.run(put, params![app_id, url, enabled, secret, reason, replaced, now]).await
}

pub(super) async fn rotate(
    tx: &mut Tx,
    app_id: &str,
    secret: &[u8],
    until: Millis,
    now: Millis,
) -> Result<u64, StoreError> {
    let rotate = sql!(
        "UPDATE webhooks SET previous_secret = secret, previous_until = $3, secret = $2, updated_at = $4 WHERE app_id = $1"
    );
    tx.run(rotate, params![app_id, secret, until, now]).await
}

pub(super) async fn disable(tx: &mut Tx, app_id: &str, reason: &str, now: Millis) -> Result<u64, StoreError> {
    let disable = sql!("UPDATE webhooks SET enabled = FALSE, disabled_reason = $2, updated_at = $3 WHERE app_id = $1");
    tx.run(disable, params![app_id, reason, now]).await
}

pub(super) async fn insert_event(
    tx: &mut Tx,
    event_id: &str,
    app_id: &str,
    event_type: &str,
    payload: &str,
    test: bool,
    now: Millis,
) -> Result<u64, StoreError> {
    let insert = sql!(
        "INSERT INTO webhook_events (event_id, app_id, event_type, payload, test, state, next_at, created_at)
         VALUES ($1, $2, $3, $4, $5, 'pending', $6, $6)"
    );
    tx.run(insert, params![event_id, app_id, event_type, payload, test, now]).await
}

/// A test is never pending: only the request that asked for it sends it.
pub(super) async fn insert_test(
    tx: &mut Tx,
    event_id: &str,
    app_id: &str,
    event_type: &str,
    payload: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let insert = sql!(
        "INSERT INTO webhook_events (event_id, app_id, event_type, payload, test, state, attempts, next_at, created_at, finished_at)
         VALUES ($1, $2, $3, $4, TRUE, 'failed', 1, $5, $5, $5)"
    );
    tx.run(insert, params![event_id, app_id, event_type, payload, now]).await
}

pub(super) async fn end_test(tx: &mut Tx, event_id: &str, delivered: bool, now: Millis) -> Result<u64, StoreError> {
    let end = sql!(
        "UPDATE webhook_events SET state = CASE WHEN $2 THEN 'delivered' ELSE 'failed' END, finished_at = $3
         WHERE event_id = $1 AND test = TRUE"
    );
    tx.run(end, params![event_id, delivered, now]).await
}

pub(super) async fn tests_since(store: &Store, app_id: &str, since: Millis) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM webhook_events WHERE app_id = $1 AND created_at > $2 AND test = TRUE");
    count_of(store.opt(count, params![app_id, since]).await?)
}

fn count_of(row: Option<Row>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn due_apps(store: &Store, now: Millis, limit: i64) -> Result<Vec<String>, StoreError> {
    let due = sql!(
        "SELECT app_id FROM webhook_events
         WHERE state = 'pending' AND next_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
         GROUP BY app_id ORDER BY MIN(next_at) LIMIT $2"
    );
    store.all(due, params![now, limit]).await?.iter().map(|row| row.get("app_id")).collect()
}

pub(super) async fn claim(
    tx: &mut Tx,
    app_id: &str,
    now: Millis,
    lease_until: Millis,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let claim: Sql = sql!(
        sqlite: "UPDATE webhook_events SET attempts = attempts + 1, lease_until = $3
                 WHERE event_id IN (
                    SELECT event_id FROM webhook_events WHERE app_id = $1 AND state = 'pending' AND next_at <= $2
                        AND (lease_until IS NULL OR lease_until <= $2)
                    ORDER BY next_at, created_at LIMIT $4)
                 RETURNING event_id, app_id, event_type, payload, test, state, attempts, round_from, next_at, created_at",
        postgres: "WITH due AS MATERIALIZED (
                    SELECT event_id FROM webhook_events WHERE app_id = $1 AND state = 'pending' AND next_at <= $2
                        AND (lease_until IS NULL OR lease_until <= $2)
                    ORDER BY next_at, created_at LIMIT $4 FOR UPDATE SKIP LOCKED)
                 UPDATE webhook_events e SET attempts = e.attempts + 1, lease_until = $3
                 FROM due WHERE e.event_id = due.event_id
                 RETURNING e.event_id, e.app_id, e.event_type, e.payload, e.test, e.state, e.attempts, e.round_from, e.next_at,
                           e.created_at"
    );
    let mut events: Vec<Event> =
        tx.all(claim, params![app_id, now, lease_until, limit]).await?.iter().map(event).collect::<Result<_, _>>()?;
    events.sort_by_key(|event| event.created_at);
    Ok(events)
}

fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        event_id: row.get("event_id")?,
        app_id: row.get("app_id")?,
        event_type: row.get("event_type")?,
        payload: row.get("payload")?,
        test: row.get("test")?,
        state: row.get("state")?,
        attempts: row.get("attempts")?,
        round_from: row.get("round_from")?,
        next_at: row.get("next_at")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) async fn finish(tx: &mut Tx, event: &Event, delivered: bool, now: Millis) -> Result<u64, StoreError> {
    let finish = sql!(
        "UPDATE webhook_events SET state = CASE WHEN $3 THEN 'delivered' ELSE 'failed' END, finished_at = $4, lease_until = NULL
         WHERE event_id = $1 AND attempts = $2 AND state = 'pending'"
    );
    tx.run(finish, params![&event.event_id, event.attempts, delivered, now]).await
}

pub(super) async fn retry_at(tx: &mut Tx, event: &Event, at: Millis) -> Result<u64, StoreError> {
    let retry = sql!(
        "UPDATE webhook_events SET next_at = $3, lease_until = NULL WHERE event_id = $1 AND attempts = $2 AND state = 'pending'"
    );
    tx.run(retry, params![&event.event_id, event.attempts, at]).await
}

/// Gives a claimed event back untried.
pub(super) async fn release(tx: &mut Tx, event: &Event) -> Result<u64, StoreError> {
    let release = sql!(
        "UPDATE webhook_events SET attempts = attempts - 1, lease_until = NULL
         WHERE event_id = $1 AND attempts = $2 AND state = 'pending'"
    );
    tx.run(release, params![&event.event_id, event.attempts]).await
}

pub(super) async fn fail_pending(tx: &mut Tx, app_id: &str, now: Millis) -> Result<u64, StoreError> {
    let fail = sql!(
        "UPDATE webhook_events SET state = 'failed', finished_at = $2, lease_until = NULL
         WHERE app_id = $1 AND state = 'pending'"
    );
    tx.run(fail, params![app_id, now]).await
}

pub(super) async fn forget_leases(tx: &mut Tx) -> Result<u64, StoreError> {
    let forget =
        sql!("UPDATE webhook_events SET lease_until = NULL WHERE state = 'pending' AND lease_until IS NOT NULL");
    tx.run(forget, params![]).await
}

/// Events that a clock put into times to come which has gone back since: those whose next attempt is later than any wait allows, and
/// leases that nobody can have taken. How many there were.
pub(super) async fn bring_back(tx: &mut Tx, now: Millis, latest: Millis, lease: Millis) -> Result<u64, StoreError> {
    let back = sql!("UPDATE webhook_events SET next_at = $1 WHERE state = 'pending' AND next_at > $2");
    let moved = tx.run(back, params![now, latest]).await?;
    let free = sql!("UPDATE webhook_events SET lease_until = NULL WHERE state = 'pending' AND lease_until > $1");
    Ok(moved + tx.run(free, params![lease]).await?)
}

pub(super) async fn insert_attempt(
    tx: &mut Tx,
    event_id: &str,
    number: u32,
    attempt: &Attempt,
) -> Result<u64, StoreError> {
    let insert = sql!(
        "INSERT INTO webhook_attempts (event_id, attempt, at, url, headers, status, response, error, duration_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (event_id, attempt) DO NOTHING"
    );
    let parameters = params![
        event_id,
        number,
        attempt.at,
        &attempt.url,
        attempt.headers_json(),
        attempt.status(),
        attempt.response(),
        attempt.error(),
        attempt.duration_ms
    ];
    tx.run(insert, parameters).await
}

pub(super) async fn events(store: &Store, app_id: &str, limit: i64, offset: i64) -> Result<Vec<Event>, StoreError> {
    let events = sql!(
        "SELECT event_id, app_id, event_type, payload, test, state, attempts, round_from, next_at, created_at
         FROM webhook_events WHERE app_id = $1 ORDER BY created_at DESC, event_id LIMIT $2 OFFSET $3"
    );
    store.all(events, params![app_id, limit, offset]).await?.iter().map(event).collect()
}

pub(super) async fn event_of(store: &Store, app_id: &str, event_id: &str) -> Result<Option<Event>, StoreError> {
    let one = sql!(
        "SELECT event_id, app_id, event_type, payload, test, state, attempts, round_from, next_at, created_at
         FROM webhook_events WHERE app_id = $1 AND event_id = $2"
    );
    store.opt(one, params![app_id, event_id]).await?.as_ref().map(event).transpose()
}

pub(super) async fn count_events(store: &Store, app_id: &str) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM webhook_events WHERE app_id = $1");
    count_of(store.opt(count, params![app_id]).await?)
}

pub(super) async fn attempts(store: &Store, app_id: &str, event_id: &str) -> Result<Vec<LoggedAttempt>, StoreError> {
    let attempts = sql!(
        "SELECT a.attempt, a.at, a.url, a.headers, a.status, a.response, a.error, a.duration_ms
         FROM webhook_attempts a JOIN webhook_events e ON e.event_id = a.event_id
         WHERE e.app_id = $1 AND a.event_id = $2 ORDER BY a.attempt"
    );
    store.all(attempts, params![app_id, event_id]).await?.iter().map(logged).collect()
}

fn logged(row: &Row) -> Result<LoggedAttempt, StoreError> {
    Ok(LoggedAttempt {
        attempt: row.get("attempt")?,
        at: row.get("at")?,
        url: row.get("url")?,
        headers: row.get("headers")?,
        status: row.get("status")?,
        response: row.get("response")?,
        error: row.get("error")?,
        duration_ms: row.get("duration_ms")?,
    })
}

pub(super) async fn again(tx: &mut Tx, app_id: &str, event_id: &str, now: Millis) -> Result<u64, StoreError> {
    let again = sql!(
        "UPDATE webhook_events SET state = 'pending', round_from = attempts, next_at = $3, finished_at = NULL
         WHERE app_id = $1 AND event_id = $2 AND test = FALSE"
    );
    tx.run(again, params![app_id, event_id, now]).await
}

pub(super) async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let delete = sql!(
        "DELETE FROM webhook_events WHERE event_id IN
           (SELECT event_id FROM webhook_events WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)"
    );
    tx.run(delete, params![before, limit]).await
}
