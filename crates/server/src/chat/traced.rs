//! A model whose calls are seen in traces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use futures::StreamExt;
use secondme_llm::{ChatEvent, ChatModel, ChatRequest, ChatStream, Load, ModelError, ModelInfo, ModelStatus};
use tracing::{Instrument, Span};

use super::models::ModelName;
use crate::telemetry::traces;

/// A model by the name that clients use. Where nothing is traced, it is the model itself.
pub(super) struct Traced {
    name: ModelName,
    real: Arc<dyn ChatModel>,
}

impl Traced {
    pub(super) fn around(name: ModelName, real: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(Self { name, real })
    }
}

#[async_trait]
impl ChatModel for Traced {
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let span = traces::model(self.name.as_str());
        if span.is_disabled() {
            return self.real.start(request).await.inspect_err(refused);
        }
        span.record("gen_ai.request.model", self.real.info().name);
        let (begun, mut waits) = (Instant::now(), true);
        match self.real.start(request).instrument(span.clone()).await {
            // The span ends with the stream.
            Ok(stream) => Ok(ChatStream::new(stream.inspect(move |event| {
                if std::mem::take(&mut waits) {
                    span.record("first_piece_ms", begun.elapsed().as_secs_f64() * 1e3);
                }
                note(&span, event);
            }))),
            Err(error) => {
                note_failure(&span, &error);
                refused(&error);
                Err(error)
            }
        }
    }

    fn info(&self) -> ModelInfo {
        self.real.info()
    }

    fn status(&self) -> ModelStatus {
        self.real.status()
    }

    fn load(&self) -> Option<Load> {
        self.real.load()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.real.count_tokens(text)
    }
}

fn note(span: &Span, event: &Result<ChatEvent, ModelError>) {
    match event {
        Ok(ChatEvent::Text(_) | ChatEvent::Call(_)) => {}
        Ok(ChatEvent::Finished { usage, .. }) => {
            span.record("gen_ai.usage.input_tokens", i64::from(usage.prompt_tokens));
            span.record("gen_ai.usage.output_tokens", i64::from(usage.completion_tokens));
        }
        Err(error) => note_failure(span, error),
    }
}

fn note_failure(span: &Span, error: &ModelError) {
    traces::failed(span);
    span.record("failure", kind(error));
}

/// The kind only: what a model's server says may quote the prompt.
fn kind(error: &ModelError) -> &'static str {
    match error {
        ModelError::Busy { .. } => "busy",
        ModelError::Unavailable(_) => "unavailable",
        ModelError::TooLong { .. } => "too long",
        ModelError::Timeout(_) => "timeout",
        ModelError::Upstream { .. } => "upstream",
        ModelError::Unsupported(_) => "unsupported",
        ModelError::Broken(_) => "broken",
    }
}

/// What models of this process refused before their first word, by the kind of failure, but for requests that are too long: those
/// are the client's.
static REFUSED: [(&str, AtomicU64); 5] = [
    ("busy", AtomicU64::new(0)),
    ("unavailable", AtomicU64::new(0)),
    ("timeout", AtomicU64::new(0)),
    ("upstream", AtomicU64::new(0)),
    ("broken", AtomicU64::new(0)),
];

fn refused(error: &ModelError) {
    if let Some((_, count)) = REFUSED.iter().find(|(known, _)| *known == kind(error)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// How often a model refused to answer in this process, by the kind of failure.
pub fn refusals() -> [(&'static str, u64); 5] {
    REFUSED.each_ref().map(|(kind, count)| (*kind, count.load(Ordering::Relaxed)))
}
