//! What a model answers: a stream of text pieces, closed by one [`ChatEvent::Finished`] or one error.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};

use crate::{ModelError, ToolCall};

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done, or a stop text came.
    Stop,
    /// `max_tokens` or the context was used up.
    Length,
    /// The model asks for functions.
    ToolCalls,
}

impl FinishReason {
    /// The word that OpenAI's API and stored answers have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
        }
    }
}

/// What an answer cost, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub prompt_tokens: u32,
    /// How many of them did not have to be computed again.
    pub cached_tokens: u32,
    /// Tokens generated.
    pub completion_tokens: u32,
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatEvent {
    /// The next piece of text, never empty.
    Text(String),
    /// A function that the model asks for; only when it was offered some.
    Call(ToolCall),
    /// The end; nothing follows.
    Finished {
        /// Why.
        reason: FinishReason,
        /// What it cost.
        usage: Usage,
    },
}

/// A running generation. Ends with `Finished` or with the first `Err`. Dropping it cancels the generation within one token.
pub struct ChatStream {
    inner: Pin<Box<dyn Stream<Item = Result<ChatEvent, ModelError>> + Send>>,
}

impl ChatStream {
    /// Wraps a stream that keeps the contract above.
    pub fn new(inner: impl Stream<Item = Result<ChatEvent, ModelError>> + Send + 'static) -> Self {
        Self { inner: Box::pin(inner) }
    }

    /// Reads to the end. The first error, or an end without `Finished` (as [`ModelError::Broken`]), fails the whole.
    pub async fn collect_answer(mut self) -> Result<Answer, ModelError> {
        let mut text = String::new();
        while let Some(event) = self.next().await {
            match event? {
                ChatEvent::Text(piece) => text.push_str(&piece),
                ChatEvent::Call(_) => {}
                ChatEvent::Finished { reason, usage } => return Ok(Answer { text, reason, usage }),
            }
        }
        Err(ModelError::Broken("the answer ended without an end".into()))
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}

impl std::fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChatStream")
    }
}

/// A whole answer, see [`ChatStream::collect_answer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// All of the text.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it cost.
    pub usage: Usage,
}
