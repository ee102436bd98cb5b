//! A deterministic fake model: the `echo` model of the configuration, and the model of every test.

mod instance;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;

pub use instance::minimal_instance;

use crate::{
    ChatEvent, ChatModel, ChatRequest, ChatStream, FinishReason, ModelError, ModelInfo, ModelStatus, Output, ToolCall,
    Usage, estimate_tokens,
};

/// One step of a scripted answer. After the last one the answer ends with [`FinishReason::Stop`].
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `start` fails with this error; later steps are not reached.
    Refuse(ModelError),
    /// A piece of text.
    Text(String),
    /// A function is asked for; the answer then ends with [`FinishReason::ToolCalls`].
    Call(ToolCall),
    /// A pause (tokio time, so tests may pause the clock).
    Wait(Duration),
    /// The stream fails with this error.
    Fail(ModelError),
    /// Nothing more ever comes.
    Hang,
    /// The answer ends here with [`FinishReason::Length`].
    Cut,
}

impl Step {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Step::Text(text.into())
    }
}

/// Requests that are remembered for tests to look at.
const REMEMBERED: usize = 1_000;

type Script = Box<dyn Fn(&ChatRequest) -> Vec<Step> + Send + Sync>;

/// A model that plays a script and remembers what it was asked.
pub struct Scripted {
    name: String,
    script: Script,
    vision: bool,
    constrains: bool,
    tools: bool,
    remembers: bool,
    requests: Mutex<VecDeque<ChatRequest>>,
}

impl Scripted {
    /// Answers "You said: " and the last user message, word by word; asked for JSON, the smallest instance of the schema.
    pub fn echo() -> Self {
        let mut echo = Self::with(echo_steps);
        echo.name = "echo".into();
        echo
    }

    /// Plays the same steps for every request.
    pub fn new(steps: Vec<Step>) -> Self {
        Self::with(move |_| steps.clone())
    }

    /// Answers every request with one text, in word-sized pieces.
    pub fn saying(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::with(move |_| words(&text))
    }

    /// Plays the scripts one after the other, one per request; when they are used up, requests are refused as `Unavailable`.
    pub fn sequence(scripts: Vec<Vec<Step>>) -> Self {
        let left = Mutex::new(VecDeque::from(scripts));
        Self::with(move |_| {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(|| vec![Step::Refuse(ModelError::Unavailable("the script is used up".into()))])
        })
    }

    /// Makes the steps from each request.
    pub fn with(script: impl Fn(&ChatRequest) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self {
            name: "scripted".into(),
            script: Box::new(script),
            vision: true,
            constrains: true,
            tools: false,
            remembers: true,
            requests: Mutex::default(),
        }
    }

    /// Says of itself that it sees no pictures, and refuses them.
    #[must_use]
    pub fn without_vision(mut self) -> Self {
        self.vision = false;
        self
    }

    /// Says of itself that a schema does not bind it.
    #[must_use]
    pub fn unconstrained(mut self) -> Self {
        self.constrains = false;
        self
    }

    /// Says of itself that it takes tools.
    #[must_use]
    pub fn with_tools(mut self) -> Self {
        self.tools = true;
        self
    }

    /// Remembers no requests: a server that runs on it for weeks must not grow.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.remembers = false;
        self
    }

    /// The last requests, oldest first; older ones than the last thousand are forgotten.
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn remember(&self, request: &ChatRequest) {
        if !self.remembers {
            return;
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(request.clone());
    }
}

#[async_trait]
impl ChatModel for Scripted {
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        self.remember(&request);
        if !self.vision && request.has_images() {
            return Err(ModelError::Unsupported("images".into()));
        }
        let steps = (self.script)(&request);
        if let Some(Step::Refuse(error)) = steps.first() {
            return Err(error.clone());
        }
        let prompt: usize = request.messages.iter().map(|m| estimate_tokens(&m.text)).sum();
        let play = Play {
            steps: steps.into(),
            prompt_tokens: u32::try_from(prompt).unwrap_or(u32::MAX),
            pieces: 0,
            left: request.max_tokens.max(1),
            over: false,
            called: false,
        };
        Ok(ChatStream::new(stream::unfold(play, Play::next)))
    }

    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.name.clone(),
            context_tokens: 8192,
            vision: self.vision,
            constrains: self.constrains,
            late_system: true,
            tools: self.tools,
        }
    }

    fn status(&self) -> ModelStatus {
        ModelStatus::Ready
    }

    fn count_tokens(&self, text: &str) -> usize {
        estimate_tokens(text)
    }
}

/// A script being played. Every piece of text counts as one token.
struct Play {
    steps: VecDeque<Step>,
    prompt_tokens: u32,
    pieces: u32,
    left: u32,
    over: bool,
    called: bool,
}

impl Play {
    async fn next(mut self) -> Option<(Result<ChatEvent, ModelError>, Self)> {
        if self.over {
            return None;
        }
        loop {
            let event = match self.steps.pop_front() {
                None if self.called => self.finish(FinishReason::ToolCalls),
                None => self.finish(FinishReason::Stop),
                Some(Step::Call(call)) => {
                    self.called = true;
                    Ok(ChatEvent::Call(call))
                }
                Some(Step::Text(_)) if self.left == 0 => self.finish(FinishReason::Length),
                Some(Step::Text(text)) if text.is_empty() => continue,
                Some(Step::Text(text)) => {
                    self.pieces += 1;
                    self.left -= 1;
                    Ok(ChatEvent::Text(text))
                }
                Some(Step::Wait(pause)) => {
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Some(Step::Hang) => std::future::pending().await,
                Some(Step::Cut) => self.finish(FinishReason::Length),
                Some(Step::Fail(error) | Step::Refuse(error)) => {
                    self.over = true;
                    Err(error)
                }
            };
            return Some((event, self));
        }
    }

    fn finish(&mut self, reason: FinishReason) -> Result<ChatEvent, ModelError> {
        self.over = true;
        let usage = Usage { prompt_tokens: self.prompt_tokens, cached_tokens: 0, completion_tokens: self.pieces };
        Ok(ChatEvent::Finished { reason, usage })
    }
}

fn echo_steps(request: &ChatRequest) -> Vec<Step> {
    match &request.output {
        Output::Text => words(&format!("You said: {}", request.last_user_text())),
        Output::Json(schema) => vec![Step::Text(minimal_instance(schema).to_string())],
    }
}

fn words(text: &str) -> Vec<Step> {
    text.split_inclusive(char::is_whitespace).map(Step::text).collect()
}

#[cfg(test)]
mod tests;
