//! The dispatcher: a lane for every receiver that has something due, so that a slow or dead one delays nobody but itself.
//!
//! An event is claimed under a lease before it is sent. When the process dies, the lease ends and the event is sent again: at
//! least once, under the same id.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures::StreamExt;
use secondme_jobs::AHEAD;
use secondme_kit::Millis;
use secondme_store::{Dialect, StoreError};
use tokio::sync::{mpsc, watch};

use super::deliver::{self, Attempt};
use super::verdict::{self, Verdict};
use super::{Event, settings, store};
use crate::app::App;
use crate::error::Result;

/// How often the table is looked at when nothing wakes the dispatcher: retries that became due, other nodes' events.
const POLL: Duration = Duration::from_millis(500);
/// How often it is looked at what a clock left behind that has gone back since.
const TIDY: Duration = Duration::from_secs(60);
/// Events that a lane claims at a time.
const BATCH: i64 = 64;

/// Counts what was put in line in this process.
static WAKE: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));

/// Something may be due now.
pub(super) fn wake() {
    WAKE.send_modify(|count| *count = count.wrapping_add(1));
}

/// Delivers until the server stops.
pub async fn run(app: App) {
    if let Err(error) = forget_leases(&app).await {
        tracing::warn!(cause = %error, "leases of an earlier process stay until they run out");
    }
    let mut woken = WAKE.subscribe();
    let (ended, mut endings) = mpsc::unbounded_channel::<String>();
    let mut lanes: HashSet<String> = HashSet::new();
    let mut looked: Option<Instant> = None;
    while !app.stopping().is_cancelled() {
        woken.mark_unchanged();
        if looked.is_none_or(|at| at.elapsed() > TIDY) {
            looked = Some(Instant::now());
            if let Err(error) = bring_back(&app).await {
                tracing::warn!(cause = %error, "events of a clock that was ahead stay where they are");
            }
        }
        match due(&app).await {
            Ok(receivers) => {
                for receiver in receivers {
                    if lanes.len() < app.config().webhooks.receivers_max.max(1) && lanes.insert(receiver.clone()) {
                        let (app_in_lane, ended) = (app.clone(), ended.clone());
                        app.spawn(async move {
                            lane(&app_in_lane, &receiver).await;
                            drop(ended.send(receiver));
                        });
                    }
                }
            }
            Err(error) => tracing::error!(cause = %error, "cannot look for events that are due"),
        }
        tokio::select! {
            () = app.stopping().cancelled() => {}
            Some(receiver) = endings.recv() => { lanes.remove(&receiver); }
            _ = woken.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
        while let Ok(receiver) = endings.try_recv() {
            lanes.remove(&receiver);
        }
    }
}

/// Delivers everything that is due now, once; returns how many attempts that were. For tests, with a clock that stands still.
///
/// # Errors
/// Storage failures only.
pub async fn step(app: &App) -> Result<usize> {
    bring_back(app).await?;
    let receivers = due(app).await?;
    let counts = futures::future::join_all(receivers.iter().map(|receiver| lane(app, receiver))).await;
    Ok(counts.into_iter().sum())
}

/// On SQLite there is one process, so a lease that is there when it starts belongs to nobody.
async fn forget_leases(app: &App) -> std::result::Result<(), StoreError> {
    if app.store().dialect() != Dialect::Sqlite {
        return Ok(());
    }
    let mut tx = app.store().write().await?;
    store::forget_leases(&mut tx).await?;
    tx.commit().await
}

/// After a clock went back, what it had put off is delivered now.
async fn bring_back(app: &App) -> std::result::Result<(), StoreError> {
    let now = app.now();
    let longest = app.config().webhooks.retry_seconds.iter().copied().max().unwrap_or(0);
    // Waits are changed by up to a tenth.
    let latest = now.saturating_add(longest.saturating_mul(1_200)).saturating_add(AHEAD);
    let mut tx = app.store().write().await?;
    let moved =
        store::bring_back(&mut tx, now, latest, now.saturating_add(lease_ms(app)).saturating_add(AHEAD)).await?;
    if moved > 0 {
        tx.commit().await?;
        tracing::warn!(moved, "the clock went back: events that it had put off are due");
    }
    Ok(())
}

async fn due(app: &App) -> std::result::Result<Vec<String>, StoreError> {
    let limit = i64::try_from(app.config().webhooks.receivers_max).unwrap_or(i64::MAX);
    store::due_apps(app.store(), app.now(), limit.saturating_mul(2)).await
}

/// Delivers what is due for one app, until nothing is; returns how many attempts that were.
async fn lane(app: &App, app_id: &str) -> usize {
    let at_a_time = app.config().webhooks.per_receiver.max(1);
    let mut attempts = 0;
    while !app.stopping().is_cancelled() {
        let claimed = match claim(app, app_id).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(app_id, cause = %error, "cannot claim events");
                break;
            }
        };
        if claimed.is_empty() {
            break;
        }
        attempts += claimed.len();
        futures::stream::iter(claimed)
            .for_each_concurrent(at_a_time, async |event| {
                if let Err(error) = attempt(app, &event).await {
                    // The lease runs out, and the event is sent again.
                    tracing::error!(event_id = event.event_id, cause = %error, "a delivery could not be written down");
                }
            })
            .await;
    }
    attempts
}

async fn claim(app: &App, app_id: &str) -> std::result::Result<Vec<Event>, StoreError> {
    let now = app.now();
    let mut tx = app.store().write().await?;
    let claimed = store::claim(&mut tx, app_id, now, now.saturating_add(lease_ms(app)), BATCH).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Long enough for the last of a batch when every one before it hangs.
fn lease_ms(app: &App) -> Millis {
    let config = &app.config().webhooks;
    let rounds = BATCH / i64::try_from(config.per_receiver.max(1)).unwrap_or(1) + 1;
    i64::try_from(config.timeout_ms).unwrap_or(60_000).saturating_mul(rounds).saturating_add(10_000)
}

async fn attempt(app: &App, event: &Event) -> Result<()> {
    if app.stopping().is_cancelled() {
        let mut tx = app.store().write().await?;
        store::release(&mut tx, event).await?;
        return Ok(tx.commit().await?);
    }
    let Some(settings) = settings(app.store(), &event.app_id).await?.filter(|settings| settings.is_on()) else {
        return settle(app, event, None, Verdict::Never).await;
    };
    let secrets = settings.secrets(app);
    let about = (event.event_id.as_str(), event.event_type.as_str());
    let attempt = deliver::once(app, &settings.url, about, &event.payload, &secrets).await;
    let verdict = verdict::of(&attempt.outcome, app.now());
    settle(app, event, Some(&attempt), verdict).await
}

async fn settle(app: &App, event: &Event, attempt: Option<&Attempt>, verdict: Verdict) -> Result<()> {
    let now = app.now();
    let tries = event.attempts.saturating_sub(event.round_from);
    let next = match verdict {
        Verdict::Later(asked) => verdict::wait(&app.config().webhooks.retry_seconds, tries, asked, app.entropy()),
        Verdict::Delivered | Verdict::Never | Verdict::Gone => None,
    };
    let mut tx = app.store().write().await?;
    let ours = match next {
        Some(wait) => store::retry_at(&mut tx, event, now.saturating_add(wait)).await?,
        None => store::finish(&mut tx, event, verdict == Verdict::Delivered, now).await?,
    };
    if let Some(attempt) = attempt {
        store::insert_attempt(&mut tx, &event.event_id, event.attempts, attempt).await?;
    }
    if verdict == Verdict::Gone && ours == 1 {
        store::disable(&mut tx, &event.app_id, "the receiver answered 410 Gone", now).await?;
        store::fail_pending(&mut tx, &event.app_id, now).await?;
    }
    tx.commit().await?;
    let outcome = match (&verdict, next) {
        (Verdict::Delivered, _) => "delivered",
        (_, Some(_)) => "retried",
        (_, None) => "failed",
    };
    app.metrics().webhook(outcome);
    if outcome != "delivered" {
        let status = attempt.and_then(Attempt::status);
        tracing::info!(
            event_id = event.event_id,
            app_id = event.app_id,
            attempt = event.attempts,
            status,
            outcome,
            "a delivery failed"
        );
    }
    Ok(())
}
