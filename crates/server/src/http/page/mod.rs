//! Server-rendered pages: headers that a page needs, what stands around it, and errors shown as a page.

pub mod flash;
pub mod frame;
pub mod icons;

pub use flash::Flash;
pub use frame::{Frame, Viewer};

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, Lang};

/// A rendered page with its status and security headers.
#[derive(Debug)]
pub struct Page {
    status: StatusCode,
    html: Result<String, askama::Error>,
    form_action: String,
    framed: bool,
}

impl Page {
    /// Renders a template.
    pub fn new(template: &impl Template) -> Self {
        Self { status: StatusCode::OK, html: template.render(), form_action: String::new(), framed: false }
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Lets other sites show this page in a frame: the chat widget, and nothing else.
    #[must_use]
    pub fn may_be_framed(mut self) -> Self {
        self.framed = true;
        self
    }

    /// Lets forms of this page end at the web address or app behind `url`. Browsers apply `form-action` to every redirect after
    /// a form, also to the app's own ones behind its redirect URI, which we cannot know: so any web address must do.
    #[must_use]
    pub fn form_may_lead_to(mut self, url: &url::Url) -> Self {
        self.form_action = match url.scheme() {
            "http" | "https" => "http: https:".to_owned(),
            scheme => format!("http: https: {scheme}:"),
        };
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let html = match self.html {
            Ok(html) => html,
            Err(error) => return ApiError::internal(error).into_response(),
        };
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
             connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self' {}; frame-ancestors {}; \
             base-uri 'none'",
            self.form_action,
            if self.framed { "*" } else { "'none'" }
        );
        let mut response = (self.status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate {
    lang: Lang,
    frame: Frame,
    title: String,
    message: String,
    hint: String,
}

/// Whether a request comes from a person's browser that goes to a page, and not from a script or an app.
pub fn is_for_people(path: &str, headers: &axum::http::HeaderMap) -> bool {
    let accept = headers.get(axum::http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html") && !path.starts_with("/gate/") && !headers.contains_key("hx-request")
}

/// An error shown to a person: what happened, and what they or the app's developer can do.
#[derive(Debug)]
pub struct PageError {
    lang: Lang,
    error: ApiError,
    hint: String,
}

impl PageError {
    /// A page for `error`, with a sentence of help (may be empty).
    pub fn new(lang: Lang, error: ApiError, hint: impl Into<String>) -> Self {
        Self { lang, error, hint: hint.into() }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Some(cause) = self.error.cause() {
            tracing::error!(sub_code = self.error.code().row().sub_code, %cause, "page failed");
        }
        let status = StatusCode::from_u16(self.error.code().row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let template = ErrorTemplate {
            lang: self.lang,
            frame: Frame::bare(self.lang),
            title: self.lang.pick("That did not work", "操作未完成").to_owned(),
            message: self.error.message(self.lang),
            hint: self.hint,
        };
        let mut response = Page::new(&template).status(status).into_response();
        if let Some(seconds) = self.error.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
