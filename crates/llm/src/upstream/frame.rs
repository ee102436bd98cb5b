//! One frame of a streamed answer, or a whole unstreamed one, read leniently.

use serde_json::Value;

use super::failure;
use crate::{FinishReason, ModelError, Usage, estimate_tokens};

/// What a frame said. Anything it did not say is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub text: String,
    pub finish: Option<FinishReason>,
    pub usage: Option<Usage>,
    pub calls: Vec<CallPart>,
}

/// A piece of a function call. Id and name come with the first one, arguments in pieces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CallPart {
    pub index: Option<u64>,
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// Reads one JSON frame.
///
/// # Errors
/// `Upstream` when the frame carries an error object or is no JSON.
pub(super) fn parse(data: &str) -> Result<Frame, ModelError> {
    let value: Value = serde_json::from_str(data).map_err(|_| {
        let message = format!("not a JSON frame: {}", failure::cut(data));
        ModelError::Upstream { status: None, message }
    })?;
    if let Some(error) = value.get("error").filter(|e| !e.is_null()) {
        let status = error.get("code").and_then(Value::as_u64).and_then(|c| u16::try_from(c).ok());
        return Err(ModelError::Upstream { status, message: failure::message_in(&value) });
    }
    let choice = value.get("choices").and_then(|c| c.get(0)).unwrap_or(&Value::Null);
    let content = [choice.pointer("/delta/content"), choice.pointer("/message/content"), choice.get("text")];
    Ok(Frame {
        text: content.into_iter().flatten().find_map(text_of).unwrap_or_default(),
        finish: choice.get("finish_reason").and_then(Value::as_str).and_then(finish_of),
        usage: value.get("usage").and_then(usage_of),
        calls: calls_of(choice),
    })
}

fn calls_of(choice: &Value) -> Vec<CallPart> {
    let calls = choice.pointer("/delta/tool_calls").or_else(|| choice.pointer("/message/tool_calls"));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let part = |call: &Value| CallPart {
        index: call.get("index").and_then(Value::as_u64),
        id: text(call.get("id")),
        name: text(call.pointer("/function/name")),
        // Some servers send an object where a text is documented.
        arguments: match call.pointer("/function/arguments") {
            Some(object @ Value::Object(_)) => object.to_string(),
            other => text(other),
        },
    };
    calls.and_then(Value::as_array).map(|calls| calls.iter().map(part).collect()).unwrap_or_default()
}

/// Content is a text, or a list of parts with texts.
fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str)).collect()),
        _ => None,
    }
}

/// Some servers send an empty or made-up reason with every frame.
fn finish_of(reason: &str) -> Option<FinishReason> {
    match reason {
        "" | "null" | "None" => None,
        "length" | "max_tokens" => Some(FinishReason::Length),
        "tool_calls" | "function_call" => Some(FinishReason::ToolCalls),
        _ => Some(FinishReason::Stop),
    }
}

fn usage_of(usage: &Value) -> Option<Usage> {
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Some(Usage {
        prompt_tokens: count("/prompt_tokens")?,
        cached_tokens: count("/prompt_tokens_details/cached_tokens").unwrap_or(0),
        completion_tokens: count("/completion_tokens").unwrap_or(0),
    })
}

/// A guess for servers that do not count.
pub(super) fn estimated_usage(prompt_tokens: u32, answer: &str) -> Usage {
    let completion_tokens = u32::try_from(estimate_tokens(answer)).unwrap_or(u32::MAX);
    Usage { prompt_tokens, cached_tokens: 0, completion_tokens }
}
