//! `POST /v1/chat/completions`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use secondme_llm::{ChatEvent, Sampling, Tool, ToolChoice};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};

use super::OpenAiError;
use super::frames::Head;
use super::messages::{self, Message, Stop, chosen};
use crate::access::{Auth, Caller, permissions};
use crate::app::App;
use crate::chat::converse::{self, Conversation, Hearing};
use crate::chat::models::ModelName;
use crate::error::{ApiError, Problem};
use crate::http::{Body, sse};

/// The parameters that have an effect. Those that would change the answer and are not supported are refused; hints
/// (`user`, `metadata`, penalties, `store`, …) have none.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    model: Option<Value>,
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    seed: Option<i64>,
    stop: Option<Stop>,
    response_format: Option<Value>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    n: Option<u32>,
    logprobs: Option<bool>,
    modalities: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: bool,
}

const MAX_TOKENS: u32 = 16_000;
const STOPS_MAX: usize = 4;

/// Answers a conversation.
pub(super) async fn create(
    State(app): State<App>,
    access: std::result::Result<Auth<permissions::ChatWrite>, ApiError>,
    body: std::result::Result<Body<Request>, ApiError>,
) -> Result<Response, OpenAiError> {
    let caller = access?.caller;
    let Body(request) = body?;
    let streams = request.stream.unwrap_or(false);
    let tells_usage = streams && request.stream_options.as_ref().is_some_and(|options| options.include_usage);
    let conversation = request.read(&app)?;
    let head = Head {
        id: format!("chatcmpl-{}", app.entropy().alphanumeric(24)),
        created: app.now().div_euclid(1_000),
        model: conversation.model.as_str(),
        tells_usage,
    };
    if streams {
        stream(&app, &caller, conversation, head).await
    } else {
        let whole = converse::whole(&app, &caller, &conversation).await?;
        Ok(Json(head.completion(&whole)).into_response())
    }
}

/// Begins the answer, so that a refusal has its status, and sends it as it comes; or, when it must be whole first, at once.
async fn stream(app: &App, caller: &Caller, conversation: Conversation, head: Head) -> Result<Response, OpenAiError> {
    let (frames, receiver) = mpsc::unbounded_channel();
    if converse::may_stream(app, &conversation) {
        let hearing = converse::start(app, caller, &conversation).await?;
        app.spawn(async move { finish(&frames, pieces(&frames, hearing, &head).await) });
    } else {
        let (app, caller) = (app.clone(), caller.clone());
        app.clone().spawn(async move {
            let gone = frames.clone();
            tokio::select! {
                end = at_once(&app, &caller, &conversation, &frames, &head) => finish(&frames, end),
                () = gone.closed() => {}
            }
        });
    }
    Ok(sse::response(receiver, Duration::from_secs(app.config().chat.keep_alive_seconds)))
}

async fn pieces(frames: &UnboundedSender<Bytes>, mut hearing: Hearing, head: &Head) -> Result<(), ApiError> {
    let _ = frames.send(head.begin());
    let mut calls = 0;
    loop {
        let event = tokio::select! {
            event = hearing.next() => event?,
            // Nobody listens any more: what is dropped here ends the generation.
            () = frames.closed() => return Ok(()),
        };
        match event {
            ChatEvent::Text(text) => _ = frames.send(head.text(&text)),
            ChatEvent::Call(call) => {
                let _ = frames.send(head.call(calls, &call));
                calls += 1;
            }
            ChatEvent::Finished { reason, usage } => {
                head.end(reason, &usage).into_iter().for_each(|frame| _ = frames.send(frame));
                return Ok(());
            }
        }
    }
}

async fn at_once(
    app: &App,
    caller: &Caller,
    conversation: &Conversation,
    frames: &UnboundedSender<Bytes>,
    head: &Head,
) -> Result<(), ApiError> {
    let _ = frames.send(head.begin());
    let whole = converse::whole(app, caller, conversation).await?;
    if !whole.text.is_empty() {
        let _ = frames.send(head.text(&whole.text));
    }
    for (index, call) in whole.calls.iter().enumerate() {
        let _ = frames.send(head.call(index, call));
    }
    head.end(whole.reason, &whole.usage).into_iter().for_each(|frame| _ = frames.send(frame));
    Ok(())
}

fn finish(frames: &UnboundedSender<Bytes>, end: Result<(), ApiError>) {
    if let Err(error) = end {
        tracing::warn!(cause = %error, "an answer failed");
        let _ = frames.send(sse::data(&OpenAiError::from(error).body()));
    }
    let _ = frames.send(Bytes::from_static(sse::DONE.as_bytes()));
}

impl Request {
    /// Checks what can be checked without the database.
    fn read(self, app: &App) -> Result<Conversation, OpenAiError> {
        let config = app.config();
        let model = ModelName::parse(self.model.as_ref(), &config.compat).map_err(|_| OpenAiError::unknown_model())?;
        for (param, refused) in [
            ("n", self.n.is_some_and(|n| n != 1)),
            ("logprobs", self.logprobs == Some(true)),
            ("modalities", self.modalities.is_some_and(|all| all.iter().any(|one| one != "text"))),
        ] {
            if refused {
                return Err(OpenAiError::unsupported(param));
            }
        }
        let max_tokens = self.max_completion_tokens.or(self.max_tokens).unwrap_or(config.chat.max_tokens_default);
        if max_tokens == 0 {
            return Err(OpenAiError::invalid("max_tokens", &Problem::Expected("at least 1", "至少为 1")));
        }
        let sampling = Sampling {
            temperature: number("temperature", self.temperature, 2.0)?
                .unwrap_or(config.chat.temperature_percent as f32 / 100.0),
            top_p: number("top_p", self.top_p, 1.0)?.unwrap_or(Sampling::default().top_p),
            seed: self.seed.map(i64::unsigned_abs),
        };
        let stop = self.stop.map(Stop::into_list).unwrap_or_default();
        if stop.len() > STOPS_MAX {
            return Err(OpenAiError::invalid("stop", &Problem::TooMany(STOPS_MAX)));
        }
        let schema = schema(app, self.response_format.as_ref())?;
        let tools = tools(app, self.tools.unwrap_or_default())?;
        let tool_choice = choice(self.tool_choice.as_ref(), &tools)?;
        let read = messages::read(config, self.messages)?;
        Ok(Conversation {
            model,
            instructions: read.instructions,
            messages: read.messages,
            // Clients ask for what their model can; here this is the most.
            max_tokens: max_tokens.min(MAX_TOKENS),
            sampling,
            stop,
            schema,
            tools,
            tool_choice,
        })
    }
}

fn number(param: &str, value: Option<f32>, max: f32) -> Result<Option<f32>, OpenAiError> {
    match value {
        Some(number) if !(0.0..=max).contains(&number) => {
            Err(OpenAiError::invalid(param, &Problem::Parser(format!("must be from 0 to {max}"))))
        }
        value => Ok(value),
    }
}

/// What the answer must be valid under.
fn schema(app: &App, format: Option<&Value>) -> Result<Option<Value>, OpenAiError> {
    const FIELD: &str = "response_format";
    let Some(format) = format.filter(|format| !format.is_null()) else { return Ok(None) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({"type": "object"}))),
        Some("json_schema") => {
            let schema = format.pointer("/json_schema/schema").filter(|schema| schema.is_object());
            let schema =
                schema.ok_or_else(|| OpenAiError::invalid("response_format.json_schema.schema", &Problem::Required))?;
            checked(app, "response_format.json_schema.schema", schema).map(Some)
        }
        _ => {
            let expected =
                Problem::Expected("of type text, json_object or json_schema", " text、json_object 或 json_schema 类型");
            Err(OpenAiError::invalid(FIELD, &expected))
        }
    }
}

fn checked(app: &App, field: &str, schema: &Value) -> Result<Value, OpenAiError> {
    let max = app.config().openai.schema_max_bytes;
    if schema.to_string().len() > max {
        return Err(OpenAiError::invalid(field, &Problem::Parser(format!("is larger than {max} bytes"))));
    }
    secondme_shape::check_schema(schema).map_err(|why| OpenAiError::invalid(field, &Problem::Parser(why)))?;
    Ok(schema.clone())
}

fn tools(app: &App, tools: Vec<Value>) -> Result<Vec<Tool>, OpenAiError> {
    let max = app.config().openai.tools_max;
    if tools.len() > max {
        return Err(OpenAiError::invalid("tools", &Problem::TooMany(max)));
    }
    tools.iter().enumerate().map(|(at, tool)| one_tool(app, at, tool)).collect()
}

fn one_tool(app: &App, at: usize, tool: &Value) -> Result<Tool, OpenAiError> {
    let field = format!("tools[{at}]");
    if tool["type"] != "function" {
        return Err(OpenAiError::unsupported(&field));
    }
    let function = &tool["function"];
    let name = function["name"].as_str().unwrap_or_default();
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"_-".contains(&c);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        let expected = Problem::Expected("1 to 64 letters, digits, `_`, `-`", " 1 到 64 个字母、数字、`_`、`-`");
        return Err(OpenAiError::invalid(&format!("{field}.function.name"), &expected));
    }
    let parameters = match &function["parameters"] {
        Value::Null => json!({"type": "object", "properties": {}}),
        schema => checked(app, &format!("{field}.function.parameters"), schema)?,
    };
    let description = function["description"].as_str().unwrap_or_default().to_owned();
    Ok(Tool { name: name.to_owned(), description, parameters })
}

fn choice(choice: Option<&Value>, tools: &[Tool]) -> Result<ToolChoice, OpenAiError> {
    let Some(word) = choice.filter(|choice| !choice.is_null()) else { return Ok(ToolChoice::Auto) };
    match (chosen(word), word.is_string()) {
        (Some("auto"), true) => Ok(ToolChoice::Auto),
        (Some("none"), true) => Ok(ToolChoice::Never),
        (Some("required"), true) if !tools.is_empty() => Ok(ToolChoice::Required),
        (Some(name), false) if tools.iter().any(|tool| tool.name == name) => Ok(ToolChoice::Only(name.to_owned())),
        _ => {
            let expected =
                Problem::Expected("auto, none, required, or one of the tools", " auto、none、required 或某个工具");
            Err(OpenAiError::invalid("tool_choice", &expected))
        }
    }
}
