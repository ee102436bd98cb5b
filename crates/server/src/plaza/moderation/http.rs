//! `plaza/posts/{postId}/report`, `plaza/comments/{commentId}/report` (ours).

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Target;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Path, Reply};

/// The routes of reports, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report_post)).routes(routes!(report_comment))
}

/// Why something should not stand here.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ReportBody {
    /// At most 1000 characters.
    #[schema(required = true)]
    reason: Option<String>,
}

/// Reports a post to the operator.
#[utoipa::path(post, path = "/secondme/plaza/posts/{postId}/report", tag = "Plaza", request_body = ReportBody,
    params(("postId" = String, Path)),
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn report_post(
    State(app): State<App>,
    auth: Auth<permissions::PlazaWrite>,
    Path(id): Path<String>,
    Body(body): Body<ReportBody>,
) -> Reply<Value> {
    super::report(&app, auth.caller.user_id, Target::Post, &id, &body.reason.unwrap_or_default()).await?;
    Ok(Data(Value::Null))
}

/// Reports a comment to the operator.
#[utoipa::path(post, path = "/secondme/plaza/comments/{commentId}/report", tag = "Plaza", request_body = ReportBody,
    params(("commentId" = String, Path)),
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn report_comment(
    State(app): State<App>,
    auth: Auth<permissions::PlazaWrite>,
    Path(id): Path<String>,
    Body(body): Body<ReportBody>,
) -> Reply<Value> {
    super::report(&app, auth.caller.user_id, Target::Comment, &id, &body.reason.unwrap_or_default()).await?;
    Ok(Data(Value::Null))
}
