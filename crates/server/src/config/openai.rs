//! `[openai]`: limits of the OpenAI-compatible endpoint.

use super::section::section;

section! {
    /// The OpenAI-compatible endpoint `/v1`.
    Openai {
        /// Most messages of one request.
        messages_max: usize = 2_000,
        /// Most functions of one request.
        tools_max: usize = 64,
        /// Largest JSON Schema of an answer, or of a function's arguments, in bytes.
        schema_max_bytes: usize = 65_536,
        /// Most texts of one request for vectors.
        embed_inputs_max: usize = 256,
        /// Longest text that becomes a vector, in characters.
        embed_input_max_chars: usize = 20_000,
    }
}
