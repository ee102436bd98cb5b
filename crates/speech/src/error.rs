//! Why nothing was said. The texts are for the log and the operator; none of them holds a key or what should be said.

/// A failed synthesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    /// The queue is full. Try again after about this many seconds.
    #[error("the speech engine is busy, try again in {retry_after_secs} s")]
    Busy {
        /// An estimate, at least 1.
        retry_after_secs: u32,
    },
    /// The engine cannot be used now: switched off, its files not here yet, not reachable.
    #[error("speech is not available: {0}")]
    Unavailable(String),
    /// The text is in a writing that the engine cannot speak; this one.
    #[error("this engine speaks English and Chinese, not {0}")]
    Language(String),
    /// There is nothing in the text that can be said.
    #[error("the text has nothing that can be spoken")]
    Nothing,
    /// The engine has no such voice.
    #[error("there is no voice {0}")]
    Voice(String),
    /// Nothing came in the time allowed.
    #[error("the speech engine took too long: {0}")]
    Timeout(String),
    /// The server behind an upstream answered with an error, or with something that is no sound.
    #[error("the speech server failed{}: {message}", status.map(|s| format!(" with status {s}")).unwrap_or_default())]
    Upstream {
        /// The HTTP status, when one was received.
        status: Option<u16>,
        /// What the server said, cut to a sane length.
        message: String,
    },
    /// The engine failed in the middle.
    #[error("the speech engine broke: {0}")]
    Broken(String),
}
