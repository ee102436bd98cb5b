//! `[recall]`: how memories are found again.

use super::section::section;

section! {
    /// How memories are found again: the embedder, and what is kept in memory.
    Recall {
        /// What turns texts into vectors: a name of the catalogue (`secondme model list`), a path of a GGUF file, or the name of a model at `embedder_url`. Empty: none, memories are found by their words alone.
        embedder: String = "e5-small".to_owned(),
        /// An OpenAI-compatible server's URL up to and including `/v1`; empty: the embedder runs in this process.
        embedder_url: String = String::new(),
        /// The key sent to `embedder_url` as a bearer token.
        embedder_key: secondme_kit::Secret = secondme_kit::Secret::default(),
        /// Threads of an embedder in this process. 0: half the cores.
        embedder_threads: usize = 0,
        /// How long a search waits for the vector of its question, in milliseconds; then it goes by the words alone.
        question_ms: u64 = 1_000,
        /// How often new memories are looked for to give them their vectors, in milliseconds. They are found by their words before that.
        poll_ms: u64 = 500,
        /// Memory that users' memories may take while they are in use, in MB; the longest unused go first. A million memories take some 700.
        cache_mb: usize = 1_024,
        /// A user with more changes than this is searched in the database until their memories are read in the background.
        load_at_once: i64 = 20_000,
    }
}
