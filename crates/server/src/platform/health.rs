//! `/healthz` (the process lives), `/readyz` (it can serve), `/metrics` (Prometheus).

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use secondme_llm::ModelStatus;
use serde_json::{Value, json};

use crate::app::App;
use crate::chat::models::ModelName;

/// The routes for operators.
pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

async fn alive() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// 200 when the database answers and both models can be asked (a model that is being loaded can: requests wait for it).
async fn ready(State(app): State<App>) -> impl IntoResponse {
    let database = app.store().ping().await;
    if let Err(error) = &database {
        tracing::warn!(cause = %error, "not ready: the database does not answer");
    }
    let [nano, pro] = [ModelName::Nano, ModelName::Pro].map(|name| app.models().get(name).status());
    let usable = |status: &ModelStatus| !matches!(status, ModelStatus::Failed(_));
    let downloaded = app.models().are_present();
    let ok = database.is_ok() && usable(&nano) && usable(&pro) && downloaded && !app.stopping().is_cancelled();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": ok,
        "database": if database.is_ok() { "ok" } else { "unreachable" },
        "models": {"nano": word(&nano), "pro": word(&pro), "present": downloaded},
        "stopping": app.stopping().is_cancelled(),
    });
    (status, Json(body))
}

fn word(status: &ModelStatus) -> &str {
    match status {
        ModelStatus::Loading => "loading",
        ModelStatus::Ready => "ready",
        ModelStatus::Failed(why) => why,
    }
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics().render())
}
