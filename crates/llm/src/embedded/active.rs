//! One request in the engine: what is left to read, what was sampled, what goes out.

use std::time::Instant;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llguidance::Matcher;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

use super::cache::Token;
use super::sampler::Sampler;
use super::text::{Characters, Passed, StopTexts};
use crate::{ChatEvent, FinishReason, ModelError, Sampling, Usage};

pub(super) type Events = UnboundedSender<Result<ChatEvent, ModelError>>;

/// A request as it comes to the worker: checked, tokenized, with a place in the queue.
pub(super) struct Job {
    pub prompt: Vec<Token>,
    /// At least 1; fits into the context together with the prompt.
    pub max_tokens: usize,
    pub sampling: Sampling,
    pub matcher: Option<Matcher>,
    pub stop: Vec<String>,
    pub key: Option<String>,
    pub events: Events,
    pub permit: OwnedSemaphorePermit,
}

/// A request that has a sequence.
pub(super) struct Active {
    pub sequence: usize,
    pub prompt: Vec<Token>,
    /// Sampled, sent, and not yet computed.
    pub next: Option<Token>,
    /// Tokens that may still be sampled.
    pub left: usize,
    pub over: bool,
    started: Instant,
    sampler: Sampler,
    characters: Characters,
    stops: StopTexts,
    usage: Usage,
    events: Events,
    _permit: OwnedSemaphorePermit,
}

impl Active {
    /// `cached` tokens of the prompt need no computing.
    pub(super) fn new(job: Job, sequence: usize, cached: usize) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let usage =
            Usage { prompt_tokens: count(job.prompt.len()), cached_tokens: count(cached), completion_tokens: 0 };
        Self {
            sequence,
            prompt: job.prompt,
            next: None,
            left: job.max_tokens,
            over: false,
            started: Instant::now(),
            sampler: Sampler::new(&job.sampling, job.matcher),
            characters: Characters::default(),
            stops: StopTexts::new(&job.stop),
            usage,
            events: job.events,
            _permit: job.permit,
        }
    }

    /// Chooses the next token from the logits of its last one, and sends what it completes.
    pub(super) fn advance(&mut self, model: &LlamaModel, logits: &[f32]) {
        self.next = None;
        match self.sampler.choose(logits) {
            Ok(token) => self.take(model, token),
            Err(error) => self.fail(error),
        }
    }

    /// A token was chosen; it may be the last.
    fn take(&mut self, model: &LlamaModel, token: LlamaToken) {
        if model.vocab().is_eog(token) {
            return self.finish(FinishReason::Stop);
        }
        self.usage.completion_tokens += 1;
        self.left -= 1;
        let piece = self.characters.push(&model.vocab().token_to_piece(token, false, None));
        match self.stops.push(&piece) {
            Passed::On(text) => self.send(text),
            Passed::Stopped(text) => {
                self.send(text);
                return self.end(FinishReason::Stop);
            }
        }
        if self.left == 0 {
            return self.finish(FinishReason::Length);
        }
        self.next = Some(token.0);
    }

    /// Nobody listens any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.events.is_closed()
    }

    /// Ends the answer with an error.
    pub(super) fn fail(&mut self, error: ModelError) {
        self.over = true;
        // A listener that has gone needs no error.
        let _ = self.events.send(Err(error));
    }

    /// Time since the request got its sequence.
    pub(super) fn age(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    fn finish(&mut self, reason: FinishReason) {
        let held = self.stops.finish();
        self.send(held);
        self.end(reason);
    }

    fn end(&mut self, reason: FinishReason) {
        self.over = true;
        let _ = self.events.send(Ok(ChatEvent::Finished { reason, usage: self.usage }));
        tracing::debug!(
            prompt_tokens = self.usage.prompt_tokens,
            cached_tokens = self.usage.cached_tokens,
            completion_tokens = self.usage.completion_tokens,
            millis = u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX),
            "an answer was generated"
        );
    }

    fn send(&self, text: String) {
        if !text.is_empty() {
            let _ = self.events.send(Ok(ChatEvent::Text(text)));
        }
    }
}
