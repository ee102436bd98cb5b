//! Why a reader is told to leave: the close codes that clients see.

/// Why a reader is told to leave: the close codes of the socket, as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Close {
    /// The log cannot be read; come back in a moment.
    Failed = 1011,
    /// The server restarts; come back.
    Restart = 1012,
    /// This process has all the sockets it takes; come back later.
    Full = 1013,
    /// The address is malformed, forged or too old: call `init`.
    Credential = 4401,
    /// Access was taken back: the visitor is blocked, or the user ended the app's access.
    Revoked = 4403,
    /// The conversation is gone: call `init`.
    Gone = 4404,
    /// The client took nothing, or gave no sign of life, for too long.
    Slow = 4408,
    /// Newer sockets of this conversation took its place.
    Crowded = 4409,
    /// The client sent too much.
    Noisy = 4429,
}

impl Close {
    /// The close code.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The close reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Failed => "the log cannot be read, come back",
            Self::Restart => "the server restarts, come back",
            Self::Full => "too many sockets, come back later",
            Self::Credential => "the address is not valid any more, call init",
            Self::Revoked => "access was taken back",
            Self::Gone => "the conversation is gone, call init",
            Self::Slow => "too slow or silent",
            Self::Crowded => "replaced by a newer socket",
            Self::Noisy => "too many messages",
        }
    }
}
