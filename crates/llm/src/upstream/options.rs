//! The configuration of an upstream.

use std::time::Duration;

use secondme_kit::Secret;
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// Where the server is and what may be expected of it. Every key has a default but `base_url` and `model`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamOptions {
    /// For example `http://127.0.0.1:11434/v1`. Without a path, `/v1` is added; `/chat/completions` is added unless it is there.
    pub base_url: String,
    /// The model's name, as the server knows it.
    pub model: String,
    /// Sent as a bearer token when not empty. Default: none.
    pub api_key: Secret,
    /// Tokens that prompt and answer may have together. Default 8192.
    pub context_tokens: usize,
    /// Whether the model takes images. Default false.
    pub vision: bool,
    /// Whether the server takes a JSON Schema in `response_format`; turned off by itself when it refuses one. Default true.
    pub json_schema: bool,
    /// Whether the server takes `tools`. Default true; without, the model is asked in words whether it needs one.
    pub tools: bool,
    /// Milliseconds to connect. Default 5,000.
    pub connect_timeout_ms: u64,
    /// Milliseconds from the request to the first piece of the answer, prompt processing included. Default 120,000.
    pub first_token_timeout_ms: u64,
    /// Milliseconds between two pieces. Default 30,000.
    pub idle_timeout_ms: u64,
    /// Requests under way at once; one more is refused as busy. Default 16.
    pub max_concurrent: usize,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            model: String::new(),
            api_key: Secret::default(),
            context_tokens: 8192,
            vision: false,
            json_schema: true,
            tools: true,
            connect_timeout_ms: 5_000,
            first_token_timeout_ms: 120_000,
            idle_timeout_ms: 30_000,
            max_concurrent: 16,
        }
    }
}

impl UpstreamOptions {
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) fn first_token_timeout(&self) -> Duration {
        Duration::from_millis(self.first_token_timeout_ms)
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// The address requests go to.
    pub(super) fn endpoint(&self) -> Result<String, ModelError> {
        let unusable = |why: &str| ModelError::Unavailable(format!("upstream.base_url {why}"));
        let mut url =
            reqwest::Url::parse(self.base_url.trim()).map_err(|e| unusable(&format!("is no address: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("must start with http:// or https://"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/chat/completions") {
            let base = if path.is_empty() { "/v1" } else { &path };
            url.set_path(&format!("{base}/chat/completions"));
        }
        Ok(url.into())
    }
}
