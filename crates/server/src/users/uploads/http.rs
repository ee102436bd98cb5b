//! `POST cdn/upload` (contract 7.5).

use axum::extract::multipart::{Field, Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Stored;
use crate::access::auth::authenticate;
use crate::app::App;
use crate::config::Config;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::peer::Peer;
use crate::http::{Data, Reply};

/// What a multipart body has around its file.
const AROUND_FILE: usize = 64 * 1024;

/// The route for uploading, below `/gate/lab/api`.
pub fn routes(config: &Config) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(upload))
        .layer(DefaultBodyLimit::max(config.uploads.file_max_bytes.saturating_add(AROUND_FILE)))
}

/// The user behind `Authorization` or, as an older document has it, a `token` header.
struct Uploader(i64);

impl FromRequestParts<App> for Uploader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let header = |name: &HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
        let given = header(&AUTHORIZATION).or_else(|| header(&HeaderName::from_static("token")));
        let token = given.map(|text| match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => text,
        });
        let refused = || ApiError::new(Code::UploadUnauthorized);
        let token = token.filter(|token| !token.is_empty()).ok_or_else(refused)?;
        let grant = authenticate(app, token, Peer::of(parts)).await;
        // The contract has one code for every failure of this route's authentication; others are not about the token.
        let grant = grant.map_err(|e| if e.code().row().status == 401 { refused() } else { e })?;
        grant.user_id.map(Self).ok_or_else(refused)
    }
}

/// A file to upload.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document only")]
struct UploadForm {
    /// A picture (PNG, JPEG, WebP, GIF; encoded anew without metadata) or a recording (WAV, MP3, Ogg, FLAC, M4A, WebM).
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Where an uploaded file is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    /// The public address.
    url: String,
    /// Its path on the server.
    key: String,
}

impl From<Stored> for Uploaded {
    fn from(stored: Stored) -> Self {
        Self { url: stored.url, key: format!("cdn/{}", stored.name) }
    }
}

/// Stores a picture or a recording behind a public address that cannot be guessed.
#[utoipa::path(post, path = "/cdn/upload", tag = "User",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    security(("token" = [])), responses((status = 200, body = Envelope<Uploaded>)))]
async fn upload(
    State(app): State<App>,
    Uploader(user_id): Uploader,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Reply<Uploaded> {
    let form = form.map_err(|_| ApiError::new(Code::ContentType).arg("multipart/form-data"))?;
    let bytes = file_of(form, app.config().uploads.file_max_bytes).await?;
    Ok(Data(super::store(&app, user_id, bytes).await?.into()))
}

/// The bytes of the field `file`.
async fn file_of(mut form: Multipart, limit: usize) -> Result<Vec<u8>> {
    while let Some(field) = form.next_field().await.map_err(|e| unreadable(&e))? {
        if field.name() == Some("file") {
            return read(field, limit).await;
        }
    }
    Err(ApiError::invalid("file", &Problem::Required))
}

async fn read(mut field: Field<'_>, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|e| unreadable(&e))? {
        if bytes.len() + piece.len() > limit {
            return Err(ApiError::new(Code::BodyTooLarge));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn unreadable(error: &axum::extract::multipart::MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(Code::BodyTooLarge);
    }
    ApiError::invalid("body", &Problem::Parser(error.body_text()))
}
