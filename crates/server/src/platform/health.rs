//! `/healthz` (the process lives), `/readyz` (it can serve), `/metrics` (Prometheus).

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use secondme_llm::ModelStatus;
use secondme_store::Troubles;
use serde_json::{Value, json};

use super::clock;
use crate::app::App;
use crate::chat::{self, models::ModelName};
use crate::users::uploads;

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

/// What parts of the server that stand elsewhere refused, by the reason.
fn refusals(app: &App) {
    let metrics = app.metrics();
    let Troubles { busy, away, read_only, full } = secondme_store::troubles();
    for (kind, count) in [("busy", busy), ("away", away), ("read_only", read_only), ("full", full)] {
        metrics.count_kind("secondme_database_refused_total", kind, count);
    }
    for (kind, count) in chat::refusals() {
        metrics.count_kind("secondme_model_refused_total", kind, count);
    }
    metrics.count("secondme_objects_failed_total", uploads::failures());
    metrics.count("secondme_clock_jumps_total", clock::jumps());
}

fn word(status: &ModelStatus) -> &str {
    match status {
        ModelStatus::Loading => "loading",
        ModelStatus::Ready => "ready",
        ModelStatus::Failed(why) => why,
    }
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let gauge = |name, value: i64| app.metrics().gauge(name, value as f64);
    gauge("secondme_http_in_flight", app.limits().in_flight());
    gauge("secondme_bus_dropped", app.bus().dropped().try_into().unwrap_or(i64::MAX));
    let database = secondme_store::usage();
    app.metrics().count("secondme_database_reads_total", database.reads);
    app.metrics().count("secondme_database_writes_total", database.writes);
    app.metrics().count("secondme_database_statements_total", database.statements);
    gauge("secondme_bus_away", app.bus().is_away().into());
    refusals(&app);
    // A database that is away is news, too.
    match secondme_jobs::counts(app.store()).await {
        Ok(counts) => {
            let oldest = counts.iter().filter_map(|c| c.oldest).min();
            let late = oldest.map_or(0, |at| (app.now() - at).max(0) / 1_000);
            gauge("secondme_database_up", 1);
            gauge("secondme_jobs_pending", counts.iter().map(|c| c.pending).sum());
            gauge("secondme_jobs_running", counts.iter().map(|c| c.running).sum());
            gauge("secondme_jobs_dead", counts.iter().map(|c| c.dead).sum());
            gauge("secondme_jobs_late_seconds", late);
        }
        Err(error) => {
            tracing::warn!(cause = %error, "the metrics are without jobs: the database does not answer");
            gauge("secondme_database_up", 0);
        }
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics().render())
}
