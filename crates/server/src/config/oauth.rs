//! `[oauth]`: lifetimes of codes and tokens (HOUSE-RULES "Lifetimes").

use super::section::section;

section! {
    /// Lifetimes of codes, tokens and browser sessions.
    Oauth {
        /// Authorization codes, in seconds. Single use.
        code_seconds: i64 = 300,
        /// Access tokens of a user in an app, in seconds.
        access_token_seconds: i64 = 7_200,
        /// App tokens (client credentials), in seconds.
        app_token_seconds: i64 = 604_800,
        /// Personal tokens (skills login), in seconds.
        personal_token_seconds: i64 = 604_800,
        /// Refresh tokens, in seconds from issue. Never rotated.
        refresh_token_seconds: i64 = 31_536_000,
        /// How long a looked-up token may be answered from memory, in milliseconds. Revocations empty that memory at once.
        token_cache_ms: u64 = 5_000,
        /// Expired codes and tokens are kept this long, so that their error can say `expired`, in seconds.
        keep_expired_seconds: i64 = 604_800,
        /// How long a public client may still use a refresh token that was replaced, in seconds: its answer may have been lost. After that, using it ends every token of that approval.
        refresh_reuse_grace_seconds: i64 = 10,
        /// How long an old client secret may stay valid beside a new one at most, in seconds.
        secret_overlap_max_seconds: i64 = 604_800,
        /// Lets clients that nobody registered register themselves (`/oauth2/register`, RFC 7591), as MCP clients do.
        dynamic_registration: bool = false,
        /// How many may do so in an hour, all together.
        registrations_per_hour: i64 = 60,
        /// What such clients may ask users for.
        registration_scopes: Vec<String> = ["userinfo", "memory.read", "chat.read", "chat.write", "note.write", "agent_memory", "activity"].map(str::to_owned).to_vec(),
        /// Such clients are deleted when nobody has authorized them after this many days.
        registration_keep_days: i64 = 7,
        /// How often the counts of the access log are written, in milliseconds. A crash loses that much of it.
        access_log_flush_ms: u64 = 5_000,
        /// How long the access log is kept, in days.
        access_log_keep_days: i64 = 365,
    }
}
