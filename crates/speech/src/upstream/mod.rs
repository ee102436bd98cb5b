//! Any server that speaks OpenAI's `/v1/audio/speech`. Long texts are sent in pieces, and the answers joined frame by frame.

mod options;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub use options::UpstreamOptions;

use crate::audio::{self, mp3};
use crate::text::sentences;
use crate::{Clip, Speech, SpeechError, Status, Utterance, Voice};

/// What a busy server that names no time is given.
const DEFAULT_RETRY_SECS: u32 = 5;
/// The longest message of a server that is passed on, in characters.
const MAX_MESSAGE: usize = 300;

/// An engine behind an OpenAI-compatible server.
pub struct Upstream {
    options: UpstreamOptions,
    endpoint: String,
    client: reqwest::Client,
    permits: Semaphore,
}

impl Upstream {
    /// Makes the client; the server is not asked anything yet. Needs a TLS provider first.
    ///
    /// # Errors
    /// `Unavailable` when the address is unusable.
    pub fn new(options: UpstreamOptions) -> Result<Self, SpeechError> {
        let endpoint = options.endpoint()?;
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(options.connect_seconds.max(1)))
            .timeout(Duration::from_secs(options.timeout_seconds.max(1)))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| SpeechError::Unavailable(format!("no HTTP client: {}", e.without_url())))?;
        let permits = Semaphore::new(options.max_concurrent.max(1));
        Ok(Self { options, endpoint, client, permits })
    }

    /// One piece: the sound as the server sent it.
    async fn piece(&self, text: &str, utterance: &Utterance) -> Result<Bytes, SpeechError> {
        let mut body = json!({
            "model": self.options.model,
            "input": text,
            "voice": utterance.voice,
            "response_format": "mp3",
        });
        if self.options.instructions
            && let Some(instructions) = utterance.emotion.instructions()
        {
            body["instructions"] = Value::String(instructions);
        }
        let pace = utterance.emotion.prosody().pace;
        if self.options.speed && (pace - 1.0).abs() > f32::EPSILON {
            body["speed"] = json!(f64::from((pace * 100.0).round()) / 100.0);
        }
        let mut call = self.client.post(&self.endpoint).json(&body);
        if !self.options.api_key.is_empty() {
            call = call.bearer_auth(self.options.api_key.expose());
        }
        let response = call.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let retry_after =
                response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
            let body = self.limited(response).await.unwrap_or_default();
            return Err(self.refusal(status, retry_after, &body));
        }
        self.limited(response).await
    }

    /// The body, as long as it is not longer than allowed.
    async fn limited(&self, mut response: reqwest::Response) -> Result<Bytes, SpeechError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > self.options.max_bytes {
                let message = format!("more than {} bytes", self.options.max_bytes);
                return Err(SpeechError::Upstream { status: None, message });
            }
        }
        Ok(body.freeze())
    }

    fn refusal(&self, status: u16, retry_after: Option<u32>, body: &[u8]) -> SpeechError {
        if matches!(status, 429 | 503) {
            return SpeechError::Busy { retry_after_secs: retry_after.unwrap_or(DEFAULT_RETRY_SECS).clamp(1, 3600) };
        }
        let parsed: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let places = ["/error/message", "/error", "/message", "/detail/0/msg", "/detail"];
        let text = places.iter().find_map(|place| parsed.pointer(place).and_then(Value::as_str));
        let text = text.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
        let mut message: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !self.options.api_key.is_empty() {
            message = message.replace(self.options.api_key.expose(), "[redacted]");
        }
        SpeechError::Upstream { status: Some(status), message: message.chars().take(MAX_MESSAGE).collect() }
    }
}

fn failed(error: reqwest::Error) -> SpeechError {
    let timeout = error.is_timeout();
    let mut cause: &dyn std::error::Error = &error.without_url();
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let message = cause.to_string();
    if timeout { SpeechError::Timeout(message) } else { SpeechError::Unavailable(format!("no connection: {message}")) }
}

/// Joins the answers of a text's pieces into one file.
fn join(answers: &[Bytes]) -> Result<Clip, SpeechError> {
    let no_sound = |message: &str| SpeechError::Upstream { status: None, message: message.to_owned() };
    let mut file = BytesMut::new();
    let mut first = None;
    for answer in answers {
        let encoded = match audio::wav_samples(answer) {
            Some((samples, rate)) => Some(mp3::encode(&samples, rate)?),
            None => None,
        };
        let bytes = encoded.as_ref().map_or(answer, |clip| &clip.mp3);
        let frames = mp3::frames(bytes);
        if frames.is_empty() {
            return Err(no_sound("the answer is neither MP3 nor WAV"));
        }
        for (header, frame) in frames {
            let kind = (header.sample_rate, header.channels);
            if *first.get_or_insert(kind) != kind {
                return Err(no_sound("the answers of one text have different sample rates"));
            }
            file.extend_from_slice(frame);
        }
    }
    mp3::clip(file.freeze()).ok_or_else(|| no_sound("the answer has no sound"))
}

#[async_trait]
impl Speech for Upstream {
    async fn speak(&self, utterance: Utterance) -> Result<Clip, SpeechError> {
        let voices = &self.options.voices;
        if !voices.contains(&utterance.voice) {
            return Err(SpeechError::Voice(utterance.voice));
        }
        let pieces = sentences::paragraphs(&utterance.text, self.options.max_chars.max(50));
        if !utterance.text.chars().any(char::is_alphanumeric) {
            return Err(SpeechError::Nothing);
        }
        let _permit =
            self.permits.try_acquire().map_err(|_| SpeechError::Busy { retry_after_secs: DEFAULT_RETRY_SECS })?;
        let mut answers = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            answers.push(self.piece(piece, &utterance).await?);
        }
        tokio::task::spawn_blocking(move || join(&answers)).await.map_err(|e| SpeechError::Broken(e.to_string()))?
    }

    fn voices(&self) -> Vec<Voice> {
        let voice = |id: &String| Voice { id: id.clone(), name: id.clone(), language: None, gender: "" };
        self.options.voices.iter().map(voice).collect()
    }

    fn name(&self) -> String {
        format!("{} {}", self.endpoint, self.options.model)
    }

    fn status(&self) -> Status {
        Status::Ready
    }
}
