//! `GET /v1/models`: what can be asked.

use axum::Json;
use axum::extract::{Path, State};
use secondme_llm::ModelStatus;
use serde_json::{Value, json};

use super::{OpenAiError, speech};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::chat::models::ModelName;
use crate::error::ApiError;
use crate::voice;

/// 2026-05-15 in seconds: since then the two names exist (seed 000).
const SINCE: i64 = 1_778_803_200;

type Access = std::result::Result<Auth<permissions::ChatWrite>, ApiError>;

fn known(app: &App) -> Vec<String> {
    let mut known: Vec<String> = [ModelName::Nano, ModelName::Pro].map(|name| name.as_str().to_owned()).into();
    known.extend(app.embedder().filter(|e| e.status() == ModelStatus::Ready).map(|e| e.name().to_owned()));
    known.extend(voice::speaks(app).then(|| speech::MODEL.to_owned()));
    known
}

fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": SINCE, "owned_by": "secondme"})
}

/// The two models of the avatar, the one that makes vectors, and the one that speaks.
pub(super) async fn list(State(app): State<App>, access: Access) -> Result<Json<Value>, OpenAiError> {
    access?;
    let data: Vec<Value> = known(&app).iter().map(|id| model(id)).collect();
    Ok(Json(json!({"object": "list", "data": data})))
}

/// One of them.
pub(super) async fn show(
    State(app): State<App>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, OpenAiError> {
    access?;
    let id = known(&app).into_iter().find(|known| *known == id).ok_or_else(OpenAiError::unknown_model)?;
    Ok(Json(model(&id)))
}
