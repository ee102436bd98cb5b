//! The bare engine, for comparisons: what the bench examples need and nothing else should use.

use std::path::Path;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

use serde_json::Value;

use super::json::Grammars;
use super::load;
use crate::ModelError;

/// The engine's process-wide part.
///
/// # Errors
/// `Unavailable` when it does not start.
pub fn backend() -> Result<&'static LlamaBackend, ModelError> {
    load::backend(false)
}

/// A model without anything of ours around it.
///
/// # Errors
/// `Unavailable` when it cannot be loaded.
pub fn load(path: impl AsRef<Path>) -> Result<LlamaModel, ModelError> {
    LlamaModel::load_from_file(backend()?, path, &LlamaModelParams::default())
        .map_err(|e| ModelError::Unavailable(e.to_string()))
}

/// What makes constraints for one model's vocabulary.
pub struct Constraints(Grammars);

impl Constraints {
    /// Reads the vocabulary (0.2 to 0.5 s).
    ///
    /// # Errors
    /// `Broken` when the vocabulary cannot be used.
    pub fn of(model: &LlamaModel) -> Result<Self, ModelError> {
        Grammars::of(model).map(Self)
    }

    /// Compiles `schema` and computes its first mask over the vocabulary, as the first token of an answer does.
    ///
    /// # Errors
    /// `Unsupported` for a schema that cannot be enforced, `Broken` when the mask cannot be computed.
    pub fn first_mask(&self, schema: &Value) -> Result<(), ModelError> {
        let mut matcher = self.0.matcher(schema)?;
        matcher.compute_mask_or_eos().map(drop).map_err(|e| ModelError::Broken(e.to_string()))
    }
}

impl std::fmt::Debug for Constraints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Constraints")
    }
}
