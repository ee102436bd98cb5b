//! A server's or the network's failure as a [`ModelError`]: short, and without the key.

use reqwest::header::RETRY_AFTER;
use secondme_kit::Secret;
use serde_json::Value;

use super::UpstreamOptions;
use crate::ModelError;

/// What a busy server that names no time is given.
pub(super) const DEFAULT_RETRY_SECS: u32 = 5;
/// The longest message that is passed on, in characters.
const MAX_MESSAGE: usize = 300;
/// The most of an error body that is read.
const MAX_BODY: usize = 64 * 1024;
/// How long an error body may take.
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// No HTTP answer at all.
pub(super) fn from_transport(error: reqwest::Error) -> ModelError {
    let timeout = error.is_timeout();
    let message = chain(&error.without_url());
    if timeout { ModelError::Timeout(message) } else { ModelError::Unavailable(format!("no connection: {message}")) }
}

/// The error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    cut(&text)
}

/// An answer with a status other than 2xx.
pub(super) async fn from_response(response: reqwest::Response, options: &UpstreamOptions) -> ModelError {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let text = tokio::time::timeout(BODY_TIMEOUT, read_some(response)).await.unwrap_or_default();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    if matches!(status, 429 | 503) {
        let secs: u32 = retry_after.unwrap_or(DEFAULT_RETRY_SECS);
        tracing::debug!(status, "the model server is busy");
        return ModelError::Busy { retry_after_secs: secs.clamp(1, 3600) };
    }
    if let Some(error) = too_long(&body, options.context_tokens) {
        return error;
    }
    let message = if body.is_null() { cut(&text) } else { message_in(&body) };
    ModelError::Upstream { status: Some(status), message: redact(message, &options.api_key) }
}

/// Replaces the key in a message, for servers that repeat it.
pub(super) fn redact(message: String, key: &Secret) -> String {
    if key.is_empty() { message } else { message.replace(key.expose(), "[redacted]") }
}

async fn read_some(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY {
            bytes.truncate(MAX_BODY);
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The two ways in which servers say that the prompt does not fit.
fn too_long(body: &Value, context_tokens: usize) -> Option<ModelError> {
    let error = body.get("error")?;
    let says = |field: &str, text: &str| error.get(field).and_then(Value::as_str) == Some(text);
    if !says("code", "context_length_exceeded") && !says("type", "exceed_context_size_error") {
        return None;
    }
    let count = |field: &str| error.get(field).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let limit = count("n_ctx").unwrap_or(context_tokens);
    Some(ModelError::TooLong { tokens: count("n_prompt_tokens").unwrap_or(limit + 1), limit })
}

/// The human text somewhere in an error body.
pub(super) fn message_in(body: &Value) -> String {
    let places = ["/error/message", "/error", "/message", "/detail/0/msg", "/detail", "/errors/0/message"];
    let found = places.iter().find_map(|place| body.pointer(place).and_then(Value::as_str));
    found.map_or_else(|| cut(&body.to_string()), cut)
}

/// At most [`MAX_MESSAGE`] characters, in one line.
pub(super) fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
