//! `GET auth/me` (contract 2.8): who the token's user is, with an id that only this app knows.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::authorizations;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::Result;
use crate::http::envelope::Envelope;
use crate::http::{Data, Reply};
use crate::users::profile;

/// The routes of the current user, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me))
}

/// The token's user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// Decimal digits.
    user_id: String,
    name: String,
    email: String,
    avatar: String,
    /// `asu_…`: stable for this user in this app, different in every other app.
    app_scoped_user_id: String,
}

/// Who the token's user is. Store `appScopedUserId`: revocation events name the user by it.
#[utoipa::path(get, path = "/auth/me", tag = "OAuth2",
    security(("token" = [])), responses((status = 200, body = Envelope<Me>)))]
async fn me(State(app): State<App>, auth: Auth<permissions::AnyUser>) -> Reply<Me> {
    let profile = profile::get(app.store(), auth.caller.user_id).await?;
    let app_scoped_user_id = scoped_id(&app, auth.caller.user_id, auth.caller.app_id()).await?;
    Ok(Data(Me {
        user_id: profile.user_id.to_string(),
        name: profile.name,
        email: profile.email,
        avatar: profile.avatar,
        app_scoped_user_id,
    }))
}

/// The id within the app; for personal tokens and keys, which belong to no app, one derived from the user alone.
async fn scoped_id(app: &App, user_id: i64, app_id: Option<&str>) -> Result<String> {
    let known = match app_id {
        Some(app_id) => authorizations::app_scoped_user_id(app.store(), user_id, app_id).await?,
        None => None,
    };
    Ok(known.unwrap_or_else(|| {
        let digest = app.key().sign("app_scoped_user_id", &user_id.to_string());
        format!("asu_{}", digest.get(..24).unwrap_or(&digest))
    }))
}
