//! A GGUF model in this process, on llama.cpp.
//!
//! One thread owns the context; requests reach it through a bounded queue and share its steps (continuous batching). What a
//! conversation computed stays in the cache, so its next turn only computes what is new, and equal beginnings (one avatar's
//! prompt) are shared between conversations. Callers' threads do what needs no context: templates, tokens, schemas.

mod active;
mod cache;
mod engine;
mod json;
pub(crate) mod load;
mod options;
mod pace;
mod prompt;
#[doc(hidden)]
pub mod raw;
mod sampler;
mod text;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use futures::stream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use options::EmbeddedOptions;

use crate::{
    ChatEvent, ChatModel, ChatRequest, ChatStream, Load, ModelError, ModelInfo, ModelStatus, Output, estimate_tokens,
};
use active::Job;
use load::Loaded;
use pace::Pace;
use worker::Shared;

/// A model loaded from a file. Dropping it ends its thread within one step; running answers then end with `Unavailable`.
pub struct Embedded {
    options: EmbeddedOptions,
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts loading in the background and returns at once; [`ChatModel::status`] tells how it went.
    ///
    /// # Errors
    /// `Unavailable` when no thread can be made.
    pub fn open(options: &EmbeddedOptions) -> Result<Self, ModelError> {
        let options = options.effective();
        let shared = Arc::new(Shared {
            status: watch::Sender::new(ModelStatus::Loading),
            loaded: OnceLock::new(),
            pace: Arc::new(Pace::default()),
            stop: AtomicBool::new(false),
        });
        let (jobs, received) = mpsc::channel();
        let (for_thread, opts) = (Arc::clone(&shared), options.clone());
        let thread = std::thread::Builder::new()
            .name("llm-engine".into())
            .spawn(move || worker::run(&for_thread, &opts, received))
            .map_err(|e| ModelError::Unavailable(format!("no thread for the engine: {e}")))?;
        let permits = Arc::new(Semaphore::new(options.slots + options.queue));
        Ok(Self { options, shared, permits, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Waits until the model is loaded.
    ///
    /// # Errors
    /// `Unavailable` with the reason when it cannot be.
    pub async fn ready(&self) -> Result<(), ModelError> {
        self.loaded().await.map(|_| ())
    }

    async fn loaded(&self) -> Result<Arc<Loaded>, ModelError> {
        let mut status = self.shared.status.subscribe();
        let settled = status.wait_for(|s| *s != ModelStatus::Loading).await;
        match settled.as_deref() {
            Ok(ModelStatus::Failed(why)) => Err(ModelError::Unavailable(why.clone())),
            _ => self.shared.loaded.get().cloned().ok_or_else(|| ModelError::Unavailable("not loaded".into())),
        }
    }

    fn busy(&self) -> ModelError {
        let slots = self.options.slots;
        ModelError::Busy { retry_after_secs: self.shared.pace.retry_after_secs(slots + self.options.queue, slots) }
    }
}

#[async_trait]
impl ChatModel for Embedded {
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        if request.has_images() {
            return Err(ModelError::Unsupported("images".into()));
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| self.busy())?;
        let loaded = self.loaded().await?;
        let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
        let job = tokio::task::spawn_blocking(move || prepare(&loaded, request, events, permit))
            .await
            .map_err(|e| ModelError::Broken(format!("the prompt could not be prepared: {e}")))??;
        let jobs = self.jobs.as_ref().ok_or_else(|| ModelError::Unavailable("shut down".into()))?;
        jobs.send(job).map_err(|_| broken(&self.shared))?;
        Ok(answer(receiver, Arc::clone(&self.shared)))
    }

    fn info(&self) -> ModelInfo {
        let loaded = self.shared.loaded.get();
        ModelInfo {
            name: self.options.name.clone(),
            context_tokens: loaded.map_or(self.options.context_tokens, |l| l.context_tokens),
            vision: false,
            constrains: true,
            late_system: true,
            tools: false,
        }
    }

    fn status(&self) -> ModelStatus {
        self.shared.status.borrow().clone()
    }

    fn load(&self) -> Option<Load> {
        let taken = (self.options.slots + self.options.queue).saturating_sub(self.permits.available_permits());
        let running = taken.min(self.options.slots);
        Some(Load { running, slots: self.options.slots, waiting: taken - running, queue: self.options.queue })
    }

    fn count_tokens(&self, text: &str) -> usize {
        match self.shared.loaded.get() {
            Some(loaded) => loaded.model.vocab().tokenize(text.as_bytes(), false, false).len(),
            None => estimate_tokens(text),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.jobs.take());
        // Joined, because a process that ends while the engine computes can crash in its destructors.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All that can be done without the context: tokens, limits, the schema.
fn prepare(
    loaded: &Loaded,
    request: ChatRequest,
    events: active::Events,
    permit: OwnedSemaphorePermit,
) -> Result<Job, ModelError> {
    let prompt = loaded.template.encode(&loaded.model, &request.messages)?;
    let (tokens, limit) = (prompt.len(), loaded.context_tokens - 1);
    if tokens > limit {
        return Err(ModelError::TooLong { tokens, limit });
    }
    let matcher = match &request.output {
        Output::Text => None,
        Output::Json(schema) => Some(loaded.grammars.matcher(schema)?),
    };
    let wanted = usize::try_from(request.max_tokens).unwrap_or(usize::MAX);
    Ok(Job {
        max_tokens: wanted.clamp(1, loaded.context_tokens - tokens),
        prompt: prompt.into_iter().map(|token| token.0).collect(),
        sampling: request.sampling,
        matcher,
        stop: request.stop,
        key: request.cache_key,
        events,
        permit,
    })
}

/// The worker's events as a stream; a worker that goes away without an end is an error.
fn answer(receiver: UnboundedReceiver<Result<ChatEvent, ModelError>>, shared: Arc<Shared>) -> ChatStream {
    ChatStream::new(stream::unfold(Some((receiver, shared)), |state| async move {
        let (mut receiver, shared) = state?;
        match receiver.recv().await {
            Some(Ok(ChatEvent::Text(text))) => Some((Ok(ChatEvent::Text(text)), Some((receiver, shared)))),
            Some(last) => Some((last, None)),
            None => Some((Err(broken(&shared)), None)),
        }
    }))
}

fn broken(shared: &Shared) -> ModelError {
    match &*shared.status.borrow() {
        ModelStatus::Failed(why) => ModelError::Broken(why.clone()),
        _ => ModelError::Broken("the engine stopped".into()),
    }
}
