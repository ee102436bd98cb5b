//! The speech engine: opened at once, or when its files have been fetched, while the server already answers.

use std::path::PathBuf;
use std::sync::Arc;

use secondme_llm::catalogue::{self, Phase, Progress};
use secondme_speech::{KokoroFiles, KokoroOptions, Speech, SpeechSpec, UpstreamOptions};

use super::{complain, open, say};
use crate::app::App;
use crate::config;

/// Puts the configured engine into the app, if there is one.
pub(super) async fn open(app: App) {
    if let Err(problem) = put(&app).await {
        // Paths and addresses are for the operator.
        app.speaker().tell("the engine could not be started".to_owned());
        complain(&format!("Nothing can be spoken: {problem}"));
    }
}

async fn put(app: &App) -> Result<(), String> {
    let config = &app.config().speech;
    let spec = match config.kind.as_str() {
        "off" => return Ok(()),
        "hum" => SpeechSpec::Hum,
        "openai" => SpeechSpec::Upstream(upstream(config)),
        _ => SpeechSpec::Kokoro(KokoroOptions {
            files: KokoroFiles {
                model: file(app, &config.model_path, "kokoro-82m").await?,
                voices: file(app, &config.voices_path, "kokoro-voices").await?,
                library: file(app, &config.library_path, "onnxruntime").await?,
            },
            threads: config.threads,
            queue: config.queue,
        }),
    };
    let engine: Arc<dyn Speech> = secondme_speech::open(&spec).map_err(|e| e.to_string())?;
    app.speaker().set(engine);
    Ok(())
}

fn upstream(config: &config::Speech) -> UpstreamOptions {
    UpstreamOptions {
        base_url: config.base_url.clone(),
        model: config.model.clone(),
        api_key: config.api_key.clone(),
        voices: config.voices.clone(),
        instructions: config.instructions,
        speed: config.speed,
        max_chars: config.piece_max_chars,
        connect_seconds: config.connect_seconds,
        timeout_seconds: config.timeout_seconds,
        max_concurrent: config.queue,
        ..UpstreamOptions::default()
    }
}

/// A configured path, or the catalogue's file, which is fetched when it is not here.
async fn file(app: &App, configured: &str, name: &'static str) -> Result<PathBuf, String> {
    if !configured.is_empty() {
        return Ok(PathBuf::from(configured));
    }
    let entry = catalogue::find(name).map_err(|e| format!("{e}; set the file's path in [speech]"))?;
    let cache = open::model_cache();
    if catalogue::is_present(entry, &cache) {
        return Ok(entry.path(&cache));
    }
    say(&format!("Fetching {name} for speech, once."));
    let telling = Telling(app.clone(), name);
    let pulled = tokio::task::spawn_blocking(move || catalogue::pull(name, &cache, &telling));
    tokio::select! {
        pulled = pulled => pulled.map_err(|e| e.to_string())?.map_err(|e| e.to_string()),
        () = app.stopping().cancelled() => Err("stopped while it was being fetched".to_owned()),
    }
}

/// Tells those who ask meanwhile how far it is.
struct Telling(App, &'static str);

impl Progress for Telling {
    fn phase(&self, _: Phase) {
        self.0.speaker().tell(format!("{} is being fetched", self.1));
    }

    fn bytes(&self, done: u64, total: u64) {
        let percent = done * 100 / total.max(1);
        self.0.speaker().tell(format!("{} is being fetched, {percent} % are here", self.1));
    }
}
