//! `/skills/…`, `/apps/available`, `/mcp/{integrationKey}/rpc`: released skills of apps (contract 20, rows 119–122).

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

use super::agent::Agent;
use crate::app::App;
use crate::error::Result;
use crate::http::{Body, Data, Path, Query, Reply};
use crate::integrations::extensions;
use crate::integrations::extensions::http::{
    AppsQuery, FlatSkill, RpcBody, SkillAppList, SkillDetail, flat, page, show,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/skills/available", get(available))
        .route("/apps/available", get(apps))
        .route("/skills/{skill_key}", get(detail))
        .route("/mcp/{integration_key}/rpc", post(rpc))
}

async fn available(State(app): State<App>, _: Agent) -> Reply<Vec<FlatSkill>> {
    flat(&app).await.map(Data)
}

async fn apps(State(app): State<App>, _: Agent, Query(query): Query<AppsQuery>) -> Reply<SkillAppList> {
    page(&app, &query).await.map(Data)
}

async fn detail(State(app): State<App>, _: Agent, Path(key): Path<String>) -> Reply<SkillDetail> {
    show(&app, &key).await.map(Data)
}

/// Tokens of this gateway are good for nothing else, so they are never handed on to an app.
async fn rpc(
    State(app): State<App>,
    Agent(caller): Agent,
    Path(key): Path<String>,
    Body(body): Body<RpcBody>,
) -> Result<Json<Value>> {
    Ok(Json(extensions::rpc(&app, caller.user_id, &key, None, body.read()?).await?))
}
