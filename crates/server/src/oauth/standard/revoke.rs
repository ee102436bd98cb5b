//! `POST /oauth2/revoke` (RFC 7009): a client gives its token back. Unknown tokens, and those of others, are none of its business:
//! the answer is the same.

use axum::extract::State;
use axum::http::StatusCode;

use super::OauthError;
use super::client::Call;
use crate::access::{Kind, revocations, tokens};
use crate::app::App;
use crate::error::Result;
use crate::oauth::apps::Application;

/// Ends an access token, or a refresh token with everything that came from the same approval.
pub async fn revoke(State(app): State<App>, call: Call) -> std::result::Result<StatusCode, OauthError> {
    end(&app, &call.client, call.required("token")?).await?;
    Ok(StatusCode::OK)
}

async fn end(app: &App, client: &Application, token: &str) -> Result<()> {
    let now = app.now();
    let mut tx = app.store().write().await?;
    let found = tokens::find_in(&mut tx, app.key(), token).await?;
    let Some(grant) = found.filter(|grant| grant.app_id.as_deref() == Some(&client.app_id)) else { return Ok(()) };
    match grant.family.as_deref().filter(|_| grant.kind == Kind::Refresh) {
        Some(family) => tokens::revoke_family(&mut tx, family, now).await?,
        None => tokens::revoke_one(&mut tx, app.key(), token, now).await?,
    };
    let announcing = app.clone();
    tx.after_commit(move || revocations::announce_tokens(&announcing));
    tx.commit().await?;
    Ok(())
}
