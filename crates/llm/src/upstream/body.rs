//! The request as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::{ChatMessage, ChatRequest, Output, Tool, ToolChoice};

/// What the server is known to take.
#[derive(Clone, Copy)]
pub(super) struct Features {
    /// `stream_options.include_usage`.
    pub usage: bool,
    /// `response_format.json_schema`.
    pub schema: bool,
}

/// The body of `/v1/chat/completions`.
pub(super) fn build(model: &str, request: &ChatRequest, features: Features) -> Value {
    let mut messages: Vec<Value> = request.messages.iter().map(message).collect();
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    body.insert("stream".into(), json!(true));
    if features.usage {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    body.insert("max_tokens".into(), json!(request.max_tokens.max(1)));
    body.insert("temperature".into(), short(request.sampling.temperature));
    body.insert("top_p".into(), short(request.sampling.top_p));
    if let Some(seed) = request.sampling.seed {
        // Some servers read a signed 32-bit number.
        body.insert("seed".into(), json!(seed & 0x7fff_ffff));
    }
    let stop: Vec<&String> = request.stop.iter().filter(|s| !s.is_empty()).collect();
    if !stop.is_empty() {
        body.insert("stop".into(), json!(stop));
    }
    if let Output::Json(schema) = &request.output {
        body.insert("response_format".into(), response_format(schema, features));
        if !features.schema {
            describe_schema(&mut messages, schema);
        }
    }
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
        body.insert("tool_choice".into(), choice(&request.tool_choice));
    }
    body.insert("messages".into(), Value::Array(messages));
    Value::Object(body)
}

/// 0.7 and not 0.699999988079071.
fn short(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or_else(|_| json!(number), |n| json!(n))
}

fn message(message: &ChatMessage) -> Value {
    let role = message.role.as_str();
    if let Some(id) = &message.call_id {
        return json!({"role": role, "tool_call_id": id, "content": message.text});
    }
    if !message.calls.is_empty() {
        let calls = message.calls.iter().map(|call| {
            json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
        });
        return json!({"role": role, "content": message.text, "tool_calls": calls.collect::<Vec<_>>()});
    }
    if message.images.is_empty() {
        return json!({"role": role, "content": message.text});
    }
    let mut parts = vec![json!({"type": "text", "text": message.text})];
    for image in &message.images {
        let url = format!("data:{};base64,{}", image.media_type, STANDARD.encode(&image.data));
        parts.push(json!({"type": "image_url", "image_url": {"url": url}}));
    }
    json!({"role": role, "content": parts})
}

fn tool(tool: &Tool) -> Value {
    let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
    json!({"type": "function", "function": function})
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Never => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Only(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(schema: &Value, features: Features) -> Value {
    if features.schema {
        let strict = is_strict(schema);
        json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": strict, "schema": schema}})
    } else {
        json!({"type": "json_object"})
    }
}

/// Whether a server that enforces `strict` would take the schema: every object is closed and requires all of its properties.
/// Others are asked for without `strict`, which such servers follow as well as they can.
fn is_strict(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return false };
    let is_object = fields.get("type").is_some_and(|kind| kind == "object") || fields.contains_key("properties");
    if is_object {
        let required = fields.get("required").and_then(Value::as_array);
        let all = fields.get("properties").and_then(Value::as_object).is_some_and(|properties| {
            properties.keys().all(|name| required.is_some_and(|r| r.iter().any(|word| word == name)))
        });
        if !all || fields.get("additionalProperties") != Some(&Value::Bool(false)) {
            return false;
        }
    }
    fields.iter().all(|(word, value)| match (word.as_str(), value) {
        ("properties" | "$defs" | "definitions", Value::Object(named)) => named.values().all(is_strict),
        ("anyOf" | "prefixItems", Value::Array(parts)) => parts.iter().all(is_strict),
        ("items", part) => is_strict(part),
        ("allOf" | "oneOf" | "not" | "if" | "patternProperties", _) => false,
        _ => true,
    })
}

/// The schema in words, for servers that cannot enforce it: appended to the first system message, or put before all.
fn describe_schema(messages: &mut Vec<Value>, schema: &Value) {
    let words = format!("Answer with one JSON value only, valid under this JSON Schema: {schema}");
    match messages.first_mut() {
        Some(first) if first["role"] == "system" && first["content"].is_string() => {
            let text = first["content"].as_str().unwrap_or_default();
            first["content"] = json!(format!("{text}\n\n{words}"));
        }
        _ => messages.insert(0, json!({"role": "system", "content": words})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_is_asked_for_only_where_it_is_taken() {
        let closed = |required: Value| {
            json!({"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "array", "items": {"type": "string"}}},
                   "required": required, "additionalProperties": false})
        };
        assert!(is_strict(&closed(json!(["a", "b"]))));
        assert!(!is_strict(&closed(json!(["a"]))), "an optional property");
        assert!(!is_strict(&json!({"type": "object", "properties": {"a": {}}, "required": ["a"]})), "open");
        assert!(!is_strict(&json!({"type": "array", "items": closed(json!(["b"]))})), "inside");
    }
}
