//! What happens around every request: its id, its path made canonical, its errors written, its line in the log, its metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tracing::Instrument;

use crate::app::App;
use crate::error::{ApiError, Code, Lang, render};
use crate::http::page::{PageError, flash, is_for_people};
use crate::http::trace::{Facts, Seen, Trace, redacted_query, unquoted};
use crate::telemetry::traces;

/// The header that carries the request's id, in requests and in every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being answered, for rules that keep it.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// What is kept of a path or a header for the inspector.
const TRACED_CHARS: usize = 200;

/// Any origin may call; no credentials of the browser come with it.
pub fn open_cors() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(AllowHeaders::mirror_request()).expose_headers(
        [
            REQUEST_ID,
            RETRY_AFTER,
            HeaderName::from_static("content-type"),
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
        ],
    )
}

/// Around everything: request id, error rendering, one log line, metrics.
pub async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id(&app, &request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let lang = Lang::of(request.headers());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let people = is_for_people(request.uri().path(), request.headers());
    let flash = flash::is_waiting(request.headers());
    let traced = traced(&app, &mut request);
    let span = traces::request(&app.config().traces, &request, route, &id);
    let mut response = wrong_method(next.run(request).instrument(span.clone()).await);
    let refused = traced.as_ref().and_then(|_| response.extensions().get::<ApiError>().cloned());
    if people {
        response = as_page(response, lang, flash);
    }
    render(&mut response, &method, lang, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    traces::answered(&span, status);
    let seconds = start.elapsed().as_secs_f64();
    tracing::info!(request_id = id, %method, route, status, ms = (seconds * 1e6).round() / 1e3, "request");
    app.metrics().request(&method, route, status, seconds);
    if let Some((trace, seen)) = traced {
        let facts = trace.facts();
        let sub_code = refused.as_ref().map_or("", |error| error.code().row().sub_code);
        let message = refused.map(|error| unquoted(&error.message(Lang::En))).unwrap_or_default();
        let micros = i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX);
        let route = route.to_owned();
        app.inspector().note(&app, Seen { facts, request_id: id, route, status, sub_code, message, micros, ..seen });
    }
    response
}

/// For people: an error becomes a page, and a page has shown what the last form led to.
fn as_page(mut response: Response, lang: Lang, flash: bool) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        return PageError::new(lang, error, "").into_response();
    }
    let html = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if flash && html && response.status().is_success() {
        flash::shown(&mut response);
    }
    response
}

/// For requests that an app may have made: a place for notes about it, and what is known of it now.
fn traced(app: &App, request: &mut Request) -> Option<(Trace, Seen)> {
    let path = request.uri().path();
    if !app.config().inspector.enabled || !(path.starts_with("/gate/") || path.starts_with("/oauth2/")) {
        return None;
    }
    let header = |name| {
        let value = request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        value.chars().take(TRACED_CHARS).collect::<String>()
    };
    let seen = Seen {
        facts: Facts::default(),
        request_id: String::new(),
        at: app.now(),
        method: request.method().as_str().to_owned(),
        route: String::new(),
        path: path.chars().take(TRACED_CHARS).collect(),
        query: request.uri().query().map(redacted_query).unwrap_or_default(),
        media: header(CONTENT_TYPE),
        agent: header(USER_AGENT),
        status: 0,
        sub_code: "",
        message: String::new(),
        micros: 0,
    };
    let trace = Trace::default();
    request.extensions_mut().insert(trace.clone());
    Some((trace, seen))
}

/// A client's own id is kept when it is short and plain, so that it can be found in both logs.
fn request_id(app: &App, request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok());
    match given {
        Some(id)
            if (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) =>
        {
            id.to_owned()
        }
        _ => app.entropy().alphanumeric(16),
    }
}

/// Before routing: duplicate and trailing slashes are dropped without a redirect, which would lose the Authorization header.
pub fn canonical_path(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.contains("//") || (path.len() > 1 && path.ends_with('/')) {
        let mut canonical = String::with_capacity(path.len());
        for part in path.split('/').filter(|part| !part.is_empty()) {
            canonical.push('/');
            canonical.push_str(part);
        }
        if canonical.is_empty() {
            canonical.push('/');
        }
        if let Some(query) = request.uri().query() {
            canonical.push('?');
            canonical.push_str(query);
        }
        if let Ok(uri) = canonical.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// A handler that panicked: the error envelope, and the panic in the log.
pub fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "a handler panicked");
    ApiError::new(Code::Internal).into_response()
}

/// Unknown paths.
pub async fn not_found() -> ApiError {
    ApiError::new(Code::RouteNotFound)
}

/// Known paths with another method: axum's bare 405 becomes an error of the table; axum itself adds the `Allow` header.
fn wrong_method(response: Response) -> Response {
    let bare = response.extensions().get::<ApiError>().is_none() && !response.headers().contains_key(CONTENT_TYPE);
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && bare {
        return ApiError::new(Code::MethodNotAllowed).into_response();
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn paths_become_canonical() {
        let canonical = |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            canonical_path(request).uri().to_string()
        };
        assert_eq!(canonical("//gate//lab/api/"), "/gate/lab/api");
        assert_eq!(canonical("/oauth/?client_id=a//b"), "/oauth?client_id=a//b");
        assert_eq!(canonical("/"), "/");
        assert_eq!(canonical("///"), "/");
    }
}
