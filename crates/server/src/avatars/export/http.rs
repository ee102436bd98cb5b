//! `avatar/conversations/export` and its download (contract 17.12).

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Auth, permissions};
use crate::app::App;
use crate::avatars::center::http::required;
use crate::error::{Lang, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};

/// The routes of exports, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(status)).routes(routes!(download))
}

/// What to export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BeginExport {
    #[serde(default, deserialize_with = "lenient")]
    #[schema(value_type = i64)]
    avatar_id: Option<i64>,
    /// `zh` (default) or `en`: the language of the columns.
    app_language: Option<String>,
    /// IANA name; default `avatars.time_zone` of the configuration.
    timezone: Option<String>,
}

/// An export that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// 32 hex digits.
    job_id: String,
}

/// Begins an export of the last 30 days' conversations.
#[utoipa::path(post, path = "/secondme/avatar/conversations/export", tag = "Avatar", request_body = BeginExport,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Begun>)))]
async fn begin(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<BeginExport>,
) -> Reply<Begun> {
    let avatar_id = required(body.avatar_id, "avatarId")?;
    let language = language(body.app_language.as_deref());
    let job_id = super::begin(&app, auth.caller.user_id, avatar_id, language, body.timezone.as_deref()).await?;
    Ok(Data(Begun { job_id }))
}

/// Chinese, unless another language is asked for.
fn language(tag: Option<&str>) -> Lang {
    match tag.map(str::trim) {
        Some(tag) if !tag.is_empty() && !tag.to_ascii_lowercase().starts_with("zh") => Lang::En,
        _ => Lang::Zh,
    }
}

/// How far an export is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportStatus {
    job_id: String,
    /// `PENDING`, `RUNNING`, `SUCCEEDED` or `FAILED`.
    status: String,
    /// When it succeeded: works without a token, until `expiresAt`.
    download_url: Option<String>,
    /// Milliseconds.
    expires_at: Option<i64>,
    file_name: Option<String>,
    /// Whether older messages are all there is room for.
    truncated: bool,
    message_count: i64,
}

/// How far an export is; every answer about a finished one carries a fresh link.
#[utoipa::path(get, path = "/secondme/avatar/conversations/export/{jobId}", tag = "Avatar",
    params(("jobId" = String, Path)),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<ExportStatus>)))]
async fn status(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Path(job_id): Path<String>,
) -> Reply<ExportStatus> {
    let (export, link) = super::get(&app, auth.caller.user_id, &job_id).await?;
    Ok(Data(ExportStatus {
        job_id: export.job_id,
        status: export.status,
        expires_at: link.as_ref().map(|link| link.expires_at),
        file_name: link.is_some().then_some(export.file_name),
        download_url: link.map(|link| link.url),
        truncated: export.truncated,
        message_count: export.message_count,
    }))
}

/// The signed part of a link.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Signed {
    /// Milliseconds.
    #[serde(default, deserialize_with = "lenient")]
    #[param(value_type = i64)]
    expires: Option<i64>,
    #[param(value_type = String)]
    signature: Option<String>,
}

/// The file of an export. Needs no token: the link is signed and expires.
#[utoipa::path(get, path = "/secondme/avatar/conversations/export/{jobId}/download", tag = "Avatar",
    params(("jobId" = String, Path), Signed), security(()),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn download(State(app): State<App>, Path(job_id): Path<String>, Query(query): Query<Signed>) -> Result<Response> {
    let expires = required(query.expires, "expires")?;
    let signature = required(query.signature, "signature")?;
    let (name, bytes) = super::download(&app, &job_id, expires, &signature).await?;
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    let disposition = format!("attachment; filename=\"conversations.csv\"; filename*=UTF-8''{encoded}");
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
