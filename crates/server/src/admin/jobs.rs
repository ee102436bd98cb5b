//! Durable jobs and dead letters.

use secondme_jobs::{DeadJob, KindCounts};

use super::trail::{self, Deed};
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// Jobs as they stand.
#[derive(Clone, Debug)]
pub struct Overview {
    /// By kind.
    pub kinds: Vec<KindCounts>,
    /// Given up, the newest first.
    pub dead: Vec<DeadJob>,
}

/// Jobs as they stand, and dead letters with an id below `before`.
///
/// # Errors
/// Storage failures only.
pub async fn overview(app: &App, before: Option<i64>, limit: i64) -> Result<Overview> {
    let kinds = secondme_jobs::counts(app.store()).await?;
    Ok(Overview { kinds, dead: secondme_jobs::dead(app.store(), before, limit).await? })
}

/// Gives a dead letter all its attempts anew.
///
/// # Errors
/// `resource.fetch.not_found` when there is no such dead letter.
pub async fn retry(app: &App, operator: &str, id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if !secondme_jobs::requeue(&mut tx, id, app.now()).await? {
        return Err(ApiError::new(Code::NotFound).arg("job"));
    }
    done(app, tx, operator, "retry", id).await
}

/// Deletes a dead letter.
///
/// # Errors
/// `resource.fetch.not_found` when there is no such dead letter.
pub async fn discard(app: &App, operator: &str, id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if !secondme_jobs::discard(&mut tx, id).await? {
        return Err(ApiError::new(Code::NotFound).arg("job"));
    }
    done(app, tx, operator, "discard", id).await
}

async fn done(app: &App, mut tx: secondme_store::Tx, operator: &str, action: &str, id: i64) -> Result<()> {
    let id = id.to_string();
    trail::write(app, &mut tx, Deed { operator, action, kind: "job", id: &id, reason: "" }).await?;
    tx.commit().await?;
    Ok(())
}
