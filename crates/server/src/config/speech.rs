//! `[speech]`: what speaks with the users' voices.

use super::section::section;

section! {
    /// Text to speech: the engine and its limits.
    Speech {
        /// `kokoro` (in this process, English and Chinese; its files are fetched once), `openai` (any server with OpenAI's `/v1/audio/speech`), `hum` (a fake for tests that hums) or `off`.
        kind: String = "kokoro".to_owned(),
        /// Longest text, in characters.
        text_max_chars: usize = 10_000,
        /// The voice of users who chose none. Empty: they are refused with `tts.voice_id.not_set`.
        default_voice: String = String::new(),
        /// Texts that may wait or be spoken at the same time; more are answered 503 with `Retry-After`.
        queue: usize = 16,
        /// The same for one user's texts.
        user_queue: usize = 3,
        /// Kokoro: threads for one sentence. 0: all cores.
        threads: usize = 0,
        /// Kokoro: path of the network (ONNX). Empty: the one of the catalogue.
        model_path: String = String::new(),
        /// Kokoro: path of the file with the voices. Empty: the one of the catalogue.
        voices_path: String = String::new(),
        /// Kokoro: path of ONNX Runtime's shared library. Empty: the one of the catalogue.
        library_path: String = String::new(),
        /// OpenAI-compatible: the URL up to and including `/v1`.
        base_url: String = String::new(),
        /// OpenAI-compatible: the key sent as a bearer token.
        api_key: secondme_kit::Secret = secondme_kit::Secret::default(),
        /// OpenAI-compatible: the model's name there.
        model: String = String::new(),
        /// OpenAI-compatible: the voices that users may choose, by their names there.
        voices: Vec<String> = Vec::new(),
        /// OpenAI-compatible: whether the emotion is sent in words, as `instructions`.
        instructions: bool = true,
        /// OpenAI-compatible: whether the emotion's pace is sent, as `speed`.
        speed: bool = false,
        /// OpenAI-compatible: longest text sent at once, in characters; longer ones are sent in pieces and joined.
        piece_max_chars: usize = 1_000,
        /// OpenAI-compatible: time to connect, in seconds.
        connect_seconds: u64 = 5,
        /// OpenAI-compatible: time for one piece, in seconds.
        timeout_seconds: u64 = 60,
    }
}
