//! Why a model did not answer. The texts are for the log and the operator; none of them holds a key or a prompt.

/// A failed or refused generation. `Clone`, so that one broken engine can tell every waiting request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The queue is full. Try again after about this many seconds.
    #[error("the model is busy, try again in {retry_after_secs} s")]
    Busy {
        /// An estimate, at least 1.
        retry_after_secs: u32,
    },
    /// The model cannot be used now: not loaded, not reachable, shutting down.
    #[error("the model is not available: {0}")]
    Unavailable(String),
    /// The prompt alone does not fit into the context.
    #[error("the prompt is too long: {tokens} tokens, the limit is {limit}")]
    TooLong {
        /// Tokens of the prompt (an estimate where the tokenizer is elsewhere).
        tokens: usize,
        /// The most that fits, one token left for the answer.
        limit: usize,
    },
    /// Nothing came in the time allowed; the text says what was waited for.
    #[error("the model took too long: {0}")]
    Timeout(String),
    /// The server behind an upstream answered with an error.
    #[error("the model server failed{}: {message}", status.map(|s| format!(" with status {s}")).unwrap_or_default())]
    Upstream {
        /// The HTTP status, when one was received.
        status: Option<u16>,
        /// What the server said, cut to a sane length.
        message: String,
    },
    /// The model cannot do what was asked (images, an unusable JSON schema).
    #[error("not supported by this model: {0}")]
    Unsupported(String),
    /// The engine failed in the middle.
    #[error("the model broke: {0}")]
    Broken(String),
}
