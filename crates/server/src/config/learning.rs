//! `[learning]`: what is learned, from what, and when.

use super::section::section;

section! {
    /// What the avatar learns from chats, notes and important events, and the portrait it keeps.
    Learning {
        /// The model that reads them and writes the portrait: `nano`, `pro`, or `off` (nothing is read; the portrait is put together from key memories).
        model: String = "nano".to_owned(),
        /// A chat or note is read when nothing was said in it for this long, in seconds; important events this long after the first.
        quiet_seconds: i64 = 300,
        /// Messages or events that one reading takes at most.
        batch_messages: i64 = 30,
        /// Answers of the avatar that a new memory is compared with, so that what it recalled does not come back as news: the last ones.
        echo_answers: i64 = 200,
        /// Longest message as it is read, in characters; the rest is left out.
        message_max_chars: usize = 2_000,
        /// How much of a note is read, in characters from its beginning.
        note_chars: usize = 8_000,
        /// Most key memories from one reading.
        memories_max: usize = 8,
        /// Key memories that a new one is compared with: the last changed ones.
        compare_max: i64 = 5_000,
        /// Hour of the user's day (0 to 23) at which the portrait is rewritten.
        dream_hour: i64 = 3,
        /// Key memories that a portrait is made from at most.
        portrait_memories_max: i64 = 200,
        /// Longest portrait, in characters.
        portrait_max_chars: usize = 1_200,
        /// Most interest tags that the portrait adds or changes in a night.
        shades_max: usize = 4,
        /// Rewrites of a portrait whose difference is kept.
        portraits_kept: i64 = 30,
        /// Longest wait for a model's answer, in seconds.
        model_seconds: u64 = 300,
    }
}
