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
        ModelSpec::Echo => Arc::new(Scripted::echo().forgetful()),
        ModelSpec::Embedded(options) => Arc::new(Embedded::open(options)?),
        ModelSpec::Upstream(options) => Arc::new(Upstream::new(options.clone())?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelStatus;

    fn spec(json: &str) -> Result<ModelSpec, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn each_kind_is_read_and_opened() {
        assert_eq!(spec(r#"{"kind": "echo"}"#).unwrap(), ModelSpec::Echo);
        assert_eq!(open(&ModelSpec::Echo).unwrap().info().name, "echo");
        let missing = open(&spec(r#"{"kind": "embedded", "path": "/no/such.gguf"}"#).unwrap()).unwrap();
        assert_eq!(missing.info().name, "such");
        assert_ne!(missing.status(), ModelStatus::Ready);
        crate::install_tls();
        let upstream = r#"{"kind": "upstream", "base_url": "http://127.0.0.1:1", "model": "m", "api_key": "sk"}"#;
        let upstream = spec(upstream).unwrap();
        assert!(!format!("{upstream:?}").contains("sk\""), "the key is not shown");
        assert_eq!(open(&upstream).unwrap().info().name, "m");
        assert!(matches!(open(&ModelSpec::Upstream(UpstreamOptions::default())), Err(ModelError::Unavailable(_))));
    }

    #[test]
    fn misspelt_keys_and_kinds_are_refused() {
        for wrong in [r#"{"kind": "upstream", "base": "x"}"#, r#"{"kind": "embeded"}"#, r#"{"path": "x"}"#] {
            assert!(spec(wrong).is_err(), "{wrong}");
        }
    }
}
