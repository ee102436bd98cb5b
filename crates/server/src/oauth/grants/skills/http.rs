//! `POST auth/skills/token` (contract 3.2).

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PersonalToken;
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes of the skills login, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(exchange))
}

/// A code from the page `/auth/skills`, and the verifier whose hash was the challenge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillsCode {
    /// `lba_ac_…`.
    code: String,
    /// 43 characters in every known client.
    #[serde(alias = "code_verifier")]
    code_verifier: String,
}

/// Exchanges a skills code for a personal token.
#[utoipa::path(post, path = "/auth/skills/token", tag = "OAuth2", request_body = SkillsCode,
    security(()), responses((status = 200, body = Envelope<PersonalToken>)))]
async fn exchange(State(app): State<App>, Body(body): Body<SkillsCode>) -> Reply<PersonalToken> {
    Ok(Data(super::exchange(&app, body.code.trim(), &body.code_verifier).await?))
}
