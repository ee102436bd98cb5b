//! Answers in OpenAI's shapes: a whole completion, and the chunks of a stream.

use bytes::Bytes;
use secondme_llm::{FinishReason, ToolCall, Usage};
use serde_json::{Value, json};

use crate::chat::converse::Whole;
use crate::http::sse;

/// What every part of one answer says about it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) model: &'static str,
    /// Whether the last chunk tells the cost, and the others that they do not.
    pub(super) tells_usage: bool,
}

pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}

fn call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

impl Head {
    /// A whole answer.
    pub(super) fn completion(&self, whole: &Whole) -> Value {
        let mut message = json!({"role": "assistant", "content": whole.text, "refusal": null});
        if !whole.calls.is_empty() {
            message["tool_calls"] = whole.calls.iter().map(call).collect();
            if whole.text.is_empty() {
                message["content"] = Value::Null;
            }
        }
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": whole.reason.word()});
        json!({"id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
               "choices": [choice], "usage": usage(&whole.usage)})
    }

    fn chunk(&self, delta: &Value, finish: Option<FinishReason>) -> Bytes {
        let choice =
            json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish.map(FinishReason::word)});
        self.framed(json!([choice]), Value::Null)
    }

    fn framed(&self, choices: Value, usage: Value) -> Bytes {
        let mut chunk = json!({"id": self.id, "object": "chat.completion.chunk", "created": self.created,
                               "model": self.model, "choices": choices});
        if self.tells_usage {
            chunk["usage"] = usage;
        }
        sse::data(&chunk)
    }

    /// The first chunk.
    pub(super) fn begin(&self) -> Bytes {
        self.chunk(&json!({"role": "assistant", "content": ""}), None)
    }

    /// A piece of text.
    pub(super) fn text(&self, text: &str) -> Bytes {
        self.chunk(&json!({"content": text}), None)
    }

    /// A function that is asked for, the `index`th.
    pub(super) fn call(&self, index: usize, asked: &ToolCall) -> Bytes {
        let mut asked = call(asked);
        asked["index"] = index.into();
        self.chunk(&json!({"tool_calls": [asked]}), None)
    }

    /// The last chunks.
    pub(super) fn end(&self, reason: FinishReason, cost: &Usage) -> Vec<Bytes> {
        let mut frames = vec![self.chunk(&json!({}), Some(reason))];
        if self.tells_usage {
            frames.push(self.framed(json!([]), usage(cost)));
        }
        frames
    }
}
