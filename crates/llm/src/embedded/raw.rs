//! The bare engine, for comparisons: what `examples/raw_bench.rs` needs and nothing else should use.

use std::path::Path;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

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
