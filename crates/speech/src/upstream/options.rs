//! The configuration of an upstream.

use secondme_kit::Secret;

use crate::SpeechError;

/// Where the server is and what may be expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamOptions {
    /// For example `http://127.0.0.1:8880/v1`. Without a path, `/v1` is added; `/audio/speech` is added unless it is there.
    pub base_url: String,
    /// The model's name, as the server knows it.
    pub model: String,
    /// Sent as a bearer token when not empty.
    pub api_key: Secret,
    /// The voices that users may choose, as the server knows them.
    pub voices: Vec<String>,
    /// Whether an emotion is sent in words, as `instructions`.
    pub instructions: bool,
    /// Whether an emotion's pace is sent, as `speed`.
    pub speed: bool,
    /// The longest text that is sent at once, in characters.
    pub max_chars: usize,
    /// The longest answer, in bytes.
    pub max_bytes: usize,
    /// Seconds to connect.
    pub connect_seconds: u64,
    /// Seconds for one piece of a text.
    pub timeout_seconds: u64,
    /// Texts under way at once; one more is refused as busy.
    pub max_concurrent: usize,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            model: String::new(),
            api_key: Secret::default(),
            voices: Vec::new(),
            instructions: true,
            speed: false,
            max_chars: 1_000,
            max_bytes: 32 * 1024 * 1024,
            connect_seconds: 5,
            timeout_seconds: 60,
            max_concurrent: 16,
        }
    }
}

impl UpstreamOptions {
    /// The address requests go to.
    pub(super) fn endpoint(&self) -> Result<String, SpeechError> {
        let unusable = |why: String| SpeechError::Unavailable(format!("speech.base_url {why}"));
        let mut url = reqwest::Url::parse(self.base_url.trim()).map_err(|e| unusable(format!("is no address: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("must start with http:// or https://".to_owned()));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/audio/speech") {
            let base = if path.is_empty() { "/v1" } else { &path };
            url.set_path(&format!("{base}/audio/speech"));
        }
        Ok(url.into())
    }
}
