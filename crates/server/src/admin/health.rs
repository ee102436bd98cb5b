//! How the server is: what answers, how fast, and what waits.

use std::time::Instant;

use secondme_kit::Millis;

use super::models::{self, Model};
use crate::app::App;
use crate::error::Result;
use crate::oauth::apps;
use crate::plaza::moderation;
use crate::users::accounts::people::{self, Totals};

/// How the server is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Of this build.
    pub version: &'static str,
    /// How long this process runs, in milliseconds.
    pub uptime: Millis,
    /// How long the database took to answer, in microseconds; none: it did not.
    pub database_micros: Option<u128>,
    /// Both models.
    pub models: Vec<Model>,
    /// Whether memories are also found by their meaning.
    pub embedder: bool,
    /// Streams and sockets that are open on this node, by user and app.
    pub open: usize,
    /// Memory of this process in bytes, where the system tells.
    pub memory: Option<u64>,
}

/// What waits for the operator.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// Accounts.
    pub people: Totals,
    /// Apps, and those that wait for a review.
    pub apps: (i64, i64),
    /// Things that readers reported.
    pub reports: usize,
    /// Jobs that were given up.
    pub dead: i64,
    /// Jobs that wait.
    pub pending: i64,
}

/// How the server is now.
pub async fn look(app: &App) -> Health {
    let asked = Instant::now();
    let database_micros = app.store().ping().await.is_ok().then(|| asked.elapsed().as_micros());
    Health {
        version: env!("CARGO_PKG_VERSION"),
        uptime: app.now() - app.started_at(),
        database_micros,
        models: models::all(app),
        embedder: app.embedder().is_some(),
        open: app.revocations().open(),
        memory: memory().await,
    }
}

/// Pages of the process that are in memory; Linux only.
async fn memory() -> Option<u64> {
    let text = tokio::fs::read_to_string("/proc/self/status").await.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
}

/// What waits for the operator now.
///
/// # Errors
/// Storage failures only.
pub async fn waiting(app: &App) -> Result<Waiting> {
    let kinds = secondme_jobs::counts(app.store()).await?;
    Ok(Waiting {
        people: people::totals(app).await?,
        apps: apps::totals(app.store()).await?,
        reports: moderation::waiting(app).await?.len(),
        dead: kinds.iter().map(|kind| kind.dead).sum(),
        pending: kinds.iter().map(|kind| kind.pending).sum(),
    })
}
