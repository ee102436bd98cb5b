//! The query of an authorize request, read leniently, and the PKCE challenge in it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{ApiError, Problem, Result};
use crate::oauth::apps::{Application, ClientType};

/// The parameters that are known, decoded.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    /// As it was written.
    pub(super) raw_redirect_uri: String,
    pub(super) response_type: String,
    pub(super) scope: String,
    pub(super) state: Option<String>,
    pub(super) challenge: Challenge,
    /// What the tokens are asked for (RFC 8707).
    pub(super) resource: String,
    /// A parameter that appears twice.
    pub(super) twice: Option<String>,
}

/// The challenge of PKCE (RFC 7636).
#[derive(Clone, Debug, Default)]
pub struct Challenge {
    /// `code_challenge`.
    pub value: String,
    /// `code_challenge_method`.
    pub method: String,
}

impl Query {
    pub(super) fn parse(raw_query: &str) -> Self {
        let mut query = Self::default();
        let mut seen = Vec::new();
        for pair in raw_query.split('&') {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = decode(raw);
            match name {
                "client_id" => query.client_id = decoded,
                "redirect_uri" => (query.redirect_uri, query.raw_redirect_uri) = (decoded, raw.to_owned()),
                "response_type" => query.response_type = decoded,
                "scope" => query.scope = decoded,
                "state" => query.state = Some(decoded),
                "resource" => query.resource = decoded,
                "code_challenge" => query.challenge.value = decoded,
                "code_challenge_method" => query.challenge.method = decoded,
                _ => continue,
            }
            if seen.contains(&name) {
                query.twice = Some(name.to_owned());
            }
            seen.push(name);
        }
        query
    }
}

/// Percent-decodes one value of a query; `+` is a space.
fn decode(raw: &str) -> String {
    url::form_urlencoded::parse(format!("v={raw}").as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

impl Challenge {
    /// The challenge to keep with the code; empty when there is none. Public clients need one; `plain` protects nothing.
    ///
    /// # Errors
    /// `invalid.param`.
    pub fn checked(&self, client: &Application) -> Result<String> {
        if self.value.is_empty() {
            let needed = client.client_type == ClientType::Public || !self.method.is_empty();
            return if needed {
                Err(ApiError::invalid("code_challenge", &Problem::Required))
            } else {
                Ok(String::new())
            };
        }
        if self.method != "S256" {
            return Err(ApiError::invalid("code_challenge_method", &Problem::Expected("`S256`", " `S256`")));
        }
        match URL_SAFE_NO_PAD.decode(&self.value) {
            Ok(bytes) if bytes.len() == 32 => Ok(self.value.clone()),
            _ => {
                let expected = Problem::Expected("43 characters of URL-safe base64", " 43 个字符的 URL 安全 Base64");
                Err(ApiError::invalid("code_challenge", &expected))
            }
        }
    }
}
