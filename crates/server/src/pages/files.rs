//! Static files, embedded in the binary.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secondme_kit::secret::sha256;

use crate::app::App;
use crate::error::{ApiError, Code};

struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: &[File] = &[
    File { name: "secondme.css", kind: "text/css; charset=utf-8", text: include_str!("../../static/secondme.css") },
    File { name: "page.js", kind: JAVASCRIPT, text: include_str!("../../static/page.js") },
    File { name: "chat.js", kind: JAVASCRIPT, text: include_str!("../../static/chat.js") },
    File { name: "visitor.js", kind: JAVASCRIPT, text: include_str!("../../static/visitor.js") },
    File { name: "said.js", kind: JAVASCRIPT, text: include_str!("../../static/said.js") },
    File { name: "hub.js", kind: JAVASCRIPT, text: include_str!("../../static/hub.js") },
    // HTML over the wire, unchanged; 0BSD, its licence lies beside it.
    File { name: "htmx.js", kind: JAVASCRIPT, text: include_str!("../../static/vendor/htmx-2.0.11.min.js") },
    File { name: "try.js", kind: JAVASCRIPT, text: include_str!("../../static/try.js") },
    File { name: "icon.svg", kind: "image/svg+xml", text: include_str!("../../static/icon.svg") },
];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/static/{name}", get(file))
}

/// A file under its name. Browsers keep it for five minutes and then ask whether it has changed.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let file = FILES.iter().find(|file| file.name == name).ok_or_else(|| ApiError::new(Code::RouteNotFound))?;
    let tag = format!("\"{}\"", hex::encode(&sha256(file.text.as_bytes())[..8]));
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh =
        known.is_some_and(|known| known == "*" || known.split(',').any(|t| t.trim().trim_start_matches("W/") == tag));
    let caching = [(CACHE_CONTROL, "public, max-age=300".to_owned()), (ETAG, tag)];
    if fresh {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(CONTENT_TYPE, file.kind), (X_CONTENT_TYPE_OPTIONS, "nosniff")], file.text).into_response())
}
