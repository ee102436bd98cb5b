//! A sentence that survives one redirect: what a form led to, in a signed cookie that the next page shows and takes away.
//!
//! Invariant: the text was written by this server; a cookie that somebody else planted is not shown.

use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secondme_kit::secret::same;

use crate::app::App;

const NAME: &str = "secondme_flash";
/// Browsers refuse cookies above 4 KB.
const MAX_CHARS: usize = 600;

/// What the last form led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// Whether it worked.
    pub good: bool,
    /// A sentence.
    pub text: String,
}

impl Flash {
    /// It worked.
    pub fn good(text: impl Into<String>) -> Self {
        Self { good: true, text: text.into() }
    }

    /// It did not work, and why.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { good: false, text: text.into() }
    }

    /// What a request's cookie says.
    pub fn of(app: &App, headers: &HeaderMap) -> Option<Self> {
        let (body, signature) = cookie(headers)?.rsplit_once('.')?;
        let expected = app.key().sign("flash", body);
        if !same(expected.as_bytes(), signature.as_bytes()) {
            return None;
        }
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let good = text.starts_with('+');
        Some(Self { good, text: text.get(1..)?.to_owned() })
    }

    /// To another page, which shows the sentence.
    pub fn on(&self, app: &App, to: &str) -> Response {
        let text: String = self.text.chars().take(MAX_CHARS).collect();
        let body = URL_SAFE_NO_PAD.encode(format!("{}{text}", if self.good { '+' } else { '-' }));
        let value = format!("{body}.{}", app.key().sign("flash", &body));
        let secure = if app.public_url().starts_with("https://") { "; Secure" } else { "" };
        let mut response = see_other(to);
        let cookie = format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// To another page, which is fetched with GET.
pub fn see_other(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == NAME && !value.is_empty()).map(|(_, value)| value)
}

/// Whether a request carries a sentence.
pub fn is_waiting(headers: &HeaderMap) -> bool {
    cookie(headers).is_some()
}

/// Takes the sentence away from the browser, because a page has shown it.
pub fn shown(response: &mut Response) {
    let gone = HeaderValue::from_static("secondme_flash=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().append(SET_COOKIE, gone);
}
