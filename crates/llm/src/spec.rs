//! The piece of configuration that names a model, and the model made from it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ChatModel, Embedded, EmbeddedOptions, ModelError, Scripted, Upstream, UpstreamOptions};

/// Which model: `{ kind = "echo" }`, `{ kind = "embedded", path = … }`, `{ kind = "upstream", base_url = …, model = … }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelSpec {
    /// The fake that repeats the question.
    Echo,
    /// A GGUF file, run in this process.
    Embedded(EmbeddedOptions),
    /// An OpenAI-compatible server.
    Upstream(UpstreamOptions),
}

/// Makes the model. Returns at once; a file is loaded in the background.
///
/// # Errors
/// `Unavailable` when the configuration cannot work (a bad address).
pub fn open(spec: &ModelSpec) -> Result<Arc<dyn ChatModel>, ModelError> {
    Ok(match spec {
        ModelSpec::Echo => Arc::new(Scripted::echo()),
        ModelSpec::Embedded(options) => Arc::new(Embedded::open(options)?),
        ModelSpec::Upstream(options) => Arc::new(Upstream::new(options.clone())?),
    })
}
