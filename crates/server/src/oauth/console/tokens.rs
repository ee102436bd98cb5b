//! Tokens in the developer's hands: what one stands for, and one to try things with.
//!
//! Invariants: a developer learns about tokens of their own apps and of their own account, and about no others; no token that is
//! looked at is kept.

use std::sync::Arc;

use secondme_kit::{Millis, Secret};

use crate::access::{Grant, Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::{ApiError, Result};
use crate::oauth::apps;
use crate::oauth::authorizations;

/// How long a token to try things with lives.
const TRIAL_SECONDS: i64 = 3_600;

/// What a token stands for.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Kind, scopes, times.
    pub grant: Arc<Grant>,
    /// The app's name, when it came through one.
    pub app_name: Option<String>,
    /// The user, as the app knows them.
    pub app_scoped_user_id: Option<String>,
    /// Why it does not work; none: it works.
    pub refusal: Option<ApiError>,
}

/// What a token stands for; none when it is unknown, or neither of the developer's apps nor their own.
///
/// # Errors
/// Storage failures only.
pub async fn explain(app: &App, developer: i64, token: &str) -> Result<Option<Explained>> {
    let token = token.trim().trim_start_matches("Bearer ").trim();
    let Some(grant) = tokens::find(app.store(), app.key(), app.grants(), token).await? else { return Ok(None) };
    let through = match &grant.app_id {
        Some(app_id) => apps::by_id(app.store(), app_id).await?,
        None => None,
    };
    let ours = through.as_ref().is_some_and(|through| through.owner == Some(developer));
    if !ours && grant.user_id != Some(developer) {
        return Ok(None);
    }
    let app_scoped_user_id = match (grant.user_id, &grant.app_id) {
        (Some(user_id), Some(app_id)) => authorizations::app_scoped_user_id(app.store(), user_id, app_id).await?,
        _ => None,
    };
    let refusal = grant.check_alive(app.now()).err();
    Ok(Some(Explained { app_name: through.map(|through| through.name), app_scoped_user_id, refusal, grant }))
}

/// A token to try an app's requests with: the developer's own account in their own app, for an hour.
#[derive(Clone, Debug)]
pub struct Trial {
    /// `lba_at_…`, shown once.
    pub token: Secret,
    /// When it ends.
    pub expires_at: Millis,
}

/// Lets an app of the developer in to the developer's own account, with all its allowed scopes, and makes an access token.
///
/// # Errors
/// As [`apps::owned`]; `oauth2.application.*` when the app is not approved.
pub async fn trial(app: &App, developer: i64, app_id: &str) -> Result<Trial> {
    let known = apps::owned(app.store(), developer, app_id).await?;
    known.check_status()?;
    let token = app.entropy().token(Kind::Access.prefix());
    let (now, scopes): (Millis, &Requested) = (app.now(), &known.allowed);
    let expires_at = now + TRIAL_SECONDS * 1_000;
    let mut tx = app.store().write().await?;
    let authorization = authorizations::grant(app, &mut tx, developer, app_id, scopes).await?;
    let new = NewToken {
        kind: Kind::Access,
        user_id: Some(developer),
        app_id: Some(app_id),
        authorization_id: Some(authorization.id),
        scopes,
        name: "console",
        expires_at: Some(expires_at),
    };
    tokens::insert(&mut tx, app.key(), &token, &new, now).await?;
    tx.commit().await?;
    Ok(Trial { token: Secret::new(token), expires_at })
}
