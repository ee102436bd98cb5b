//! `POST /oauth2/introspect` (RFC 7662): what a token of the asking client stands for. About others it learns nothing.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::OauthError;
use super::client::Call;
use super::error::no_store;
use crate::access::{Grant, Kind, tokens};
use crate::app::App;
use crate::error::Result;
use crate::oauth::apps::Application;
use crate::oauth::authorizations;

/// Whether a token works, and for what.
pub async fn introspect(State(app): State<App>, call: Call) -> std::result::Result<Response, OauthError> {
    let call = call.confidential()?;
    let body = describe(&app, &call.client, call.required("token")?).await?;
    let mut response = Json(body).into_response();
    no_store(&mut response);
    Ok(response)
}

async fn describe(app: &App, client: &Application, token: &str) -> Result<Value> {
    let found = tokens::find(app.store(), app.key(), app.grants(), token).await?;
    let ours = |grant: &&std::sync::Arc<Grant>| {
        grant.app_id.as_deref() == Some(&client.app_id)
            && grant.replaced_at.is_none()
            && grant.check_alive(app.now()).is_ok()
    };
    let Some(grant) = found.as_ref().filter(ours) else { return Ok(json!({"active": false})) };
    let mut body = Map::new();
    body.insert("active".into(), true.into());
    body.insert("scope".into(), grant.scope_names.join(" ").into());
    body.insert("client_id".into(), client.client_id.clone().into());
    body.insert("token_type".into(), if grant.kind == Kind::Refresh { "refresh_token" } else { "Bearer" }.into());
    body.insert("iss".into(), app.public_url().into());
    body.insert("iat".into(), grant.created_at.div_euclid(1_000).into());
    if let Some(at) = grant.expires_at {
        body.insert("exp".into(), at.div_euclid(1_000).into());
    }
    let sub = match grant.user_id {
        Some(user_id) => authorizations::app_scoped_user_id(app.store(), user_id, &client.app_id).await?,
        None => Some(client.client_id.clone()),
    };
    body.insert("sub".into(), sub.into());
    Ok(Value::Object(body))
}
