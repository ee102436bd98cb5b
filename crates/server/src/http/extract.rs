//! Extractors whose refusals are errors of the table: JSON bodies, forms, queries and paths.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::trace::Trace;
use crate::error::{ApiError, Code, Problem, Result};

/// Larger bodies are not described for the inspector.
const TRACED_MAX: usize = 64 * 1024;

/// A JSON body. Unknown fields are ignored, `null` means absent for optional fields, an empty body is `{}`.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A form body; JSON with the same names is accepted too (HOUSE-RULES "Token endpoints").
#[derive(Debug)]
pub struct Form<T>(pub T);

/// The query string. A parameter with an empty value counts as absent.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// Path parameters; a value of the wrong form is the route's own "not found".
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let kind = media_type(request.headers());
        let trace = Trace::of(request.extensions()).cloned();
        let bytes = read(request, state).await?;
        if let Some(trace) = &trace {
            trace.note_body(&bytes, TRACED_MAX);
        }
        match kind.as_deref() {
            None => {}
            Some(kind) if kind == "application/json" || kind.ends_with("+json") => {}
            Some(_) if bytes.is_empty() => {}
            Some(_) => return Err(ApiError::new(Code::ContentType).arg("application/json")),
        }
        json(if bytes.is_empty() { b"{}" } else { &bytes }).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let kind = media_type(request.headers());
        let trace = Trace::of(request.extensions()).cloned();
        let bytes = read(request, state).await?;
        let is_json = kind.as_deref() == Some("application/json");
        if let Some(trace) = trace.filter(|_| bytes.len() <= TRACED_MAX) {
            let fields = if is_json {
                serde_json::from_slice(&bytes).unwrap_or_default()
            } else {
                pairs(&bytes).unwrap_or_default()
            };
            trace.note_form(&fields);
        }
        match kind.as_deref() {
            Some("application/json") => json(&bytes).map(Self),
            None | Some("application/x-www-form-urlencoded") => urlencoded(&bytes).map(Self),
            Some(_) => Err(ApiError::new(Code::ContentType).arg("application/x-www-form-urlencoded")),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        urlencoded(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::invalid("path", &Problem::Parser(rejection.body_text()))),
        }
    }
}

/// Deserialises an optional number or flag that may arrive as text, as query strings and some clients have it.
pub fn lenient<'de, D: Deserializer<'de>, T: std::str::FromStr>(d: D) -> std::result::Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Raw {
        Text(String),
        Other(serde_json::Value),
    }
    let text = match Option::<Raw>::deserialize(d)? {
        None | Some(Raw::Other(serde_json::Value::Null)) => return Ok(None),
        Some(Raw::Text(text)) => text,
        Some(Raw::Other(value)) => value.to_string(),
    };
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| serde::de::Error::custom("must be a number")),
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(Code::BodyTooLarge)
        }
        other => ApiError::invalid("body", &Problem::Parser(other.body_text())),
    })
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        ApiError::invalid("body", &Problem::Parser(format!("is not valid UTF-8 at byte {}", e.valid_up_to())))
    })?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|e| refused(&e))?;
    parser.end().map_err(|e| ApiError::invalid("body", &Problem::Parser(e.to_string())))?;
    Ok(value)
}

fn urlencoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_path_to_error::deserialize(serde_json::Value::Object(pairs(bytes)?)).map_err(|e| refused(&e))
}

/// The first value of each name; empty ones are absent.
fn pairs(bytes: &[u8]) -> Result<serde_json::Map<String, serde_json::Value>> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(bytes).map_err(|e| ApiError::invalid("form", &Problem::Parser(e.to_string())))?;
    let mut members = serde_json::Map::new();
    for (name, value) in pairs {
        if !value.is_empty() {
            members.entry(name).or_insert(value.into());
        }
    }
    Ok(members)
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let field = if path == "." { "body" } else { &path };
    ApiError::invalid(field, &Problem::Parser(error.inner().to_string()))
}
