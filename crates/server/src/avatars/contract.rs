//! The owner's contract for paid avatars: `avatar/contract/status` (contract 17.14).
//!
//! This server has no till and no page to sign on: its operator records a contract with `secondme user contract`.

use axum::extract::State;
use secondme_store::{Tx, params, sql};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::envelope::Envelope;
use crate::http::{Data, Reply};

/// How far a contract is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// There is none.
    NotSigned,
    /// It waits for a signature.
    Pending,
    /// It holds.
    Signed,
}

impl Status {
    const ALL: [Self; 3] = [Self::NotSigned, Self::Pending, Self::Signed];

    /// The word in the database and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotSigned => "NOT_SIGNED",
            Self::Pending => "PENDING",
            Self::Signed => "SIGNED",
        }
    }
}

/// The routes of contracts, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(status))
}

/// How far the caller's contract is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContractStatus {
    status: Status,
}

/// Whether the caller may offer paid avatars.
#[utoipa::path(get, path = "/secondme/avatar/contract/status", tag = "Avatar",
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<ContractStatus>)))]
async fn status(State(app): State<App>, auth: Auth<permissions::AvatarRead>) -> Reply<ContractStatus> {
    let mut tx = app.store().read().await?;
    Ok(Data(ContractStatus { status: status_in(&mut tx, auth.caller.user_id).await? }))
}

/// How far a user's contract is.
///
/// # Errors
/// `avatar.contract.status_failed` when what is stored is none of the three.
pub async fn status_in(tx: &mut Tx, user_id: i64) -> Result<Status> {
    let row = tx.opt(sql!("SELECT status FROM avatar_contracts WHERE user_id = $1"), params![user_id]).await?;
    let Some(row) = row else { return Ok(Status::NotSigned) };
    let word: String = row.get("status")?;
    let known = Status::ALL.into_iter().find(|status| status.word() == word);
    known.ok_or_else(|| ApiError::new(Code::AvatarContractFailed))
}

/// Records a contract.
///
/// # Errors
/// `resource.fetch.not_found` for an unknown address.
pub async fn record(app: &App, email: &str, status: Status) -> Result<()> {
    let mut tx = app.store().write().await?;
    let text = sql!(
        "INSERT INTO avatar_contracts (user_id, status, updated_at) SELECT id, $2, $3 FROM users WHERE email = $1
         ON CONFLICT (user_id) DO UPDATE SET status = $2, updated_at = $3"
    );
    if tx.run(text, params![email, status.word(), app.now()]).await? == 0 {
        return Err(ApiError::new(Code::NotFound).arg("user"));
    }
    tx.commit().await?;
    Ok(())
}
