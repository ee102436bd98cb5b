//! From configuration to running models; files that are not here yet are fetched while the server already listens.

use std::path::PathBuf;
use std::sync::Arc;

use secondme_llm::catalogue::{self, Progress};
use secondme_llm::{ChatModel, ModelSpec, UpstreamOptions};

use super::progress::Bar;
use super::{open, say};
use crate::app::App;
use crate::chat::models::{Models, Place, Supply, supply};
use crate::config::{Config, Model};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The models of a server, and what is left to fetch for them.
pub(super) struct Opened {
    pub(super) models: Models,
    /// The model behind nano, when it is of the catalogue and not here yet.
    wanted: Option<String>,
    /// The same for pro, when it is another one.
    missing: Option<Missing>,
}

/// A model of the catalogue whose file is not here yet.
struct Missing {
    place: Arc<Place>,
    model: Model,
}

/// Opens both models; returns at once, files are loaded in the background. `chosen`: the model of the catalogue that the
/// operator chose in place of the configured nano.
pub(super) fn open(config: &Config, chosen: Option<&str>) -> Result<Opened> {
    let configured = &config.models.nano;
    let wanted = chosen.unwrap_or(&configured.model);
    let (nano, supply) = if is_of_catalogue(configured) {
        let place = Arc::new(Place::new(configured.context_tokens));
        let supply = Supply::new(open::model_cache(), configured.clone(), Arc::clone(&place), wanted);
        let is_missing = fill(&place, &Model { model: wanted.to_owned(), ..configured.clone() })?;
        (place as Arc<dyn ChatModel>, Some((supply.showing(bar), is_missing)))
    } else {
        (open_file(configured)?, None)
    };
    let (pro, missing) = open_pro(&config.models.pro, &nano)?;
    let models = Models::new(nano, pro);
    let mut nano_is_missing = false;
    if let Some((supply, is_missing)) = supply {
        nano_is_missing = is_missing;
        models.set_supply(supply);
    }
    models.set_present(!nano_is_missing && missing.is_none());
    Ok(Opened { models, wanted: nano_is_missing.then(|| wanted.to_owned()), missing })
}

fn open_pro(model: &Model, nano: &Arc<dyn ChatModel>) -> Result<(Arc<dyn ChatModel>, Option<Missing>)> {
    if model.kind.is_empty() {
        return Ok((Arc::clone(nano), None));
    }
    if !is_of_catalogue(model) {
        return Ok((open_file(model)?, None));
    }
    let place = Arc::new(Place::new(model.context_tokens));
    let missing = fill(&place, model)?.then(|| Missing { place: Arc::clone(&place), model: model.clone() });
    Ok((place, missing))
}

/// Puts a model of the catalogue in its place; whether its file is missing.
fn fill(place: &Place, model: &Model) -> Result<bool> {
    let entry = catalogue::find(&model.model)?;
    let cache = open::model_cache();
    if catalogue::is_present(entry, &cache) {
        drop(place.fill(secondme_llm::open(&supply::embedded(model, &entry.path(&cache)))?));
        return Ok(false);
    }
    place.tell(format!("{} is being fetched", entry.name));
    Ok(true)
}

/// A model that is not of the catalogue.
fn open_file(model: &Model) -> Result<Arc<dyn ChatModel>> {
    let spec = match model.kind.as_str() {
        "echo" => ModelSpec::Echo,
        "openai" => ModelSpec::Upstream(upstream(model)),
        _ => {
            let path = PathBuf::from(&model.model);
            if !path.is_file() {
                return Err(format!("there is no model file {}", path.display()).into());
            }
            supply::embedded(model, &path)
        }
    };
    Ok(secondme_llm::open(&spec)?)
}

/// Names of the catalogue have neither a slash nor the ending of a file.
pub(super) fn is_of_catalogue(model: &Model) -> bool {
    let is_path = model.model.contains(['/', '\\']) || model.model.ends_with(".gguf");
    !matches!(model.kind.as_str(), "echo" | "openai") && !is_path
}

fn upstream(model: &Model) -> UpstreamOptions {
    UpstreamOptions {
        base_url: model.base_url.clone(),
        model: model.model.clone(),
        api_key: model.api_key.clone(),
        context_tokens: model.context_tokens,
        vision: model.vision,
        json_schema: true,
        tools: model.tools,
        connect_timeout_ms: model.connect_seconds * 1_000,
        first_token_timeout_ms: model.first_token_seconds * 1_000,
        idle_timeout_ms: model.idle_seconds * 1_000,
        max_concurrent: model.max_concurrent,
    }
}

fn bar() -> Box<dyn Progress> {
    Box::new(Bar::new())
}

impl Opened {
    /// Fetches what is missing, with a progress bar, and puts it in its place.
    ///
    /// # Errors
    /// What the operator can do when no source worked; the server goes on without the model.
    pub(super) async fn fetch(self, app: &App) -> std::result::Result<(), String> {
        if let Some(name) = &self.wanted {
            say(&format!("Fetching the model {name}, once."));
            supply::supply(app, name).await?;
        }
        if let Some(missing) = self.missing {
            fetch_pro(app, missing).await?;
        }
        app.models().set_present(true);
        Ok(())
    }
}

async fn fetch_pro(app: &App, Missing { place, model }: Missing) -> std::result::Result<(), String> {
    say(&format!("Fetching the model {}, once.", model.model));
    let name = model.model.clone();
    let pulled = tokio::task::spawn_blocking(move || catalogue::pull(&name, &open::model_cache(), &Bar::new()));
    let pulled = tokio::select! {
        pulled = pulled => pulled.map_err(|e| e.to_string())?,
        () = app.stopping().cancelled() => {
            return Err("stopped while a model was being fetched; the next start goes on from there".into());
        }
    };
    let opened = pulled
        .map_err(|e| e.to_string())
        .and_then(|path| secondme_llm::open(&supply::embedded(&model, &path)).map_err(|e| e.to_string()));
    match opened {
        Ok(real) => drop(place.fill(real)),
        Err(problem) => {
            place.fail(problem.clone());
            return Err(problem);
        }
    }
    Ok(())
}
