//! Events for apps, today `authorization.revoked` (contract 4.11): an outbox that is written in the transaction that causes the
//! event, and deliveries at least once.
//!
//! Invariant: an event exists if and only if its cause was committed, and every attempt carries the same id and the same body.

mod deliver;
pub mod dispatch;
pub mod http;
pub mod sign;
mod store;
mod verdict;

use secondme_kit::clock::iso;
use secondme_kit::{Millis, Secret};
use secondme_store::{Store, Tx};
use serde_json::{Value, json};
use url::Url;

use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::outbound::{Reach, check};

pub use deliver::Attempt;
pub use dispatch::{run, step};

/// The one type of event there is.
pub const REVOKED: &str = "authorization.revoked";
/// What secrets are sealed for.
const PURPOSE: &str = "webhook_secret";

/// Where an app wants its events.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The receiver.
    pub url: String,
    /// Whether events are sent.
    pub enabled: bool,
    /// Why the server switched it off.
    pub disabled_reason: Option<String>,
    secret: Vec<u8>,
    previous: Option<(Vec<u8>, Millis)>,
}

/// What a developer changes; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The receiver; empty takes it away.
    pub url: Option<String>,
    /// Whether events are sent.
    pub enabled: Option<bool>,
    /// A secret of the developer's own.
    pub secret: Option<Secret>,
}

/// An event with its fate, as the delivery log shows it.
#[derive(Clone, Debug)]
pub struct Event {
    /// `evt_…`.
    pub event_id: String,
    /// Whether it was only a test.
    pub test: bool,
    /// `authorization.revoked`.
    pub event_type: String,
    /// The body, to the byte.
    pub payload: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next_at: Millis,
    /// When it happened.
    pub created_at: Millis,
    round_from: u32,
    app_id: String,
}

impl Settings {
    /// The secrets that sign now: the current one first.
    fn secrets(&self, app: &App) -> Vec<Secret> {
        let previous = self.previous.as_ref().filter(|(_, until)| *until > app.now()).map(|(sealed, _)| sealed);
        let open = |sealed: &Vec<u8>| {
            let bytes = app.key().unseal(PURPOSE, sealed)?;
            String::from_utf8(bytes).ok().map(Secret::new)
        };
        [Some(&self.secret), previous].into_iter().flatten().filter_map(open).collect()
    }

    fn is_on(&self) -> bool {
        self.enabled && !self.url.is_empty()
    }
}

/// Where an app wants its events, if it ever said so.
///
/// # Errors
/// Storage failures only.
pub async fn settings(store: &Store, app_id: &str) -> Result<Option<Settings>> {
    Ok(store::settings(store, app_id).await?)
}

/// Changes where an app wants its events. Returns the secret when this call set or made it: it is not shown again.
/// Switching on clears what the server switched off. The app must be the caller's: whoever calls this has checked that.
///
/// # Errors
/// `invalid.param` on an address that cannot be a receiver, on a weak secret, and on switching on without an address.
pub async fn configure_in(app: &App, tx: &mut Tx, app_id: &str, change: &Change) -> Result<Option<Secret>> {
    if change.url.is_none() && change.enabled.is_none() && change.secret.is_none() {
        return Ok(None);
    }
    let known = store::settings_in(tx, app_id).await?;
    let url = change.url.as_deref().map_or_else(|| known.as_ref().map_or("", |k| k.url.as_str()), str::trim).to_owned();
    let enabled = change.enabled.unwrap_or_else(|| known.as_ref().is_some_and(|known| known.enabled));
    check_receiver(app, &url, enabled)?;
    let shown = match (&change.secret, &known) {
        (Some(secret), _) => Some(checked_secret(secret)?),
        (None, None) => Some(sign::fresh(app.entropy())),
        (None, Some(_)) => None,
    };
    let switched_on = change.enabled == Some(true);
    let reason = known.as_ref().and_then(|known| known.disabled_reason.clone()).filter(|_| !switched_on);
    let sealed = match (&shown, known) {
        (Some(secret), _) => app.key().seal(app.entropy(), PURPOSE, secret.expose().as_bytes()),
        (None, Some(known)) => known.secret,
        (None, None) => Vec::new(),
    };
    let replaced = change.secret.is_some();
    store::put_settings(tx, app_id, (&url, enabled, reason.as_deref()), &sealed, replaced, app.now()).await?;
    Ok(shown)
}

fn check_receiver(app: &App, url: &str, enabled: bool) -> Result<()> {
    const FIELD: &str = "authorizationRevokedWebhookUrl";
    if url.is_empty() {
        return if enabled { Err(ApiError::invalid(FIELD, &Problem::Required)) } else { Ok(()) };
    }
    if url.len() > 2_000 {
        return Err(ApiError::invalid(FIELD, &Problem::TooLong(2_000)));
    }
    let reach = Reach::allowing_private(app.config().webhooks.allow_private);
    let problem = match Url::parse(url).map(|url| check(&url, reach)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(problem)) => problem.to_string(),
        Err(problem) => problem.to_string(),
    };
    Err(ApiError::invalid(FIELD, &Problem::Parser(problem)))
}

fn checked_secret(secret: &Secret) -> Result<Secret> {
    let text = secret.expose();
    if (16..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(secret.clone());
    }
    let expected = Problem::Expected(
        "16 to 256 printable ASCII characters without spaces",
        "16 至 256 个不含空格的可打印 ASCII 字符",
    );
    Err(ApiError::invalid("authorizationRevokedWebhookSecret", &expected))
}

/// Makes a new secret; for `overlap_ms` deliveries are signed with the old one, too. The app must be the caller's.
///
/// # Errors
/// `resource.fetch.not_found` when the app has no webhook yet.
pub async fn rotate_secret(app: &App, app_id: &str, overlap_ms: Millis) -> Result<Secret> {
    let secret = sign::fresh(app.entropy());
    let sealed = app.key().seal(app.entropy(), PURPOSE, secret.expose().as_bytes());
    let now = app.now();
    let mut tx = app.store().write().await?;
    if store::rotate(&mut tx, app_id, &sealed, now.saturating_add(overlap_ms), now).await? == 0 {
        return Err(ApiError::new(Code::NotFound).arg("webhook"));
    }
    tx.commit().await?;
    Ok(secret)
}

/// Writes the event that a user ended an app's access, in the transaction that ends it. Nothing is written for apps that want
/// no events.
///
/// # Errors
/// Storage failures only.
pub async fn announce_in(app: &App, tx: &mut Tx, app_id: &str, app_scoped_user_id: &str) -> Result<()> {
    if !store::settings_in(tx, app_id).await?.is_some_and(|settings| settings.is_on()) {
        return Ok(());
    }
    let event_id = format!("evt_{}", app.entropy().alphanumeric(24));
    let payload = payload(&event_id, app_id, app_scoped_user_id, "user_revoked", app.now());
    store::insert_event(tx, &event_id, app_id, REVOKED, &payload.to_string(), false, app.now()).await?;
    tx.after_commit(dispatch::wake);
    Ok(())
}

/// The body of an event (contract 4.11).
fn payload(event_id: &str, app_id: &str, app_scoped_user_id: &str, reason: &str, now: Millis) -> Value {
    json!({
        "eventId": event_id,
        "eventType": REVOKED,
        "occurredAt": iso(now),
        "appId": app_id,
        "appScopedUserId": app_scoped_user_id,
        "reason": reason,
    })
}

/// A test delivery that was made: its payload, and how it went.
#[derive(Clone, Debug)]
pub struct Tested {
    /// `evt_test_…`.
    pub event_id: String,
    /// What was sent.
    pub payload: Value,
    /// When.
    pub at: Millis,
    /// How it went.
    pub attempt: Attempt,
}

/// Sends one event that stands for no real one, at once and once, to the saved receiver or to the one that is given.
///
/// # Errors
/// `invalid.param` without a receiver, `request.rate.limited` after too many of them; a receiver that fails is no error.
pub async fn test(app: &App, app_id: &str, url: Option<&str>, secret: Option<&Secret>) -> Result<Tested> {
    let saved = settings(app.store(), app_id).await?;
    let known_url = saved.as_ref().map(|saved| saved.url.clone()).unwrap_or_default();
    let url = url.map(str::trim).filter(|url| !url.is_empty()).map_or(known_url, str::to_owned);
    check_receiver(app, &url, true)?;
    let secrets = match secret {
        Some(secret) => vec![secret.clone()],
        None => saved.map(|saved| saved.secrets(app)).unwrap_or_default(),
    };
    if secrets.is_empty() {
        return Err(ApiError::invalid("webhookSecret", &Problem::Required));
    }
    let now = app.now();
    if store::tests_since(app.store(), app_id, now - 60_000).await? >= app.config().webhooks.tests_per_minute {
        return Err(ApiError::new(Code::RateLimited).arg(60).retry_after(60));
    }
    let event_id = format!("evt_test_{}", app.entropy().alphanumeric(19));
    let payload = payload(&event_id, app_id, "asu_test_delivery", "test_delivery", now);
    let body = payload.to_string();
    let mut tx = app.store().write().await?;
    store::insert_test(&mut tx, &event_id, app_id, REVOKED, &body, now).await?;
    tx.commit().await?;
    let attempt = deliver::once(app, &url, (&event_id, REVOKED), &body, &secrets).await;
    let delivered = verdict::of(&attempt.outcome, now) == verdict::Verdict::Delivered;
    let mut tx = app.store().write().await?;
    store::end_test(&mut tx, &event_id, delivered, app.now()).await?;
    store::insert_attempt(&mut tx, &event_id, 1, &attempt).await?;
    tx.commit().await?;
    Ok(Tested { event_id, payload, at: now, attempt })
}

/// An app's events, the newest first, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn events(store: &Store, app_id: &str, limit: i64, offset: i64) -> Result<(Vec<Event>, i64)> {
    Ok((store::events(store, app_id, limit, offset).await?, store::count_events(store, app_id).await?))
}

/// One of an app's events.
///
/// # Errors
/// Storage failures only.
pub async fn event(store: &Store, app_id: &str, event_id: &str) -> Result<Option<Event>> {
    Ok(store::event_of(store, app_id, event_id).await?)
}

/// The attempts of one of an app's events, in order.
///
/// # Errors
/// Storage failures only.
pub async fn attempts(store: &Store, app_id: &str, event_id: &str) -> Result<Vec<LoggedAttempt>> {
    Ok(store::attempts(store, app_id, event_id).await?)
}

/// An attempt as the log keeps it.
#[derive(Clone, Debug)]
pub struct LoggedAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it began.
    pub at: Millis,
    /// Where it went.
    pub url: String,
    /// What was sent above the body, as a JSON object.
    pub headers: String,
    /// What was answered; none: nothing was.
    pub status: Option<i64>,
    /// The beginning of the answer's body.
    pub response: String,
    /// What went wrong on the way; empty: nothing.
    pub error: String,
    /// How long it took.
    pub duration_ms: i64,
}

/// Puts an event back in line, to be sent at once and with all its attempts anew. One that is waiting is sent now.
///
/// # Errors
/// `resource.fetch.not_found` when the app has no such event, or it was a test.
pub async fn send_again(app: &App, app_id: &str, event_id: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::again(&mut tx, app_id, event_id, app.now()).await? == 0 {
        return Err(ApiError::new(Code::NotFound).arg("event"));
    }
    tx.after_commit(dispatch::wake);
    tx.commit().await?;
    Ok(())
}

/// Deletes at most `limit` events that ended before `before`, with their log; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, before, limit).await?)
}
