//! `[models.nano]` and `[models.pro]`: what `secondme/nano` and `secondme/pro` really are.

use super::section::section;

section! {
    /// One model: an embedded GGUF file, an OpenAI-compatible server, or the scripted echo.
    Model {
        /// `embedded`, `openai` or `echo`. Empty on `pro`: the same model as `nano`.
        kind: String = "embedded".to_owned(),
        /// Embedded: a name of the catalogue (`secondme model list`) or a path of a GGUF file. OpenAI-compatible: the model's name there.
        model: String = "qwen2.5-0.5b".to_owned(),
        /// OpenAI-compatible: the URL up to and including `/v1`.
        base_url: String = String::new(),
        /// OpenAI-compatible: the key sent as a bearer token.
        api_key: secondme_kit::Secret = secondme_kit::Secret::default(),
        /// Tokens that prompt and answer may have together. The longest `actionControl` in Chinese takes some 8,000.
        context_tokens: usize = 12_288,
        /// OpenAI-compatible: whether the model takes images.
        vision: bool = false,
        /// OpenAI-compatible: whether the server takes `tools`. Without, the model is asked in words whether it needs one.
        tools: bool = true,
        /// OpenAI-compatible: time to connect, in seconds.
        connect_seconds: u64 = 5,
        /// OpenAI-compatible: time to the first byte of an answer, in seconds.
        first_token_seconds: u64 = 60,
        /// OpenAI-compatible: longest silence within an answer, in seconds.
        idle_seconds: u64 = 60,
        /// OpenAI-compatible: answers streamed at the same time.
        max_concurrent: usize = 256,
        /// Embedded: answers generated at the same time.
        slots: usize = 4,
        /// Embedded: requests that may wait for a slot; more are answered 503 with `Retry-After`.
        queue: usize = 32,
        /// Embedded: threads that generate. 0: half the cores.
        decode_threads: usize = 0,
        /// Embedded: threads that read prompts. 0: all cores.
        prompt_threads: usize = 0,
    }
}

/// The models that clients can name.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// `secondme/nano`.
    pub nano: Model,
    /// `secondme/pro`.
    pub pro: Model,
}

impl Default for Models {
    fn default() -> Self {
        Self { nano: Model::default(), pro: Model { kind: String::new(), ..Model::default() } }
    }
}
