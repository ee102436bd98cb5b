//! Models of the catalogue on this machine: what is here, what is being fetched, and which one the operator chose.
//!
//! Invariants: a choice lasts as long as the configuration names the model that it replaced, so that whoever changes the
//! configuration is obeyed; a model that answers stays until another one can take its place, and until it has finished.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secondme_llm::catalogue::{self, Entry, Phase, Progress};
use secondme_llm::{ChatModel, EmbeddedOptions, ModelSpec};
use secondme_store::{Store, Tx};
use serde_json::{Value, json};

use super::{Place, store};
use crate::app::App;
use crate::config::Model;
use crate::error::{ApiError, Code, Result};

/// The embedder of memories is in the catalogue, but answers nobody.
const NOT_FOR_CHATS: [&str; 1] = ["e5-small"];
/// How often a model that was replaced is looked at, and how long it may go on.
const RETIRING: Duration = Duration::from_secs(1);
const RETIRING_MAX: u32 = 900;

/// Where models of the catalogue come from.
pub struct Supply {
    cache: PathBuf,
    configured: Model,
    place: Arc<Place>,
    /// Shows progress in a terminal, too.
    display: fn() -> Box<dyn Progress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The name of the model that was asked for last.
    wanted: String,
    fetches: BTreeMap<&'static str, Fetch>,
}

/// How far a model is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Bytes that are here.
    pub done: u64,
    /// Bytes of the whole file.
    pub total: u64,
    /// What is being done, for people.
    pub doing: String,
    /// Whether it goes on.
    pub running: bool,
    /// Why it ended without the model.
    pub failed: Option<String>,
}

impl Fetch {
    /// From 0 to 100.
    pub fn percent(&self) -> u64 {
        self.done.saturating_mul(100) / self.total.max(1)
    }
}

/// A model of the catalogue as operators see it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The model.
    pub entry: &'static Entry,
    /// Whether its file is here and whole.
    pub present: bool,
    /// Whether it was asked for last.
    pub wanted: bool,
    /// Whether the configuration names it.
    pub configured: bool,
    /// How far it is fetched, when that was asked for since the start.
    pub fetch: Option<Fetch>,
}

/// The model that the operator chose in place of the configured one, when they did.
///
/// # Errors
/// Storage failures only.
pub async fn chosen(store: &Store, configured: &str) -> Result<Option<String>> {
    let Some(text) = store::chosen(store).await? else { return Ok(None) };
    let fact: Value = serde_json::from_str(&text).unwrap_or_default();
    let names = (fact["configured"].as_str(), fact["chosen"].as_str());
    let (Some(replaced), Some(chosen)) = names else { return Ok(None) };
    Ok((replaced == configured && is_for_chats(chosen)).then(|| chosen.to_owned()))
}

fn is_for_chats(name: &str) -> bool {
    catalogue::find(name).is_ok() && !NOT_FOR_CHATS.contains(&name)
}

/// What it takes to run a file as this configured model.
pub fn embedded(model: &Model, path: &Path) -> ModelSpec {
    ModelSpec::Embedded(EmbeddedOptions {
        context_tokens: model.context_tokens,
        slots: model.slots,
        queue: model.queue,
        decode_threads: model.decode_threads,
        prompt_threads: model.prompt_threads,
        ..EmbeddedOptions::new(path)
    })
}

impl Supply {
    /// From `cache`, for the place of the model that the configuration names; `wanted` is the one it is to hold.
    pub fn new(cache: PathBuf, configured: Model, place: Arc<Place>, wanted: &str) -> Self {
        let state = State { wanted: wanted.to_owned(), fetches: BTreeMap::new() };
        Self { cache, configured, place, display: || Box::new(()), state: Mutex::new(state) }
    }

    /// Shows progress in a terminal, too.
    #[must_use]
    pub fn showing(mut self, display: fn() -> Box<dyn Progress>) -> Self {
        self.display = display;
        self
    }

    /// The models that can be chosen, as they stand.
    pub fn list(&self) -> Vec<Line> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = catalogue::ENTRIES.iter().filter(|entry| !NOT_FOR_CHATS.contains(&entry.name));
        let line = |entry: &'static Entry| Line {
            entry,
            present: catalogue::is_present(entry, &self.cache),
            wanted: state.wanted == entry.name,
            configured: self.configured.model == entry.name,
            fetch: state.fetches.get(entry.name).cloned(),
        };
        entries.map(line).collect()
    }

    /// The folder of fetched models.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Whether anything is being fetched.
    pub fn is_fetching(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fetches.values().any(|fetch| fetch.running)
    }

    fn note(&self, name: &'static str, change: impl FnOnce(&mut Fetch)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(state.fetches.entry(name).or_default());
    }

    /// Whether a fetch may begin: not while the same one goes on.
    fn begin(&self, entry: &'static Entry) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fetch = state.fetches.entry(entry.name).or_default();
        if fetch.running {
            return false;
        }
        *fetch = Fetch { total: entry.size, running: true, ..Fetch::default() };
        true
    }
}

/// Decides for a model of the catalogue in place of the configured one, in the caller's transaction; after its commit the
/// model is fetched when it is not here, and put in its place.
///
/// # Errors
/// `resource.fetch.not_found` for a name that is not in the catalogue, or where no model is of the catalogue.
pub async fn choose_in(app: &App, tx: &mut Tx, name: &str) -> Result<()> {
    let unknown = || ApiError::new(Code::NotFound).arg("model");
    let supply = app.models().supply().ok_or_else(unknown)?;
    if !is_for_chats(name) {
        return Err(unknown());
    }
    let fact = json!({"configured": supply.configured.model, "chosen": name}).to_string();
    store::choose(tx, &fact, app.now()).await?;
    let (starting, name) = (app.clone(), name.to_owned());
    tx.after_commit(move || start(&starting, &name));
    Ok(())
}

/// Fetches the model when it is not here and puts it in its place, beside requests.
pub fn start(app: &App, name: &str) {
    let (app, name) = (app.clone(), name.to_owned());
    let task = app.clone();
    app.spawn(async move {
        if let Err(problem) = supply(&task, &name).await {
            tracing::warn!(model = name, problem, "the model is not here");
        }
    });
}

/// The same, to its end.
///
/// # Errors
/// What the operator can do when no source worked; the server goes on without the model, or with the one it has.
pub async fn supply(app: &App, name: &str) -> std::result::Result<(), String> {
    let Some(supply) = app.models().supply() else { return Err("no model is of the catalogue".to_owned()) };
    let entry = catalogue::find(name).map_err(|e| e.to_string())?;
    supply.state.lock().unwrap_or_else(PoisonError::into_inner).wanted = name.to_owned();
    if !supply.begin(entry) {
        return Ok(());
    }
    let path = fetched(app, entry).await;
    let ended = path.and_then(|path| put(app, supply, name, &path));
    supply.note(entry.name, |fetch| {
        fetch.running = false;
        fetch.failed = ended.as_ref().err().cloned();
    });
    if let Err(problem) = &ended {
        supply.place.fail(problem.clone());
    }
    ended
}

/// The model's file, fetched first when it is not here.
async fn fetched(app: &App, entry: &'static Entry) -> std::result::Result<PathBuf, String> {
    let telling = app.clone();
    let pulled = tokio::task::spawn_blocking(move || {
        let Some(supply) = telling.models().supply() else { return Err("no model is of the catalogue".to_owned()) };
        catalogue::pull(entry.name, &supply.cache, &Telling { supply, entry, shown: (supply.display)() })
            .map_err(|e| e.to_string())
    });
    tokio::select! {
        pulled = pulled => pulled.map_err(|e| e.to_string())?,
        () = app.stopping().cancelled() => Err("stopped while a model was being fetched; the next start goes on from there".into()),
    }
}

/// Opens the model and puts it in its place, unless another one was asked for meanwhile.
fn put(app: &App, supply: &Supply, name: &str, path: &Path) -> std::result::Result<(), String> {
    if supply.state.lock().unwrap_or_else(PoisonError::into_inner).wanted != name {
        return Ok(());
    }
    let real = secondme_llm::open(&embedded(&supply.configured, path)).map_err(|e| e.to_string())?;
    if let Some(old) = supply.place.fill(real) {
        app.spawn(retire(old));
    }
    app.models().set_present(true);
    Ok(())
}

/// Keeps a model that was replaced until it has finished what it began.
async fn retire(old: Arc<dyn ChatModel>) {
    for _ in 0..RETIRING_MAX {
        if old.load().is_none_or(|load| load.running + load.waiting == 0) {
            return;
        }
        tokio::time::sleep(RETIRING).await;
    }
}

/// Notes progress for the pages, and tells it to those who ask the model meanwhile.
struct Telling<'s> {
    supply: &'s Supply,
    entry: &'static Entry,
    shown: Box<dyn Progress>,
}

impl Progress for Telling<'_> {
    fn phase(&self, phase: Phase) {
        self.shown.phase(phase.clone());
        let doing = match phase {
            Phase::Waiting => "waiting for another process that fetches the same model".to_owned(),
            Phase::Downloading(source) => format!("from {source}"),
            Phase::Checking => "checking the sum".to_owned(),
            Phase::SourceFailed(attempt) => format!("{} failed; trying the next source", attempt.source),
        };
        self.supply.note(self.entry.name, |fetch| fetch.doing = doing);
    }

    fn bytes(&self, done: u64, total: u64) {
        self.supply.place.tell(format!("it is being fetched, {} % are here", done * 100 / total.max(1)));
        self.shown.bytes(done, total);
        self.supply.note(self.entry.name, |fetch| (fetch.done, fetch.total) = (done, total));
    }
}
