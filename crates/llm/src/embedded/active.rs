//! One request in the engine: what is left to read, what was sampled, what goes out.

use std::time::Instant;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llguidance::Matcher;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

use super::cache::Token;
use super::text::{Characters, Passed, StopTexts};
use crate::{ChatEvent, FinishReason, ModelError, Sampling, Usage};

/// The likeliest tokens that are looked at before `top_p`.
const TOP_K: i32 = 40;

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
    sampler: LlamaSampler,
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
            sampler: sampler(&job.sampling, job.matcher),
            characters: Characters::default(),
            stops: StopTexts::new(&job.stop),
            usage,
            events: job.events,
            _permit: job.permit,
        }
    }

    /// Chooses the next token from the logits of a batch row.
    pub(super) fn sample(&mut self, context: &llama_cpp_2::context::LlamaContext<'_>, row: i32) -> LlamaToken {
        self.sampler.sample(context, row)
    }

    /// A token was sampled: sends what it completes, and ends the answer when it is the last.
    pub(super) fn take(&mut self, model: &LlamaModel, token: LlamaToken) {
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

/// Grammar, top-k, top-p, temperature, chance; or grammar and the likeliest.
fn sampler(sampling: &Sampling, matcher: Option<Matcher>) -> LlamaSampler {
    let mut chain: Vec<LlamaSampler> = matcher.into_iter().map(LlamaSampler::from).collect();
    if sampling.temperature <= 0.0 || sampling.temperature.is_nan() {
        chain.push(LlamaSampler::greedy());
        return LlamaSampler::chain_simple(chain);
    }
    chain.push(LlamaSampler::top_k(TOP_K));
    if sampling.top_p < 1.0 {
        chain.push(LlamaSampler::top_p(sampling.top_p.max(0.0), 1));
    }
    chain.push(LlamaSampler::temp(sampling.temperature));
    chain.push(LlamaSampler::dist(seed(sampling.seed)));
    LlamaSampler::chain_simple(chain)
}

/// The engine takes 32 bits, of which the highest value means a random seed.
fn seed(seed: Option<u64>) -> u32 {
    match seed {
        None => u32::MAX,
        Some(seed) => u32::try_from((seed ^ (seed >> 32)) & 0xffff_ffff).unwrap_or(0).min(u32::MAX - 1),
    }
}
