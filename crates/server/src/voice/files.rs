//! `GET /speech/{name}`: spoken texts, for anybody who has the address. It cannot be guessed, and what is behind it never changes.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::store;
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::Path;

/// The public addresses of spoken texts, from the root.
pub fn routes() -> Router<App> {
    Router::new().route("/speech/{name}", get(file))
}

/// The address of a spoken text.
pub(super) fn url(app: &App, hash: &[u8; 32]) -> String {
    format!("{}/speech/{}.mp3", app.public_url(), hex::encode(hash))
}

async fn file(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    let absent = || ApiError::new(Code::NotFound).arg("file");
    let hash = name.strip_suffix(".mp3").and_then(|hex| hex::decode(hex).ok()).ok_or_else(absent)?;
    let audio: Bytes = store::audio(app.store(), &hash).await?.ok_or_else(absent)?.into();
    let range = headers.get(RANGE).and_then(|v| v.to_str().ok());
    let mut response = match range.map(|range| span(range, audio.len())) {
        Some(Some((from, to))) => {
            let about = format!("bytes {from}-{}/{}", to - 1, audio.len());
            (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, about)], audio.slice(from..to)).into_response()
        }
        _ => audio.into_response(),
    };
    for (header, value) in [
        (CONTENT_TYPE, "audio/mpeg"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (ACCEPT_RANGES, "bytes"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(header, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The bytes of a range request for one span; anything else gets the whole file, as RFC 9110 allows.
fn span(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    if from.is_empty() {
        let last: usize = to.parse().ok()?;
        return (last > 0).then(|| (length.saturating_sub(last), length));
    }
    let from: usize = from.parse().ok()?;
    let to = if to.is_empty() { length } else { to.parse::<usize>().ok()?.saturating_add(1).min(length) };
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn players_get_the_part_they_ask_for() {
        for (range, expected) in [
            ("bytes=0-1", Some((0, 2))),
            ("bytes=90-", Some((90, 100))),
            ("bytes=-10", Some((90, 100))),
            ("bytes=50-500", Some((50, 100))),
            ("bytes=100-", None),
            ("bytes=0-1,4-5", None),
            ("bytes=5-2", None),
            ("seconds=1-2", None),
        ] {
            assert_eq!(span(range, 100), expected, "{range}");
        }
    }
}
