//! Server-rendered pages: headers that a page needs, and errors shown as a page.

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
}

impl Page {
    /// Renders a template.
    pub fn new(template: &impl Template) -> Self {
        Self { status: StatusCode::OK, html: template.render(), form_action: String::new() }
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
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
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: https:; connect-src 'self'; \
             form-action 'self' {}; frame-ancestors 'none'; base-uri 'none'",
            self.form_action
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
    title: String,
    message: String,
    hint: String,
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
