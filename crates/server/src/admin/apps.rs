//! Reviews of applications.

use super::trail::{self, Deed};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::oauth::apps;

/// Decides about an application, and writes it down.
///
/// # Errors
/// `oauth2.application.not_found`, `invalid.param` for a decision that there is not.
pub async fn review(app: &App, operator: &str, app_id: &str, decision: &str, reason: &str) -> Result<()> {
    let status = match decision {
        "approve" => "approved",
        "reject" => "rejected",
        "suspend" => "suspended",
        _ => return Err(ApiError::invalid("decision", &Problem::Required)),
    };
    let mut tx = app.store().write().await?;
    apps::review_in(app, &mut tx, app_id, status).await?;
    trail::write(app, &mut tx, Deed { operator, action: decision, kind: "app", id: app_id, reason }).await?;
    tx.commit().await?;
    Ok(())
}
