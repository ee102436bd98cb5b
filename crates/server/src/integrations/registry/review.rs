//! The operator's side: versions that wait, and what becomes of them.

use secondme_kit::Millis;
use secondme_store::Tx;

use super::store;
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// A version that waits for the operator.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// `int_…`.
    pub integration_id: String,
    /// `ver_…`.
    pub version_id: String,
    /// What people read.
    pub display_name: String,
    /// Where calls would go.
    pub endpoint: String,
    /// When it was handed in.
    pub submitted_at: Millis,
}

/// The versions that wait, the longest waiting first.
///
/// # Errors
/// Storage failures only.
pub async fn waiting(app: &App) -> Result<Vec<Waiting>> {
    Ok(store::waiting(app.store()).await?)
}

/// Approves or rejects the version of an integration that waits; its id.
///
/// # Errors
/// `integration.not_found` when none waits.
pub async fn decide(app: &App, integration_id: &str, approve: bool, note: &str) -> Result<String> {
    let mut tx = app.store().write().await?;
    let version_id = store::pending(&mut tx, integration_id).await?;
    let version_id = version_id.ok_or_else(|| ApiError::new(Code::IntegrationUnknown))?;
    if approve {
        approve_in(&mut tx, integration_id, &version_id, note, app.now()).await?;
    } else {
        store::settle(&mut tx, integration_id, &version_id, ("rejected", note), app.now()).await?;
    }
    tx.commit().await?;
    Ok(version_id)
}

/// Makes a version the one that users meet.
pub(super) async fn approve_in(
    tx: &mut Tx,
    integration_id: &str,
    version_id: &str,
    note: &str,
    now: Millis,
) -> Result<()> {
    store::supersede(tx, integration_id).await?;
    store::settle(tx, integration_id, version_id, ("approved", note), now).await?;
    store::set_released(tx, integration_id, version_id, now).await?;
    Ok(())
}
