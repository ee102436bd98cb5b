//! `GET /cdn/{name}`, from the root: files, for anybody who has the address. What is behind it never changes, and nothing in it runs.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use object_store::{GetRange, GetResult};

use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// The public addresses of files, from the root.
pub fn routes() -> Router<App> {
    Router::new().route("/cdn/{name}", get(file))
}

/// A file. Its name is the hash of its bytes, so it can be kept for ever. Whatever the bytes are, nothing in them runs.
async fn file(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    let absent = || ApiError::new(Code::RouteNotFound);
    let kind = super::media_type(&name).ok_or_else(absent)?;
    let tag = format!("\"{name}\"");
    let caching = [(CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()), (ETAG, tag.clone())];
    let given = |header: HeaderName| headers.get(header).and_then(|value| value.to_str().ok());
    let known = given(IF_NONE_MATCH);
    if known.is_some_and(|known| known.split(',').any(|t| t.trim().trim_start_matches("W/") == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let found = super::open(&app, &name, given(RANGE).and_then(span)).await?.ok_or_else(absent)?;
    let shown = if kind.starts_with("image/") { "inline" } else { "attachment" };
    let safety = [
        (CONTENT_TYPE, kind),
        (CONTENT_DISPOSITION, shown),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCEPT_RANGES, "bytes"),
    ];
    Ok((caching, safety, sent(found)).into_response())
}

/// The bytes, and which ones they are when they are not all.
fn sent(found: GetResult) -> Response {
    let (range, size) = (found.range.clone(), found.meta.size);
    let length = (range.end - range.start).to_string();
    let body = ([(CONTENT_LENGTH, length)], Body::from_stream(found.into_stream()));
    if range == (0..size) {
        return body.into_response();
    }
    let about = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
    (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, about)], body).into_response()
}

/// What a player asks for, when it is one span; anything else gets the whole file, as RFC 9110 allows.
fn span(range: &str) -> Option<GetRange> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.parse::<u64>().ok();
    match (from, to) {
        ("", last) => number(last).filter(|last| *last > 0).map(GetRange::Suffix),
        (from, "") => number(from).map(GetRange::Offset),
        (from, to) => {
            let (from, to) = (number(from)?, number(to)?);
            (from <= to).then(|| GetRange::Bounded(from..to.saturating_add(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::GetRange::{Bounded, Offset, Suffix};

    use super::span;

    #[test]
    fn players_get_the_part_they_ask_for() {
        for (range, expected) in [
            ("bytes=0-1", Some(Bounded(0..2))),
            ("bytes=90-", Some(Offset(90))),
            ("bytes=-10", Some(Suffix(10))),
            ("bytes=-0", None),
            ("bytes=0-1,4-5", None),
            ("bytes=5-2", None),
            ("bytes=-", None),
            ("seconds=1-2", None),
        ] {
            assert_eq!(span(range), expected, "{range}");
        }
    }
}
