//! `GET avatar/{avatarId}/interactions` (contract 17.10).

use axum::extract::State;
use secondme_kit::clock::plain;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Interaction;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::avatars::center::http::PageQuery;
use crate::http::envelope::Envelope;
use crate::http::{Data, Path, Query, Reply};

/// The routes of interactions, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A conversation with a visitor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InteractionObject {
    id: i64,
    /// `name(appName)`
    visitor_name: String,
    /// Of visitor, avatar and owner together.
    message_count: i64,
    /// From the first message to the last.
    duration_seconds: i64,
    /// The visitor's first message, shortened.
    summary: String,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    created_at: String,
}

impl From<Interaction> for InteractionObject {
    fn from(i: Interaction) -> Self {
        Self {
            id: i.id,
            visitor_name: i.visitor_name,
            message_count: i.message_count,
            duration_seconds: i.duration_ms / 1_000,
            summary: i.summary,
            created_at: plain(i.created_at),
        }
    }
}

/// The conversations of an avatar, the newest first; the first 100 unless a page is asked for.
#[utoipa::path(get, path = "/secondme/avatar/{avatarId}/interactions", tag = "Avatar",
    params(("avatarId" = i64, Path), PageQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<Vec<InteractionObject>>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Path(avatar_id): Path<i64>,
    Query(query): Query<PageQuery>,
) -> Reply<Vec<InteractionObject>> {
    let found = super::list(&app, auth.caller.user_id, avatar_id, query.page(100)).await?;
    Ok(Data(found.into_iter().map(Into::into).collect()))
}
