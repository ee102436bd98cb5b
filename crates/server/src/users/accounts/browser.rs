//! What a browser sends along with a form: cookies, where the form came from, and the token that proves it was ours.

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use secondme_kit::secret::same;

use crate::app::App;
use crate::error::Lang;
use crate::http::page::{Frame, Page, PageError};

/// Asking for it refuses forms that another site sent (`Sec-Fetch-Site`, else `Origin`).
#[derive(Clone, Copy, Debug)]
pub struct OwnOrigin;

/// A form that did not come from a page of this server, or whose page is too old.
#[derive(Clone, Copy, Debug)]
pub struct FormRefused(pub Lang);

/// Why a form was not carried out, as a page.
#[derive(Debug)]
pub enum Refused {
    /// It is not ours.
    Form(FormRefused),
    /// What it asked for cannot be done.
    Page(PageError),
}

impl From<FormRefused> for Refused {
    fn from(refused: FormRefused) -> Self {
        Self::Form(refused)
    }
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Form(refused) => refused.into_response(),
            Self::Page(error) => error.into_response(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnOrigin {
    type Rejection = FormRefused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, FormRefused> {
        let host = header(&parts.headers, HOST.as_str()).or_else(|| parts.uri.authority().map(|a| a.as_str()));
        if is_own(&parts.headers, host) { Ok(Self) } else { Err(FormRefused(Lang::of(&parts.headers))) }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Browsers send `Origin: null` from our pages, because they ask for no referrer: that says nothing either way.
fn is_own(headers: &HeaderMap, host: Option<&str>) -> bool {
    if let Some(site) = header(headers, "sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match header(headers, ORIGIN.as_str()) {
        None | Some("null") => true,
        Some(origin) => origin.split_once("://").map(|(_, authority)| authority) == host,
    }
}

/// The token of the forms that are shown to the browser with this id.
pub(super) fn csrf(app: &App, id: &str) -> String {
    app.key().sign("csrf", id)
}

/// Refuses a form whose token is not `expected`.
pub(super) fn check_csrf(lang: Lang, expected: &str, given: Option<&str>) -> Result<(), FormRefused> {
    let given = given.unwrap_or_default();
    if same(expected.as_bytes(), given.as_bytes()) { Ok(()) } else { Err(FormRefused(lang)) }
}

/// A cookie of this server. Over https its name carries the prefix that keeps neighbouring hosts from setting it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookie {
    base: &'static str,
    max_age: Option<i64>,
}

/// The signed-in session. The browser keeps it as long as browsers do (400 days); the database says when it ends.
pub(super) const SESSION: Cookie = Cookie { base: "secondme_session", max_age: Some(34_560_000) };
/// What forms are bound to before there is a session; until the browser is closed.
pub(super) const GUEST: Cookie = Cookie { base: "secondme_guest", max_age: None };

impl Cookie {
    fn name(self, app: &App) -> String {
        let prefix = if is_https(app) { "__Host-" } else { "" };
        format!("{prefix}{}", self.base)
    }

    /// Its value in a request.
    pub(super) fn read<'h>(self, app: &App, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.name(app);
        let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
    }

    /// The header that sets it.
    pub(super) fn set(self, app: &App, value: &str) -> HeaderValue {
        self.header(app, value, self.max_age)
    }

    /// The header that removes it.
    pub(super) fn clear(self, app: &App) -> HeaderValue {
        self.header(app, "", Some(0))
    }

    fn header(self, app: &App, value: &str, max_age: Option<i64>) -> HeaderValue {
        let secure = if is_https(app) { "; Secure" } else { "" };
        let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(app));
        // Values are our own URL-safe base64, so this is always a header value.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

fn is_https(app: &App) -> bool {
    app.public_url().starts_with("https://")
}

#[derive(Template)]
#[template(path = "error.html")]
struct FormRefusedTemplate {
    lang: Lang,
    frame: Frame,
    title: &'static str,
    message: &'static str,
    hint: &'static str,
}

impl IntoResponse for FormRefused {
    fn into_response(self) -> Response {
        let Self(lang) = self;
        let template = FormRefusedTemplate {
            lang,
            frame: Frame::bare(lang),
            title: lang.pick("Please try once more", "请重试一次"),
            message: lang.pick("This form has expired, or it came from another site.", "表单已过期，或来自其他网站。"),
            hint: lang.pick(
                "Go back, reload the page and send it again. Cookies must be allowed for this site.",
                "请返回并刷新页面后重新提交。请允许本站使用 Cookie。",
            ),
        };
        Page::new(&template).status(StatusCode::FORBIDDEN).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect();
            is_own(&headers, Some("me.example:8787"))
        };
        assert!(own(&[]));
        assert!(own(&[("origin", "null")]));
        assert!(own(&[("origin", "http://me.example:8787")]));
        assert!(own(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("origin", "http://me.example")]));
        assert!(!own(&[("origin", "https://evil.example")]));
        assert!(!own(&[("origin", "http://me.example:8787"), ("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
    }
}
