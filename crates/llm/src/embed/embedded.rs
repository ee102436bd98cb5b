//! An embedder in this process, on llama.cpp: one thread, one text at a time (batches gain nothing), questions first.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use tokio::sync::{oneshot, watch};
use unicode_normalization::UnicodeNormalization;

use super::{Embedder, Purpose};
use crate::embedded::load;
use crate::{ModelError, ModelStatus};

/// Tokens of a text that are read; the model was trained for no more, and more would take much memory.
const TOKENS_MAX: usize = 512;

struct Job {
    text: String,
    vector: oneshot::Sender<Result<Vec<f32>, ModelError>>,
}

#[derive(Default)]
struct Queue {
    questions: VecDeque<Job>,
    passages: VecDeque<Job>,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    status: watch::Sender<ModelStatus>,
}

/// A model of the e5 family, loaded from a GGUF file. Dropping it ends its thread after the text it is at.
pub struct EmbeddedEmbedder {
    name: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedEmbedder {
    /// Starts loading in the background and returns at once. `threads` 0: half of the cores.
    ///
    /// # Errors
    /// `Unavailable` when no thread can be made.
    pub fn open(path: &Path, threads: usize) -> Result<Self, ModelError> {
        let name = path.file_stem().map_or_else(|| "embedder".into(), |stem| stem.to_string_lossy().into_owned());
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            status: watch::Sender::new(ModelStatus::Loading),
        });
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let threads = if threads == 0 { (cores / 2).max(1) } else { threads };
        let (path, work) = (path.to_owned(), Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("embedder".into())
            .spawn(move || run(&path, threads, &work))
            .map_err(|e| ModelError::Unavailable(format!("no thread for the embedder: {e}")))?;
        Ok(Self { name, shared, thread: Some(thread) })
    }
}

#[async_trait]
impl Embedder for EmbeddedEmbedder {
    async fn embed(&self, purpose: Purpose, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let prefix = if purpose == Purpose::Query { "query: " } else { "passage: " };
        let mut waiting = Vec::with_capacity(texts.len());
        {
            let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if let ModelStatus::Failed(why) = &*self.shared.status.borrow() {
                return Err(ModelError::Unavailable(why.clone()));
            }
            for text in texts {
                let (vector, receiver) = oneshot::channel();
                let normal: String = text.nfkc().collect();
                let job = Job { text: format!("{prefix}{normal}"), vector };
                if purpose == Purpose::Query { &mut queue.questions } else { &mut queue.passages }.push_back(job);
                waiting.push(receiver);
            }
        }
        self.shared.wake.notify_one();
        let mut vectors = Vec::with_capacity(waiting.len());
        for receiver in waiting {
            let gone = |_| Err(ModelError::Broken("the embedder stopped".into()));
            vectors.push(receiver.await.unwrap_or_else(gone)?);
        }
        Ok(vectors)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn status(&self) -> ModelStatus {
        self.shared.status.borrow().clone()
    }
}

impl Drop for EmbeddedEmbedder {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's whole life. Whatever goes wrong ends as a status.
fn run(path: &Path, threads: usize, shared: &Shared) {
    if let Err(error) = serve(path, threads, shared) {
        tracing::error!(cause = %error, "the embedder failed");
        shared.status.send_replace(ModelStatus::Failed(error.to_string()));
    }
    let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
    // Those who wait see that their senders are gone.
    *queue = Queue { closed: true, ..Queue::default() };
}

fn serve(path: &Path, threads: usize, shared: &Shared) -> Result<(), ModelError> {
    let model = load::model(path)?;
    let small = u32::try_from(TOKENS_MAX).unwrap_or(u32::MAX);
    let threads = i32::try_from(threads).unwrap_or(1);
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(small))
        .with_n_batch(small)
        .with_n_ubatch(small)
        .with_n_seq_max(1)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_embeddings(true)
        .with_pooling_type(LlamaPoolingType::Mean);
    let mut context = model
        .new_context(load::backend(false)?, params)
        .map_err(|e| ModelError::Unavailable(format!("no memory for the embedder: {e}")))?;
    shared.status.send_replace(ModelStatus::Ready);
    while let Some(job) = next(shared) {
        if !job.vector.is_closed() {
            let _ = job.vector.send(embed(&model, &mut context, &job.text));
        }
    }
    Ok(())
}

/// The next text, a question's before all others; `None` when nobody can ask any more.
fn next(shared: &Shared) -> Option<Job> {
    let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if queue.closed {
            return None;
        }
        if let Some(job) = queue.questions.pop_front().or_else(|| queue.passages.pop_front()) {
            return Some(job);
        }
        queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

fn embed(model: &LlamaModel, context: &mut LlamaContext<'_>, text: &str) -> Result<Vec<f32>, ModelError> {
    let broken = |e: &dyn std::fmt::Display| ModelError::Broken(format!("a text could not be embedded: {e}"));
    let mut tokens = model.vocab().tokenize(text.as_bytes(), true, false);
    if tokens.len() > TOKENS_MAX {
        // The last token is the end mark; it stays the last.
        let end = tokens.last().copied();
        tokens.truncate(TOKENS_MAX - 1);
        tokens.extend(end);
    }
    let mut batch = LlamaBatch::new(tokens.len().max(1), 1);
    batch.add_sequence(&tokens, 0, true).map_err(|e| broken(&e))?;
    context.encode(&mut batch).map_err(|e| broken(&e))?;
    let vector = context.embeddings_seq_ith(0).map_err(|e| broken(&e))?;
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    Ok(vector.iter().map(|x| x / norm).collect())
}
