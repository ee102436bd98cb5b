//! The grants: one file each. They share client authentication and the shape of the answer.

pub mod authorization_code;
pub mod client_credentials;
pub mod http;
pub mod refresh_token;
pub mod skills;

use serde::Serialize;
use utoipa::ToSchema;

use super::apps::{self, Application, ClientType};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::peer::Peer;

/// What every grant answers with (contract 2.4).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// `lba_at_…`.
    pub access_token: String,
    /// `lba_rt_…`; absent where the grant gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds that the access token lives.
    pub expires_in: i64,
    /// The scopes, spelled as requested.
    pub scope: Vec<String>,
}

/// Which errors a grant uses for bad client credentials (HOUSE-RULES "Client authentication failures").
#[derive(Clone, Copy, Debug)]
pub struct Refusals {
    unknown: Code,
    mismatch: Code,
}

/// Of the code and refresh grants.
pub const OF_CODE: Refusals = Refusals { unknown: Code::ClientInvalid, mismatch: Code::ClientSecretMismatch };
/// Of client credentials.
pub const OF_CLIENT: Refusals = Refusals { unknown: Code::InvalidClient, mismatch: Code::InvalidClient };

/// The app behind client credentials that came from `peer`. A public client has no secret, and may not claim to.
///
/// # Errors
/// As `refusals` say; the app's status when it is not approved.
pub async fn authenticate(
    app: &App,
    client_id: &str,
    client_secret: Option<&str>,
    refusals: Refusals,
    peer: Peer,
) -> Result<Application> {
    let client = apps::by_client_id(app.store(), client_id).await?.ok_or_else(|| ApiError::new(refusals.unknown))?;
    match (client.client_type, client_secret) {
        (ClientType::Public, None) => {}
        (ClientType::Confidential, None) => return Err(ApiError::invalid("client_secret", &Problem::Required)),
        (ClientType::Confidential, Some(secret)) if client.has_secret(app, secret) => {}
        (_, Some(_)) => return Err(ApiError::new(refusals.mismatch)),
    }
    if client.demo && !peer.is_loopback() {
        return Err(ApiError::new(Code::DemoElsewhere));
    }
    client.check_status()?;
    Ok(client)
}
