//! The trait every chat model implements.

use async_trait::async_trait;

use crate::{ChatRequest, ChatStream, ModelError};

/// Whether a model can be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelStatus {
    /// Being loaded; requests wait in the queue.
    Loading,
    /// Ready. An upstream says so without asking its server.
    Ready,
    /// Broken until the process is restarted or the configuration changed; the text says why.
    Failed(String),
}

/// What a model has to do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Answers that are being given.
    pub running: usize,
    /// How many it gives at a time.
    pub slots: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// How many may wait.
    pub queue: usize,
}

/// What a caller may want to know before it builds a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// The model's name, for logs and answers.
    pub name: String,
    /// Tokens that prompt and answer may have together; the configured value until the model is loaded.
    pub context_tokens: usize,
    /// Whether it takes images.
    pub vision: bool,
    /// Whether a schema binds every token, so that an answer that ends by itself is sure to be valid under it.
    pub constrains: bool,
    /// Whether a system message may stand anywhere in the conversation, and not at its beginning only.
    pub late_system: bool,
    /// Whether it takes [`crate::Tool`]s itself; others need [`crate::start_with_tools`].
    pub tools: bool,
}

/// A chat model. Implementations are shared by all requests.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// Hands in a request. Resolves when it was accepted (a place in the engine, or an upstream's 200), before the first token.
    ///
    /// # Errors
    /// `Busy` when the queue is full, `TooLong`, `Unsupported`, `Unavailable`, `Upstream`, `Timeout`.
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError>;

    /// Name and limits.
    fn info(&self) -> ModelInfo;

    /// Whether it can be asked now. Cheap, never blocks.
    fn status(&self) -> ModelStatus;

    /// What it has to do; none where that is not known. Cheap, never blocks.
    fn load(&self) -> Option<Load> {
        None
    }

    /// Tokens of a text: exact for the embedded engine once loaded, otherwise [`crate::estimate_tokens`].
    fn count_tokens(&self, text: &str) -> usize;
}
