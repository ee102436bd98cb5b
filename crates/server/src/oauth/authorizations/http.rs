//! The user's view of connected apps: what they may do, what they did, and the end of it. For the user in person: a personal
//! token, or the browser session (whose changes carry its CSRF token in `X-CSRF-Token`).

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Connected;
use super::owner::Owner;
use crate::access::log::Line;
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};

/// The routes of authorizations, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(access)).routes(routes!(revoke))
}

/// The apps that may act for the user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorizations {
    list: Vec<AuthorizationRow>,
    total: usize,
}

/// An app that may act for the user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationRow {
    app_id: String,
    client_id: String,
    app_name: String,
    /// As they were requested.
    scopes: Vec<String>,
    granted_at: String,
    /// The app's first and last request; `null` before there was one.
    first_used_at: Option<String>,
    last_used_at: Option<String>,
}

impl From<Connected> for AuthorizationRow {
    fn from(connected: Connected) -> Self {
        Self {
            app_id: connected.app_id,
            client_id: connected.client_id,
            app_name: connected.app_name,
            scopes: connected.scopes.names,
            granted_at: iso(connected.granted_at),
            first_used_at: connected.first_used_at.map(iso),
            last_used_at: connected.last_used_at.map(iso),
        }
    }
}

/// The apps that may act for the caller now.
#[utoipa::path(get, path = "/authorizations", tag = "Authorizations",
    security(("token" = [])), responses((status = 200, body = Envelope<Authorizations>)))]
async fn list(State(app): State<App>, owner: Owner) -> Reply<Authorizations> {
    let list: Vec<_> = super::connected(&app, owner.user_id).await?.into_iter().map(AuthorizationRow::from).collect();
    Ok(Data(Authorizations { total: list.len(), list }))
}

/// How far back.
#[derive(Debug, Default, Deserialize)]
struct DaysQuery {
    #[serde(default, deserialize_with = "lenient")]
    days: Option<i64>,
}

/// What an app did, by day and kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessLog {
    app_id: String,
    list: Vec<AccessRow>,
}

/// What an app did on a day under one scope.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRow {
    /// `2026-04-17`, in UTC.
    day: String,
    /// The scope; `account` for `auth/me`, `tools` for calls that were made to the app.
    kind: String,
    /// `read` or `write`.
    action: String,
    /// How many requests.
    times: i64,
    last_at: String,
}

impl From<Line> for AccessRow {
    fn from(line: Line) -> Self {
        let mut day = iso(line.day);
        day.truncate("2026-04-17".len());
        Self { day, kind: line.kind, action: line.action, times: line.times, last_at: iso(line.last_at) }
    }
}

/// What an app read and wrote for the caller, the newest day first. Also for apps whose access has ended.
#[utoipa::path(get, path = "/authorizations/{appId}/access", tag = "Authorizations",
    params(("appId" = String, Path, description = "The app."),
        ("days" = Option<i64>, Query, description = "How far back; 30 by default, at most 366.")),
    security(("token" = [])), responses((status = 200, body = Envelope<AccessLog>)))]
async fn access(
    State(app): State<App>,
    owner: Owner,
    Path(app_id): Path<String>,
    Query(query): Query<DaysQuery>,
) -> Reply<AccessLog> {
    let days = query.days.unwrap_or(30).clamp(1, 366);
    let lines = super::access(&app, owner.user_id, &app_id, app.now() - (days - 1) * 86_400_000).await?;
    Ok(Data(AccessLog { app_id, list: lines.into_iter().map(AccessRow::from).collect() }))
}

/// How to end it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RevokeBody {
    /// Whether everything that the app contributed is deleted, too.
    forget: bool,
}

/// What was ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokeAnswer {
    app_id: String,
    /// Of what is being forgotten; `null` when nothing is.
    receipt_id: Option<String>,
}

/// Ends what an app may do for the caller, everywhere and at once. The app is told (`authorization.revoked`).
#[utoipa::path(post, path = "/authorizations/{appId}/revoke", tag = "Authorizations", request_body = RevokeBody,
    params(("appId" = String, Path, description = "The app.")),
    security(("token" = [])), responses((status = 200, body = Envelope<RevokeAnswer>)))]
async fn revoke(
    State(app): State<App>,
    owner: Owner,
    Path(app_id): Path<String>,
    Body(body): Body<RevokeBody>,
) -> Reply<RevokeAnswer> {
    let revoked = super::end(&app, owner.user_id, &app_id, body.forget).await?;
    Ok(Data(RevokeAnswer { app_id, receipt_id: revoked.receipt_id }))
}
