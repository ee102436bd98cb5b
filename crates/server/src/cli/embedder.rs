//! The embedder of memories: opened, or fetched first, while the server already answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secondme_llm::{EmbeddedEmbedder, Embedder, ModelError, UpstreamEmbedder, catalogue};

use super::{complain, open, say};
use crate::app::App;

/// Puts the configured embedder into the app, if there is one. Without it memories are found by their words.
pub(super) async fn open(app: App) {
    if let Err(problem) = put(&app).await {
        complain(&format!("Memories are found by their words alone: {problem}"));
    }
}

async fn put(app: &App) -> Result<(), String> {
    let config = &app.config().recall;
    let opened = if config.embedder.is_empty() {
        return Ok(());
    } else if !config.embedder_url.is_empty() {
        let upstream = UpstreamEmbedder::new(&config.embedder_url, &config.embedder, config.embedder_key.clone());
        upstream.map(|embedder| Arc::new(embedder) as Arc<dyn Embedder>)
    } else {
        embedded(&file(app).await?, config.embedder_threads)
    };
    app.set_embedder(opened.map_err(|e| e.to_string())?);
    Ok(())
}

fn embedded(path: &Path, threads: usize) -> Result<Arc<dyn Embedder>, ModelError> {
    Ok(Arc::new(EmbeddedEmbedder::open(path, threads)?))
}

/// The model's file; one of the catalogue is fetched when it is not here.
async fn file(app: &App) -> Result<PathBuf, String> {
    let name = app.config().recall.embedder.clone();
    if name.contains(['/', '\\']) || name.ends_with(".gguf") {
        return Ok(PathBuf::from(name));
    }
    let entry = catalogue::find(&name).map_err(|e| e.to_string())?;
    let cache = open::model_cache();
    if catalogue::is_present(entry, &cache) {
        return Ok(entry.path(&cache));
    }
    say(&format!("Fetching the embedder {name}, once."));
    let pulled = tokio::task::spawn_blocking(move || catalogue::pull(&name, &cache, &()));
    tokio::select! {
        pulled = pulled => pulled.map_err(|e| e.to_string())?.map_err(|e| e.to_string()),
        () = app.stopping().cancelled() => Err("stopped while it was being fetched".to_owned()),
    }
}
