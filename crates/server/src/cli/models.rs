//! From configuration to running models; files that are not here yet are fetched while the server already listens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secondme_llm::catalogue::{self, Phase, Progress};
use secondme_llm::{ChatModel, EmbeddedOptions, ModelSpec, UpstreamOptions};

use super::progress::Bar;
use super::{open, say};
use crate::app::App;
use crate::chat::models::{Models, Pending};
use crate::config::{Config, Model};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The models of a server, and what is left to fetch for them.
pub(super) struct Opened {
    pub(super) models: Models,
    missing: Vec<Missing>,
}

/// A model of the catalogue whose file is not here yet.
struct Missing {
    place: Arc<Pending>,
    model: Model,
}

/// Opens both models; returns at once, files are loaded in the background.
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

fn open_one(model: &Model, missing: &mut Vec<Missing>) -> Result<Arc<dyn ChatModel>> {
    let spec = match model.kind.as_str() {
        "echo" => ModelSpec::Echo,
        "openai" => ModelSpec::Upstream(upstream(model)),
        _ if is_path(&model.model) => {
            let path = PathBuf::from(&model.model);
            if !path.is_file() {
                return Err(format!("there is no model file {}", path.display()).into());
            }
            embedded(model, &path)
        }
        _ => {
            let entry = catalogue::find(&model.model)?;
            let cache = open::model_cache();
            if !catalogue::is_present(entry, &cache) {
                let place = Arc::new(Pending::new(model.context_tokens));
                place.tell(format!("{} is being fetched", entry.name));
                missing.push(Missing { place: Arc::clone(&place), model: model.clone() });
                return Ok(place);
            }
            embedded(model, &entry.path(&cache))
        }
    };
    Ok(secondme_llm::open(&spec)?)
}

/// Names of the catalogue have neither a slash nor the ending of a file.
fn is_path(model: &str) -> bool {
    model.contains(['/', '\\']) || model.ends_with(".gguf")
}

fn embedded(model: &Model, path: &Path) -> ModelSpec {
    ModelSpec::Embedded(EmbeddedOptions {
        context_tokens: model.context_tokens,
        slots: model.slots,
        queue: model.queue,
        decode_threads: model.decode_threads,
        prompt_threads: model.prompt_threads,
        ..EmbeddedOptions::new(path)
    })
}

fn upstream(model: &Model) -> UpstreamOptions {
    UpstreamOptions {
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
    }
}

impl Opened {
    /// Fetches what is missing, with a progress bar, and puts it in its place.
    ///
    /// # Errors
    /// What the operator can do when no source worked; the server goes on without the model.
    pub(super) async fn fetch(self, app: &App) -> std::result::Result<(), String> {
        for Missing { place, model } in self.missing {
            let told = Arc::clone(&place);
            let name = model.model.clone();
            let stopping = app.stopping().clone();
            let pulled = tokio::task::spawn_blocking(move || {
                say(&format!("Fetching the model {name}, once."));
                catalogue::pull(&name, &open::model_cache(), &Telling { bar: Bar::new(), place: told })
            });
            let pulled = tokio::select! {
                pulled = pulled => pulled.map_err(|e| e.to_string())?,
                () = stopping.cancelled() => return Err("stopped while a model was being fetched; the next start goes on from there".into()),
            };
            let opened = pulled
                .map_err(|e| e.to_string())
                .and_then(|path| secondme_llm::open(&embedded(&model, &path)).map_err(|e| e.to_string()));
            match opened {
                Ok(real) => place.fill(real),
                Err(problem) => {
                    place.fail(problem.clone());
                    return Err(problem);
                }
            }
        }
        app.models().set_present(true);
        Ok(())
    }
}

/// Shows progress in the terminal, and tells it to those who ask the model meanwhile.
struct Telling {
    bar: Bar,
    place: Arc<Pending>,
}

impl Progress for Telling {
    fn phase(&self, phase: Phase) {
        self.bar.phase(phase);
    }

    fn bytes(&self, done: u64, total: u64) {
        self.place.tell(format!("it is being fetched, {} % are here", done * 100 / total.max(1)));
        self.bar.bytes(done, total);
    }
}
