//! The engine's own thread: loads the model, then takes requests and steps until it is told to stop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::watch;

use super::EmbeddedOptions;
use super::active::Job;
use super::engine::Engine;
use super::load::Loaded;
use super::pace::Pace;
use crate::{ModelError, ModelStatus};

/// So many failed steps in a row are taken for a broken engine.
const MAX_FAILURES: u32 = 3;

/// What the worker shares with the callers.
pub(super) struct Shared {
    pub status: watch::Sender<ModelStatus>,
    pub loaded: OnceLock<Arc<Loaded>>,
    pub pace: Arc<Pace>,
    /// Set to end the worker within one step.
    pub stop: AtomicBool,
}

/// The thread's whole life. Whatever goes wrong ends as a status, never as the process's end: waiting requests lose their
/// sender, and see that as [`ModelError::Broken`].
pub(super) fn run(shared: &Shared, options: &EmbeddedOptions, jobs: Receiver<Job>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| serve(shared, options, jobs)));
    let why = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("the engine panicked: {}", panic_text(panic.as_ref())),
    };
    tracing::error!(model = options.name, %why, "the embedded model failed");
    shared.status.send_replace(ModelStatus::Failed(why));
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn serve(shared: &Shared, options: &EmbeddedOptions, jobs: Receiver<Job>) -> Result<(), ModelError> {
    let begun = Instant::now();
    let loaded = Arc::new(Loaded::open(options)?);
    let mut engine = Engine::new(&loaded, options, Arc::clone(&shared.pace))?;
    tracing::info!(
        model = options.name,
        context_tokens = loaded.context_tokens,
        cache_tokens = options.cache_tokens,
        slots = options.slots,
        decode_threads = options.decode_threads,
        prompt_threads = options.prompt_threads,
        millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "the embedded model is ready"
    );
    let _ = shared.loaded.set(Arc::clone(&loaded));
    shared.status.send_replace(ModelStatus::Ready);
    turn(shared, &mut engine, &jobs)
}

/// Takes requests and steps. Ends when the model is dropped.
fn turn(shared: &Shared, engine: &mut Engine<'_>, jobs: &Receiver<Job>) -> Result<(), ModelError> {
    let mut failures = 0;
    loop {
        if !fetch(engine, jobs) || shared.stop.load(Ordering::Relaxed) {
            engine.reset(&ModelError::Unavailable("the model is being shut down".into()));
            return Ok(());
        }
        engine.admit();
        match engine.step() {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, failures, "a step of the embedded model failed");
                if failures >= MAX_FAILURES {
                    return Err(error);
                }
            }
        }
    }
}

/// Takes what came in; waits for something when there is nothing to do. False when nobody can ask any more.
fn fetch(engine: &mut Engine<'_>, jobs: &Receiver<Job>) -> bool {
    if engine.active.is_empty() && engine.pending.is_empty() {
        match jobs.recv() {
            Ok(job) => engine.pending.push_back(job),
            Err(_) => return false,
        }
    }
    loop {
        match jobs.try_recv() {
            Ok(job) => engine.pending.push_back(job),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}
