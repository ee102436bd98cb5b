//! The configuration of the embedded engine.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::process::threads_are_passive;

/// Which file, how much memory, how many threads. Only `path` has to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedOptions {
    /// The GGUF file.
    pub path: PathBuf,
    /// The name in logs and answers; empty = the file's name without its ending.
    pub name: String,
    /// Tokens that prompt and answer of one request may have together. Default 4096, cut to what the model was trained for.
    pub context_tokens: usize,
    /// Tokens that all requests and remembered conversations together may hold; beginnings that are equal count once.
    /// Costs 12 to 28 KiB of memory a token with the catalogue's models. Default 8192, at least `context_tokens`.
    pub cache_tokens: usize,
    /// Requests generated at the same time. Default 4, at most 64.
    pub slots: usize,
    /// Requests that may wait for a slot; one more is refused as busy. Default 32.
    pub queue: usize,
    /// Threads for generating. 0 (the default) = one when the threads sleep while they wait
    /// ([`crate::ensure_passive_threads`]), because waking them hundreds of times a token costs more than a second one
    /// brings; else half of the cores, because every thread waits for the slowest and other programs want cores too.
    pub decode_threads: usize,
    /// Threads for reading prompts. 0 (the default) = all cores.
    pub prompt_threads: usize,
    /// Tokens of a prompt that are read in one step; also how long a cancelled request can go on. Default 128, 16 to 512.
    pub prompt_chunk: usize,
    /// Send llama.cpp's own log to `tracing` (target `llama-cpp-2`); one setting for the whole process, the first engine's
    /// counts. Default false.
    pub engine_log: bool,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            name: String::new(),
            context_tokens: 4096,
            cache_tokens: 8192,
            slots: 4,
            queue: 32,
            decode_threads: 0,
            prompt_threads: 0,
            prompt_chunk: 128,
            engine_log: false,
        }
    }
}

impl EmbeddedOptions {
    /// The defaults for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The same with every number in its range and the thread counts filled in.
    pub(super) fn effective(&self) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let answering = if threads_are_passive() { 1 } else { (cores / 2).max(1) };
        let or = |set: usize, default: usize| if set == 0 { default } else { set.min(512) };
        let context_tokens = self.context_tokens.max(256);
        Self {
            name: if self.name.is_empty() { self.stem() } else { self.name.clone() },
            context_tokens,
            cache_tokens: self.cache_tokens.max(context_tokens),
            slots: self.slots.clamp(1, 64),
            decode_threads: or(self.decode_threads, answering),
            prompt_threads: or(self.prompt_threads, cores),
            prompt_chunk: self.prompt_chunk.clamp(16, 512),
            ..self.clone()
        }
    }

    fn stem(&self) -> String {
        self.path.file_stem().map_or_else(|| "embedded".into(), |s| s.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brought_into_range_and_the_name_comes_from_the_file() {
        let strange = EmbeddedOptions {
            context_tokens: 10_000,
            cache_tokens: 1,
            slots: 0,
            prompt_chunk: 1,
            ..EmbeddedOptions::new("/m/tiny.gguf")
        };
        let effective = strange.effective();
        assert_eq!((effective.name.as_str(), effective.slots, effective.prompt_chunk), ("tiny", 1, 16));
        assert_eq!(effective.cache_tokens, 10_000, "one request always fits");
        assert!(effective.decode_threads >= 1 && effective.prompt_threads >= effective.decode_threads);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = serde_json::from_str::<EmbeddedOptions>(r#"{"path": "x", "slot": 2}"#).unwrap_err().to_string();
        assert!(error.contains("slot"), "{error}");
        let options: EmbeddedOptions = serde_json::from_str(r#"{"path": "x", "slots": 2}"#).unwrap();
        assert_eq!((options.slots, options.queue), (2, 32));
    }
}
