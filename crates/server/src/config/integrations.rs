//! `[integrations]`: apps as tools for the avatar.

use super::section::section;

section! {
    /// Apps as tools for the avatar: registrations, and the calls that are made to apps.
    Integrations {
        /// New versions wait until the operator approves them (`secondme integration approve`). Off: a validated version is released at once.
        review: bool = true,
        /// Lets endpoints of apps be on this machine or in its network. For development only: an app's developer could then reach what the server can.
        allow_private: bool = false,
        /// Longest a whole call may take, in milliseconds, whatever the manifest says.
        timeout_max_ms: u64 = 30_000,
        /// Largest answer of an app, in bytes.
        answer_max_bytes: usize = 1024 * 1024,
        /// Largest arguments of a call, in bytes of JSON.
        arguments_max_bytes: usize = 65_536,
        /// Largest manifest, in bytes of JSON.
        manifest_max_bytes: usize = 131_072,
        /// Integrations of one developer.
        per_user_max: i64 = 100,
        /// Versions that are kept of one integration, beside the released and the waiting one.
        versions_max: i64 = 50,
        /// How long the token lives that an app is given with a call, in seconds. It stands for one user in that app.
        token_seconds: i64 = 300,
        /// Calls of one user at a time, on one node.
        calls_per_user: usize = 4,
        /// Tools that an avatar is offered in one reply.
        chat_tools_max: usize = 16,
        /// Calls of an avatar in one reply.
        chat_calls_max: usize = 3,
        /// What of a tool's answer an avatar reads, in characters.
        chat_result_max_chars: usize = 4_000,
    }
}
