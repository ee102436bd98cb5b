//! What users granted to apps. An authorization keeps its `appScopedUserId` for ever, also when it is revoked and granted again.
//!
//! Invariant: what ends with an authorization (tokens, the event for the app, what is to be forgotten) is written in the
//! transaction that ends it; what is open on any node ends within a second.

pub mod http;
pub mod owner;
mod store;

use secondme_jobs::NewJob;
use secondme_kit::Millis;
use secondme_store::{Store, Tx};
use serde_json::json;

use super::webhooks;
use crate::access::{Requested, log, revocations, tokens};
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// The job that deletes what an app contributed; its handler belongs to the memory.
const FORGET: &str = "memory.forget_app";

/// A user's grant to an app.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Row id.
    pub id: i64,
    /// `asu_…`: identifies the user within this app only.
    pub app_scoped_user_id: String,
}

/// An app that a user let in.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Row id of the authorization.
    pub id: i64,
    /// `app_…`.
    pub app_id: String,
    /// A UUID.
    pub client_id: String,
    /// What users see.
    pub app_name: String,
    /// The scopes as they were requested.
    pub scopes: Requested,
    /// When it was granted, or granted again.
    pub granted_at: Millis,
    /// The app's first request.
    pub first_used_at: Option<Millis>,
    /// The app's last request.
    pub last_used_at: Option<Millis>,
}

/// What a user lets an app do now.
#[derive(Clone, Debug)]
pub struct Active {
    /// Row id of the authorization.
    pub id: i64,
    /// The scopes as they were requested.
    pub scopes: Requested,
}

/// What a revocation did.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The receipt of what is being forgotten, when that was asked for.
    pub receipt_id: Option<String>,
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

/// What a user lets an app do now, if anything.
///
/// # Errors
/// Storage failures only.
pub async fn active(store: &Store, user_id: i64, app_id: &str) -> Result<Option<Active>> {
    Ok(store::active(store, user_id, app_id).await?)
}

/// The apps that may act for a user now, the newest first.
///
/// # Errors
/// Storage failures only.
pub async fn connected(app: &App, user_id: i64) -> Result<Vec<Connected>> {
    // What this node has counted belongs in the answer.
    log::flush(app).await?;
    Ok(store::connected(app.store(), user_id).await?)
}

/// What an app did for a user since `since`.
///
/// # Errors
/// `oauth2.authorization.not_found`.
pub async fn access(app: &App, user_id: i64, app_id: &str, since: Millis) -> Result<Vec<log::Line>> {
    log::flush(app).await?;
    let known = store::find(app.store(), user_id, app_id).await?;
    let (id, _) = known.ok_or_else(|| ApiError::new(Code::AuthorizationNotFound))?;
    log::lines(app.store(), user_id, id, since).await
}

/// Ends what an app may do for a user: its tokens and everything it has open. Returns whether there was anything to end.
///
/// # Errors
/// Storage failures only.
pub async fn revoke(app: &App, user_id: i64, app_id: &str) -> Result<bool> {
    match end(app, user_id, app_id, false).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Code::AuthorizationNotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The same for the user who asks for it, who may also have everything that the app contributed deleted; that can be asked for
/// later, too.
///
/// # Errors
/// `oauth2.authorization.not_found` when there is nothing to end, and nothing to forget.
pub async fn end(app: &App, user_id: i64, app_id: &str, forget: bool) -> Result<Revoked> {
    let mut tx = app.store().write().await?;
    let ended = store::revoke(&mut tx, user_id, app_id, app.now()).await?;
    match &ended {
        Some(authorization) => {
            tokens::revoke_authorization(&mut tx, authorization.id, app.now()).await?;
            webhooks::announce_in(app, &mut tx, app_id, &authorization.app_scoped_user_id).await?;
            let (announcing, app_id) = (app.clone(), app_id.to_owned());
            tx.after_commit(move || revocations::announce(&announcing, Some(user_id), &app_id));
        }
        None if forget && store::was_granted(&mut tx, user_id, app_id).await? => {}
        None => return Err(ApiError::new(Code::AuthorizationNotFound)),
    }
    let receipt_id = if forget { Some(enqueue_forgetting(app, &mut tx, user_id, app_id).await?) } else { None };
    tx.commit().await?;
    Ok(Revoked { receipt_id })
}

/// The same for everything that a user granted, in the transaction that ends the account.
///
/// # Errors
/// Storage failures only.
pub async fn end_all_in(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    for (app_id, app_scoped_user_id) in store::revoke_all(tx, user_id, app.now()).await? {
        webhooks::announce_in(app, tx, &app_id, &app_scoped_user_id).await?;
        let announcing = app.clone();
        tx.after_commit(move || revocations::announce(&announcing, Some(user_id), &app_id));
    }
    Ok(())
}

async fn enqueue_forgetting(app: &App, tx: &mut Tx, user_id: i64, app_id: &str) -> Result<String> {
    let receipt_id = format!("fgt_{}", app.entropy().alphanumeric(24));
    let payload = json!({"userId": user_id, "appId": app_id, "receiptId": receipt_id});
    let job = NewJob { kind: FORGET, payload, run_at: app.now(), dedupe: None };
    secondme_jobs::enqueue(tx, job, app.now()).await?;
    Ok(receipt_id)
}

/// Whether an authorization has ended, or never was.
///
/// # Errors
/// Storage failures only.
pub async fn is_over(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(store::is_over(tx, id).await?)
}
