//! `[chat]`: limits and behaviour of chat streams.

use super::section::section;

section! {
    /// Limits and behaviour of chat streams.
    Chat {
        /// Longest message, in characters.
        message_max_chars: usize = 20_000,
        /// Longest system prompt, in characters.
        system_prompt_max_chars: usize = 20_000,
        /// Most images in one message.
        images_max: usize = 4,
        /// Largest image after decoding, in bytes.
        image_max_bytes: usize = 5 * 1024 * 1024,
        /// Shortest `actionControl`, in characters.
        action_control_min_chars: usize = 20,
        /// Longest `actionControl`, in characters.
        action_control_max_chars: usize = 8_000,
        /// `maxTokens` when the request names none.
        max_tokens_default: u32 = 2_000,
        /// A comment line is sent after this long without data, in seconds.
        keep_alive_seconds: u64 = 15,
        /// How long a new session waits for the model to accept the request before its `session` event is sent, in milliseconds. A model that fails within this time is an HTTP error, later an `error` event.
        accept_ms: u64 = 200,
        /// After the client hangs up, the answer goes on for this long, in seconds; then it is stopped and what is there is stored.
        hangup_grace_seconds: u64 = 60,
        /// A session with an unanswered message is given up after this long without a token, in seconds.
        stall_seconds: u64 = 120,
        /// Share of the model's context, in percent, that the conversation's past may take.
        history_percent: usize = 60,
        /// Tokens of a prompt that recalled memories may take; 0: none are recalled.
        memory_tokens: usize = 400,
        /// Most memories in one prompt.
        memories_max: usize = 12,
        /// Most sessions that one list answers with.
        sessions_max: i64 = 1_000,
        /// Sampling temperature of chats, in hundredths.
        temperature_percent: u32 = 70,
    }
}
