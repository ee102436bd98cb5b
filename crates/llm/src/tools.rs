//! Functions that a model may ask for. The caller runs them; a model only names one and fills in its arguments.
//!
//! A server that knows tools is given them. Every other model decides first, in a short answer that a schema binds, whether one
//! is needed, and answers in words if none is. What comes out is the same.

use std::sync::Arc;

use futures::stream;
use secondme_kit::secret::sha256;
use serde_json::{Value, json};

use crate::{
    Answer, ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatStream, FinishReason, ModelError, Output, Role,
    Sampling,
};

/// A function that a model may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Unique within a request.
    pub name: String,
    /// When to use it, for the model.
    pub description: String,
    /// The JSON Schema of its arguments: an object.
    pub parameters: Value,
}

/// A function that a model asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within a conversation; the result names it.
    pub id: String,
    /// Which function.
    pub name: String,
    /// Its arguments as JSON. A server may have got them wrong: check.
    pub arguments: String,
}

/// Whether a model may, must or must not ask for a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it thinks fit.
    #[default]
    Auto,
    /// It answers in words.
    Never,
    /// It asks for one of them.
    Required,
    /// It asks for this one.
    Only(String),
}

/// What a decision may cost, arguments included.
const DECISION_TOKENS: u32 = 800;
/// How a model says that it needs no function.
const NONE: &str = "none";

/// Hands in a request that may have tools, and messages about them.
///
/// # Errors
/// As [`ChatModel::start`]; `Broken` when a model that must ask for a function does not.
pub async fn start_with_tools(model: Arc<dyn ChatModel>, request: ChatRequest) -> Result<ChatStream, ModelError> {
    if model.info().tools {
        return model.start(request).await;
    }
    let plain = ChatRequest {
        messages: request.messages.iter().map(ChatMessage::in_words).collect(),
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        ..request.clone()
    };
    if request.tools.is_empty() || request.tool_choice == ToolChoice::Never {
        return model.start(plain).await;
    }
    let decided = model.start(decision(&*model, &request, &plain)).await?.collect_answer().await?;
    match (call(&request, &decided), request.tool_choice) {
        (Some(call), _) => Ok(calling(call, &decided)),
        (None, ToolChoice::Auto) => model.start(plain).await,
        (None, _) => Err(ModelError::Broken("no function was asked for".into())),
    }
}

impl ChatMessage {
    /// A message about functions as a message in words, for models that know none.
    #[must_use]
    pub fn in_words(&self) -> Self {
        if self.role == Role::Tool {
            return Self::user(format!("(Result of the function: {})", self.text));
        }
        let mut text = self.text.clone();
        for call in &self.calls {
            if !text.is_empty() && !text.ends_with(char::is_whitespace) {
                text.push(' ');
            }
            text.push_str(&format!("(I call the function {} with {})", call.name, call.arguments));
        }
        Self { text, calls: Vec::new(), ..self.clone() }
    }
}

/// The question whether a function is needed. It stands after the conversation, whose computation is reused for the answer.
fn decision(model: &dyn ChatModel, request: &ChatRequest, plain: &ChatRequest) -> ChatRequest {
    let offered = offered(request);
    let mut words = String::from(
        "## Functions\nBefore you answer, decide whether the last message needs one of these functions. Answer with JSON alone: \
         {\"call\":\"none\"} when you can answer without, or the call.",
    );
    for tool in &offered {
        words.push_str(&format!("\n- {}: {} Arguments: {}", tool.name, tool.description, tool.parameters));
    }
    let mut messages = plain.messages.clone();
    match messages.first_mut().filter(|first| first.role == Role::System && !model.info().late_system) {
        Some(first) => first.text.push_str(&format!("\n\n{words}")),
        None => messages.push(ChatMessage::system(words)),
    }
    ChatRequest {
        messages,
        max_tokens: DECISION_TOKENS,
        sampling: Sampling::greedy(),
        output: Output::Json(schema(&offered, request.tool_choice == ToolChoice::Auto)),
        stop: Vec::new(),
        ..plain.clone()
    }
}

fn offered(request: &ChatRequest) -> Vec<&Tool> {
    let only = |tool: &&Tool| match &request.tool_choice {
        ToolChoice::Only(name) => tool.name == *name,
        _ => true,
    };
    request.tools.iter().filter(only).collect()
}

fn schema(tools: &[&Tool], may_decline: bool) -> Value {
    let decline = json!({"type": "object", "properties": {"call": {"const": NONE}}, "required": ["call"],
                         "additionalProperties": false});
    let call = |tool: &&Tool| {
        json!({"type": "object", "properties": {"call": {"const": tool.name}, "arguments": arguments(&tool.parameters)},
               "required": ["call", "arguments"], "additionalProperties": false})
    };
    let choices: Vec<Value> = may_decline.then_some(decline).into_iter().chain(tools.iter().map(call)).collect();
    json!({"anyOf": choices})
}

/// The schema of arguments inside another one: references would lead elsewhere from there.
fn arguments(parameters: &Value) -> Value {
    let refers = parameters.to_string().contains("\"$ref\"");
    let object = parameters.get("type").is_some_and(|kind| kind == "object");
    if refers || !object { json!({"type": "object"}) } else { parameters.clone() }
}

/// The call that was decided for, if it is one of the offered functions.
fn call(request: &ChatRequest, decided: &Answer) -> Option<ToolCall> {
    let value: Value = serde_json::from_str(decided.text.trim()).ok()?;
    let name = value.get("call")?.as_str()?;
    let tool = offered(request).into_iter().find(|tool| tool.name == name)?;
    let arguments = value.get("arguments").cloned().unwrap_or_else(|| json!({})).to_string();
    // The same decision at another place of the conversation is another call.
    let hash = sha256(format!("{}\0{name}\0{arguments}", request.messages.len()).as_bytes());
    let id = hash.iter().take(12).fold("call_".to_owned(), |id, byte| id + &format!("{byte:02x}"));
    Some(ToolCall { id, name: tool.name.clone(), arguments })
}

fn calling(call: ToolCall, decided: &Answer) -> ChatStream {
    let end = ChatEvent::Finished { reason: FinishReason::ToolCalls, usage: decided.usage };
    ChatStream::new(stream::iter([Ok(ChatEvent::Call(call)), Ok(end)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scripted, scripted::Step};
    use futures::StreamExt;

    fn weather() -> Tool {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        Tool { name: "weather".into(), description: "The weather of a city.".into(), parameters }
    }

    fn request(tool_choice: ToolChoice) -> ChatRequest {
        ChatRequest {
            tools: vec![weather()],
            tool_choice,
            ..ChatRequest::new(vec![ChatMessage::system("You are Ada."), ChatMessage::user("Rain in Lisbon?")], 100)
        }
    }

    async fn events(model: Scripted, request: ChatRequest) -> Vec<ChatEvent> {
        let stream = start_with_tools(Arc::new(model), request).await.unwrap();
        stream.map(|event| event.unwrap()).collect().await
    }

    #[tokio::test]
    async fn a_model_without_tools_decides_under_a_schema() {
        let decides = |text: &'static str| {
            Scripted::with(move |request| match &request.output {
                Output::Json(_) => vec![Step::text(text)],
                Output::Text => vec![Step::text("No idea.")],
            })
        };
        let called =
            events(decides(r#"{"call":"weather","arguments":{"city":"Lisbon"}}"#), request(ToolChoice::Auto)).await;
        let ChatEvent::Call(call) = &called[0] else { panic!("{called:?}") };
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("weather", r#"{"city":"Lisbon"}"#));
        assert!(matches!(called[1], ChatEvent::Finished { reason: FinishReason::ToolCalls, .. }));
        for text in [r#"{"call":"none"}"#, r#"{"call":"unknown","arguments":{}}"#, "cut {"] {
            let spoken = events(decides(text), request(ToolChoice::Auto)).await;
            assert_eq!(spoken[0], ChatEvent::Text("No idea.".into()), "{text}");
        }
        let spoken = events(decides(r#"{"call":"weather","arguments":{}}"#), request(ToolChoice::Never)).await;
        assert_eq!(spoken[0], ChatEvent::Text("No idea.".into()));
        let refused = start_with_tools(Arc::new(decides("{}")), request(ToolChoice::Required)).await;
        assert!(matches!(refused, Err(ModelError::Broken(_))));
    }

    #[tokio::test]
    async fn messages_about_functions_become_words_for_models_that_know_none() {
        let model = Arc::new(Scripted::echo());
        let mut request = request(ToolChoice::Never);
        let call = ToolCall { id: "call_1".into(), name: "weather".into(), arguments: "{}".into() };
        request.messages.push(ChatMessage { calls: vec![call], ..ChatMessage::assistant("") });
        request.messages.push(ChatMessage::result("call_1", "sunny"));
        start_with_tools(model.clone(), request).await.unwrap();
        let asked = &model.requests()[0];
        assert!(asked.tools.is_empty() && asked.messages.iter().all(|m| m.calls.is_empty() && m.role != Role::Tool));
        assert!(asked.messages[2].text.contains("weather") && asked.messages[3].text.contains("sunny"));
    }

    #[test]
    fn references_of_arguments_do_not_leave_their_schema() {
        let refers = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}});
        assert_eq!(arguments(&refers), json!({"type": "object"}));
        assert_eq!(arguments(&weather().parameters), weather().parameters);
    }
}
