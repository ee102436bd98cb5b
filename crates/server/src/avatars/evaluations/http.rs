//! `avatar/{avatarId}/evaluations`, `avatar/evaluations/{runId}` and its report (contract 17.18).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Run, Wanted};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Path, Reply};

/// The routes of evaluations, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(status)).routes(routes!(report))
}

/// What to evaluate; an empty body will do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BeginEvaluation {
    /// `smoke`: three visitors; `full` (default): ten.
    mode: Option<String>,
    /// Default `owner_manual`.
    trigger_type: Option<String>,
    /// Calls with the same key give the same run.
    idempotency_key: Option<String>,
}

/// How far a run is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// `QUEUED`, `PLANNING`, `CONVERSING`, `JUDGING`, `COMPLETED` or `FAILED`.
    stage: String,
    percent: i64,
    total_personas: i64,
    completed_personas: i64,
    total_turns: i64,
    completed_turns: i64,
}

impl From<&Run> for Progress {
    fn from(run: &Run) -> Self {
        Self {
            stage: run.stage.clone(),
            percent: run.percent(),
            total_personas: run.total_personas,
            completed_personas: run.completed_personas,
            total_turns: run.total_turns,
            completed_turns: run.completed_turns,
        }
    }
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunObject {
    /// `ave_<yyyymmdd>_<hex>`
    run_id: String,
    /// The `avatarId`.
    avatar_mode_id: i64,
    /// `PENDING`, `RUNNING`, `SUCCEEDED` or `FAILED`.
    status: String,
    /// `smoke` or `full`.
    mode: &'static str,
    /// `LOW`, `MEDIUM` or `HIGH`: how much there is that the avatar can be like its owner by.
    evidence_level: String,
    error_code: Option<String>,
    error_message: Option<String>,
    progress: Progress,
    /// The public page of the report; whoever knows it can read it, until `expiresAt`.
    evaluation_url: String,
    /// Milliseconds.
    expires_at: i64,
}

impl RunObject {
    fn new(app: &App, run: Run) -> Self {
        Self {
            progress: Progress::from(&run),
            evaluation_url: run.url(app),
            avatar_mode_id: run.avatar_id,
            mode: run.mode.word(),
            run_id: run.run_id,
            status: run.status,
            evidence_level: run.evidence_level,
            error_code: run.error_code,
            error_message: run.error_message,
            expires_at: run.expires_at,
        }
    }
}

/// Begins an evaluation, or gives the one that is running. It costs nothing here but the model's time.
#[utoipa::path(post, path = "/secondme/avatar/{avatarId}/evaluations", tag = "Avatar", request_body = BeginEvaluation,
    params(("avatarId" = i64, Path)), security(("token" = ["avatar.write"])),
    responses((status = 200, body = Envelope<RunObject>)))]
async fn begin(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Path(avatar_id): Path<i64>,
    Body(body): Body<BeginEvaluation>,
) -> Reply<RunObject> {
    let wanted = Wanted { mode: body.mode, trigger_type: body.trigger_type, idempotency_key: body.idempotency_key };
    let run = super::begin(&app, auth.caller.user_id, avatar_id, &wanted).await?;
    Ok(Data(RunObject::new(&app, run)))
}

/// How far an evaluation is.
#[utoipa::path(get, path = "/secondme/avatar/evaluations/{runId}", tag = "Avatar", params(("runId" = String, Path)),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<RunObject>)))]
async fn status(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Path(run_id): Path<String>,
) -> Reply<RunObject> {
    let run = super::get(&app, auth.caller.user_id, &run_id).await?;
    Ok(Data(RunObject::new(&app, run)))
}

/// A finished evaluation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportObject {
    run_id: String,
    avatar_mode_id: i64,
    /// Recommendation, answers to the three questions, evidence, actions, and every conversation (contract 17.18).
    #[schema(value_type = Object)]
    report: Value,
}

/// The report of a finished evaluation.
#[utoipa::path(get, path = "/secondme/avatar/evaluations/{runId}/report", tag = "Avatar",
    params(("runId" = String, Path)),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<ReportObject>)))]
async fn report(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Path(run_id): Path<String>,
) -> Reply<ReportObject> {
    let (run, report) = super::report(&app, auth.caller.user_id, &run_id).await?;
    Ok(Data(ReportObject { run_id: run.run_id, avatar_mode_id: run.avatar_id, report }))
}
