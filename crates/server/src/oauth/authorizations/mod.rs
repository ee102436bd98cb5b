//! What users granted to apps. An authorization keeps its `appScopedUserId` for ever, also when it is revoked and granted again.

mod store;

use secondme_store::{Store, Tx};

use crate::access::{Requested, tokens};
use crate::app::App;
use crate::error::Result;

/// A user's grant to an app.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Row id.
    pub id: i64,
    /// `asu_…`: identifies the user within this app only.
    pub app_scoped_user_id: String,
}

/// Grants `scopes` to an app, or renews the grant.
///
/// # Errors
/// Storage failures only.
pub async fn grant(app: &App, tx: &mut Tx, user_id: i64, app_id: &str, scopes: &Requested) -> Result<Authorization> {
    let fresh = format!("asu_{}", app.entropy().alphanumeric(24));
    Ok(store::upsert(tx, user_id, app_id, &fresh, &scopes.joined(), app.now()).await?)
}

/// The user's id within an app, when the user ever authorized it.
///
/// # Errors
/// Storage failures only.
pub async fn app_scoped_user_id(store: &Store, user_id: i64, app_id: &str) -> Result<Option<String>> {
    Ok(store::app_scoped_user_id(store, user_id, app_id).await?)
}

/// Ends what an app may do for a user: its tokens stop working on this node at once. Returns whether there was anything to end.
///
/// # Errors
/// Storage failures only.
pub async fn revoke(app: &App, user_id: i64, app_id: &str) -> Result<bool> {
    let mut tx = app.store().write().await?;
    let Some(id) = store::revoke(&mut tx, user_id, app_id, app.now()).await? else { return Ok(false) };
    tokens::revoke_authorization(&mut tx, id, app.now()).await?;
    let grants = app.grants().clone();
    tx.after_commit(move || grants.invalidate_all());
    tx.commit().await?;
    Ok(true)
}
