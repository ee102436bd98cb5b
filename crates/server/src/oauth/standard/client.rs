//! The form of a standard endpoint and the client behind it: by HTTP Basic, by the form, or, for public clients, by name alone.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::OauthError;
use crate::app::App;
use crate::error::Code;
use crate::http::peer::Peer;
use crate::oauth::apps::{Application, ClientType};
use crate::oauth::grants::{OF_CODE, authenticate};

/// A form whose parameters appear once, and the client that sent it.
#[derive(Debug)]
pub struct Call {
    /// The parameters; those without a value count as absent.
    pub form: BTreeMap<String, String>,
    /// Who sent it.
    pub client: Application,
}

impl Call {
    /// A parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn required(&self, name: &str) -> Result<&str, OauthError> {
        let value = self.form.get(name).map(String::as_str);
        value.ok_or_else(|| OauthError::invalid_request(&format!("{name} is required")))
    }

    /// A parameter that may be there.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }

    /// Refuses clients that have no secret to prove themselves by.
    ///
    /// # Errors
    /// `invalid_client`.
    pub fn confidential(self) -> Result<Self, OauthError> {
        if self.client.client_type == ClientType::Confidential { Ok(self) } else { Err(OauthError::invalid_client()) }
    }
}

impl FromRequest<App> for Call {
    type Rejection = OauthError;

    async fn from_request(request: Request, app: &App) -> Result<Self, OauthError> {
        let (parts, body) = request.into_parts();
        let (peer, headers) = (Peer::of(&parts), parts.headers.clone());
        let bytes = Bytes::from_request(Request::from_parts(parts, body), app).await;
        let bytes = bytes.map_err(|_| OauthError::invalid_request("the body could not be read, or is too large"))?;
        let form = parse(&headers, &bytes)?;
        let (id, secret) = credentials(&headers, &form)?;
        let client =
            authenticate(app, &id, secret.as_deref(), OF_CODE, peer).await.map_err(|error| match error.code() {
                // A confidential client without its secret.
                Code::InvalidParam => OauthError::invalid_client(),
                _ => error.into(),
            })?;
        Ok(Self { form, client })
    }
}

fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<BTreeMap<String, String>, OauthError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/x-www-form-urlencoded" {
        return Err(OauthError::invalid_request("send application/x-www-form-urlencoded"));
    }
    let mut form = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty()) {
        if form.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(OauthError::invalid_request(&format!("{name} appears twice")));
        }
    }
    Ok(form)
}

/// Client id and secret. One way at a time (RFC 6749, 2.3).
fn credentials(headers: &HeaderMap, form: &BTreeMap<String, String>) -> Result<(String, Option<String>), OauthError> {
    let in_form = form.get("client_id").cloned();
    let Some(header) = headers.get(AUTHORIZATION) else {
        let id = in_form.ok_or_else(OauthError::invalid_client)?;
        return Ok((id, form.get("client_secret").cloned()));
    };
    let (id, secret) = header.to_str().ok().and_then(basic).ok_or_else(OauthError::invalid_client)?;
    if form.contains_key("client_secret") || in_form.is_some_and(|other| other != id) {
        return Err(OauthError::invalid_request("the client names itself in two ways"));
    }
    Ok((id, Some(secret)))
}

/// Id and secret of `Basic`, each form-encoded before they were joined.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, rest) = header.split_once(' ')?;
    let text = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(rest.trim()).ok()).flatten()?;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id), decoded(secret)))
}

fn decoded(text: &str) -> String {
    let form = format!("v={text}");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded_within() {
        let header = format!("Basic {}", STANDARD.encode("my%20id:se%3Acret%2B+x"));
        assert_eq!(basic(&header), Some(("my id".to_owned(), "se:cret+ x".to_owned())));
        assert_eq!(basic("Bearer abc"), None);
        assert_eq!(basic("Basic !"), None);
    }
}
