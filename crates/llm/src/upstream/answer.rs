//! The answer as it comes in: bytes → server-sent events → frames → [`ChatEvent`]s, with a time-out on every wait.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use secondme_kit::Secret;
use sse_stream::{Sse, SseByteStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::failure;
use super::frame::{self, CallPart, Frame};
use crate::{ChatEvent, ChatRequest, ChatStream, FinishReason, ModelError, ToolCall, Usage, estimate_tokens};

/// How long the usage frame is waited for once the reason to finish was seen.
const USAGE_WAIT: Duration = Duration::from_secs(2);
/// The most bytes of one answer: far more than any answer has, so that a mad server cannot fill the memory.
const MAX_BYTES: usize = 64 * 1024 * 1024;

type Frames = Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>;

enum Source {
    /// `text/event-stream`.
    Events(Frames),
    /// A server that ignored `stream: true`.
    Whole(Option<reqwest::Response>),
}

/// An answer under way. Dropping it closes the connection, which is how servers learn to stop.
pub(super) struct Answering {
    source: Source,
    key: Secret,
    deadline: Instant,
    idle: Duration,
    prompt_tokens: u32,
    text: String,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    calls: Vec<(Option<u64>, ToolCall)>,
    ready: VecDeque<Result<ChatEvent, ModelError>>,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Answering {
    pub(super) fn new(
        response: reqwest::Response,
        request: &ChatRequest,
        key: Secret,
        permit: OwnedSemaphorePermit,
        deadline: Instant,
        idle: Duration,
    ) -> Self {
        let prompt: usize = request.messages.iter().map(|m| estimate_tokens(&m.text)).sum();
        let kind = response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("");
        let source = if kind.starts_with("application/json") {
            Source::Whole(Some(response))
        } else {
            Source::Events(events(response))
        };
        Self {
            source,
            key,
            deadline,
            idle,
            prompt_tokens: u32::try_from(prompt).unwrap_or(u32::MAX),
            text: String::new(),
            finish: None,
            usage: None,
            calls: Vec::new(),
            ready: VecDeque::new(),
            over: false,
            _permit: permit,
        }
    }

    pub(super) fn into_stream(self) -> ChatStream {
        ChatStream::new(stream::unfold(self, |mut answering| async move {
            let event = answering.next().await?;
            Some((event, answering))
        }))
    }

    async fn next(&mut self) -> Option<Result<ChatEvent, ModelError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            match tokio::time::timeout_at(self.deadline, self.source.read()).await {
                Ok(Ok(Some(data))) => self.take(&data),
                Ok(Ok(None)) => self.end(),
                Ok(Err(error)) => self.fail(error),
                Err(_) if self.finish.is_some() => self.end(),
                Err(_) if self.text.is_empty() => self.fail(ModelError::Timeout("no first token in time".into())),
                Err(_) => self.fail(ModelError::Timeout("no further token in time".into())),
            }
        }
    }

    /// One frame's data; an empty one (a comment, a bare event name) only shows that the server is alive.
    fn take(&mut self, data: &str) {
        let alive = Instant::now() + self.idle;
        self.deadline = if self.text.is_empty() { self.deadline.max(alive) } else { alive };
        match data.trim() {
            "" => {}
            "[DONE]" => self.end(),
            json => match frame::parse(json) {
                Ok(frame) => self.add(frame),
                Err(error) => self.fail(error),
            },
        }
    }

    fn add(&mut self, frame: Frame) {
        if !frame.text.is_empty() {
            self.text.push_str(&frame.text);
            self.deadline = Instant::now() + self.idle;
            self.ready.push_back(Ok(ChatEvent::Text(frame.text)));
        }
        if !frame.calls.is_empty() {
            self.deadline = Instant::now() + self.idle;
        }
        frame.calls.into_iter().for_each(|part| self.add_call(part));
        // A server may send usage with every frame: the last one counts.
        self.usage = frame.usage.or(self.usage);
        self.finish = frame.finish.or(self.finish);
        if self.finish.is_some() {
            self.deadline = Instant::now() + USAGE_WAIT.min(self.idle);
        }
    }

    /// Puts a piece of a call to the others of it: by index, or, from servers that send whole calls, as a new one.
    fn add_call(&mut self, part: CallPart) {
        let known = self.calls.iter_mut().find(|(index, _)| part.index.is_some() && *index == part.index);
        let call = match known {
            Some((_, call)) => call,
            None => {
                let id = format!("call_{}", self.calls.len());
                self.calls.push((part.index, ToolCall { id, name: String::new(), arguments: String::new() }));
                let Some((_, call)) = self.calls.last_mut() else { return };
                call
            }
        };
        if !part.id.is_empty() {
            call.id = part.id;
        }
        call.name.push_str(&part.name);
        call.arguments.push_str(&part.arguments);
    }

    /// The server is done: said so, or closed an answer that had begun (`[DONE]` and the reason are often missing).
    fn end(&mut self) {
        if self.text.is_empty() && self.finish.is_none() && self.usage.is_none() && self.calls.is_empty() {
            let message = "the answer ended before it began".into();
            return self.fail(ModelError::Upstream { status: None, message });
        }
        self.over = true;
        let usage = self.usage.unwrap_or_else(|| frame::estimated_usage(self.prompt_tokens, &self.text));
        let mut reason = self.finish.unwrap_or(FinishReason::Stop);
        let calls: Vec<ToolCall> =
            self.calls.drain(..).map(|(_, call)| call).filter(|call| !call.name.is_empty()).collect();
        if !calls.is_empty() && reason == FinishReason::Stop {
            // Some servers say `stop` after a call, too.
            reason = FinishReason::ToolCalls;
        }
        // Cut arguments are no call.
        if reason == FinishReason::ToolCalls {
            self.ready.extend(calls.into_iter().map(|call| Ok(ChatEvent::Call(call))));
        }
        self.ready.push_back(Ok(ChatEvent::Finished { reason, usage }));
    }

    fn fail(&mut self, error: ModelError) {
        self.over = true;
        self.ready.push_back(Err(match error {
            ModelError::Upstream { status, message } => {
                ModelError::Upstream { status, message: failure::redact(message, &self.key) }
            }
            other => other,
        }));
    }
}

impl Source {
    /// The next frame's data, `None` at the end.
    async fn read(&mut self) -> Result<Option<String>, ModelError> {
        match self {
            Source::Events(frames) => match frames.next().await {
                Some(Ok(sse)) => Ok(Some(sse.data.unwrap_or_default())),
                Some(Err(error)) => Err(broken_off(&error)),
                None => Ok(None),
            },
            Source::Whole(response) => {
                let Some(response) = response.take() else { return Ok(None) };
                let body = response.text().await.map_err(|e| broken_off(&e.without_url()))?;
                Ok(Some(body))
            }
        }
    }
}

fn broken_off(error: &dyn std::error::Error) -> ModelError {
    ModelError::Upstream { status: None, message: format!("the answer broke off: {}", failure::chain(error)) }
}

/// The events of a body. A blank line is added at the end, because some servers leave out the last one.
fn events(response: reqwest::Response) -> Frames {
    let mut left = MAX_BYTES;
    let bytes = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|e| std::io::Error::other(failure::chain(&e.without_url())))?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| std::io::Error::other("the answer is too big"))?;
        Ok(chunk)
    });
    let closing = stream::iter([Ok::<Bytes, std::io::Error>(Bytes::from_static(b"\n\n"))]);
    Box::pin(SseByteStream::new(bytes.chain(closing)))
}
