//! `/v1`: the user's avatar as a model for any client of OpenAI's API. On the same prompts, memories and guarantees as `chat/stream` and `act/stream`;
//! the conversation is the client's own, so nothing of it is stored.
//!
//! Errors have OpenAI's shape on these paths, and nowhere else.

mod completions;
mod embeddings;
mod error;
mod frames;
mod messages;
mod models;
mod speech;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;
use crate::config::Config;
use crate::error::{ApiError, Code};
use crate::http::layers;

use error::OpenAiError;

/// The endpoint, from the root. Clients in browsers call it from anywhere; it takes no cookies.
pub fn routes(config: &Config) -> Router<App> {
    let routes = Router::new()
        .route("/chat/completions", post(completions::create))
        .route("/embeddings", post(embeddings::create))
        .route("/audio/speech", post(speech::create))
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::show))
        .fallback(|| async { OpenAiError::from(ApiError::new(Code::RouteNotFound)) })
        .method_not_allowed_fallback(|| async { OpenAiError::from(ApiError::new(Code::MethodNotAllowed)) })
        .layer(DefaultBodyLimit::max(config.server.body_max_bytes))
        .layer(layers::open_cors());
    Router::new().nest("/v1", routes)
}
