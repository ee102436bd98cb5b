//! `POST oauth/authorize/external` (contract 2.3): the consent page's call, for first-party clients.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Asked, Challenge};
use crate::access::{Auth, Kind, Requested, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes of the authorize request, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(external))
}

/// An authorize request made on behalf of a signed-in user. Snake-case names are accepted, too.
#[derive(Debug, Deserialize, ToSchema)]
pub struct External {
    #[serde(rename = "clientId", alias = "client_id")]
    client_id: String,
    #[serde(rename = "redirectUri", alias = "redirect_uri")]
    redirect_uri: String,
    /// A list of scopes, or one joined text.
    #[schema(value_type = Vec<String>)]
    scope: Option<Value>,
    /// Echoed unchanged.
    state: Option<String>,
    /// Of PKCE; public clients need it.
    #[serde(rename = "codeChallenge", alias = "code_challenge")]
    code_challenge: Option<String>,
    /// `S256`.
    #[serde(rename = "codeChallengeMethod", alias = "code_challenge_method")]
    code_challenge_method: Option<String>,
}

/// The code, and the state as it was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Issued {
    /// `lba_ac_…`, valid for five minutes, once.
    code: String,
    state: Option<String>,
}

/// Approves an app in the name of the signed-in user. Needs the user's personal token, not an app's.
#[utoipa::path(post, path = "/oauth/authorize/external", tag = "OAuth2", request_body = External,
    security(("token" = [])), responses((status = 200, body = Envelope<Issued>)))]
async fn external(
    State(app): State<App>,
    auth: Auth<permissions::AnyUser>,
    Body(body): Body<External>,
) -> Reply<Issued> {
    // An app must not be able to let in other apps, or widen its own scopes.
    if auth.caller.grant.kind != Kind::Personal {
        return Err(ApiError::new(Code::OauthTokenInvalid).arg("approving an app needs the user's own session token"));
    }
    let challenge = Challenge {
        value: body.code_challenge.unwrap_or_default(),
        method: body.code_challenge_method.unwrap_or_default(),
    };
    let asked = Asked { scopes: scopes(body.scope.as_ref())?, state: body.state, challenge };
    let request = super::request(app.store(), &body.client_id, (&body.redirect_uri, None), asked).await?;
    let code = super::issue_code(&app, auth.caller.user_id, &request).await?;
    Ok(Data(Issued { code, state: request.state }))
}

fn scopes(value: Option<&Value>) -> Result<Requested> {
    match value {
        None | Some(Value::Null) => Ok(Requested::default()),
        Some(Value::String(text)) => Requested::parse(text),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
            Requested::from_names(names.iter().filter_map(Value::as_str))
        }
        Some(_) => Err(ApiError::invalid("scope", &Problem::Expected("a list of scope names", "权限名称列表"))),
    }
}
