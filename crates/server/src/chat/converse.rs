//! A conversation that its client keeps: the avatar answers with its persona and memories, and nothing is stored.
//!
//! Start reading at [`start`] (words as they come) and [`whole`] (one answer, valid JSON where a schema is given).

use std::time::Duration;

use futures::StreamExt;
use secondme_llm::{
    ChatEvent, ChatMessage, ChatRequest, ChatStream, FinishReason, ModelError, Output, Role, Sampling, Tool, ToolCall,
    ToolChoice, Usage, start_with_tools,
};
use serde_json::Value;

use super::act;
use super::models::ModelName;
use super::prompt::{self, Material, Past};
use super::reply::refused;
use super::turn::refuse_banned;
use super::{memories, persona};
use crate::access::Caller;
use crate::access::revocations::Watch;
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::memory::audience::Listener;
use crate::users::{profile, shades};

/// What is asked, with everything that was said before.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Which model answers.
    pub model: ModelName,
    /// Instructions for the avatar.
    pub instructions: String,
    /// What was said, oldest first; at least one message of the user.
    pub messages: Vec<ChatMessage>,
    /// The most tokens of the answer.
    pub max_tokens: u32,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// The answer ends before the first of these.
    pub stop: Vec<String>,
    /// What the answer must be valid under, when it is to be JSON.
    pub schema: Option<Value>,
    /// Functions of the client that the avatar may ask for.
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not.
    pub tool_choice: ToolChoice,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What is said.
    pub text: String,
    /// Functions that are asked for.
    pub calls: Vec<ToolCall>,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it cost.
    pub usage: Usage,
}

/// An answer as it comes. Dropping it ends the generation.
pub struct Hearing {
    app: App,
    stream: ChatStream,
    access: Watch,
}

/// Whether an answer can be sent as it comes; one that must be valid JSON may have to be whole first.
pub fn may_stream(app: &App, conversation: &Conversation) -> bool {
    let model = app.models().get(conversation.model);
    let tools = !conversation.tools.is_empty();
    conversation
        .schema
        .as_ref()
        .is_none_or(|schema| !tools && act::may_stream(&**model, schema, conversation.max_tokens))
}

/// Hands the conversation to the model and waits for its place.
///
/// # Errors
/// `secondme.app.banned`, `secondme.context.too_long`, and what the model says: busy, unavailable, failed.
pub async fn start(app: &App, caller: &Caller, conversation: &Conversation) -> Result<Hearing> {
    refuse_banned(app.config(), caller)?;
    let request = request(app, caller, conversation).await?;
    hear(app, caller, conversation, request).await
}

/// The same to its end. JSON that is not valid is asked for a second time.
///
/// # Errors
/// As [`start`]; `secondme.act.output.*` when the answer is no valid JSON.
pub async fn whole(app: &App, caller: &Caller, conversation: &Conversation) -> Result<Whole> {
    refuse_banned(app.config(), caller)?;
    let mut request = request(app, caller, conversation).await?;
    let mut last = String::new();
    for _ in 0..2 {
        let answer = hear(app, caller, conversation, request.clone()).await?.collect().await?;
        let Some(schema) = conversation.schema.as_ref().filter(|_| answer.calls.is_empty()) else { return Ok(answer) };
        match act::valid(schema, &answer.text) {
            Ok(value) => return Ok(Whole { text: value.to_string(), reason: FinishReason::Stop, ..answer }),
            Err(_) if answer.reason == FinishReason::Length => return Err(ApiError::new(Code::ActIncomplete)),
            Err(problem) => {
                request.messages.push(ChatMessage::assistant(answer.text.chars().take(2_000).collect::<String>()));
                request.messages.push(ChatMessage::user(act::again(&problem)));
                last = problem;
            }
        }
    }
    tracing::warn!(problem = last, "an answer that was to be JSON was not valid");
    Err(ApiError::new(Code::ActInvalidOutput))
}

async fn hear(app: &App, caller: &Caller, conversation: &Conversation, request: ChatRequest) -> Result<Hearing> {
    let access = app.revocations().watch(app.store(), caller.user_id, caller.app_id()).await?;
    let model = app.models().get(conversation.model).clone();
    let stream = tokio::select! {
        stream = start_with_tools(model, request) => stream.map_err(refused)?,
        () = app.stopping().cancelled() => return Err(ApiError::new(Code::ShuttingDown)),
        () = access.ended() => return Err(ApiError::new(Code::AuthorizationRevoked)),
    };
    Ok(Hearing { app: app.clone(), stream, access })
}

/// The avatar's prompt with the client's conversation in it. What stands after the user's last message (functions that were
/// called since, and what they gave) follows as it is.
async fn request(app: &App, caller: &Caller, conversation: &Conversation) -> Result<ChatRequest> {
    let messages = &conversation.messages;
    let asked = messages.iter().rposition(|message| message.role == Role::User);
    let asked = asked.ok_or_else(|| ApiError::invalid("messages", &Problem::Required))?;
    let question = &messages[asked];
    let persona = {
        let mut tx = app.store().read().await?;
        let profile = profile::get_in(&mut tx, caller.user_id).await?;
        persona::of_owner(&profile, &shades::list_in(&mut tx, caller.user_id).await?)
    };
    let recalled = memories::recall(app, caller.user_id, &Listener::Owner, &question.text, None).await?;
    let model = app.models().get(conversation.model);
    let chat = &app.config().chat;
    let remembered = memories::section(&**model, &persona.name, &question.text, &recalled, chat.memory_tokens);
    let past: Vec<Past> = messages[..asked].iter().map(past).collect();
    let task = conversation.schema.as_ref().map(|_| "Answer with the JSON alone: no explanation, no code fence.");
    let material = Material {
        persona: &persona,
        system_prompt: Some(conversation.instructions.as_str()).filter(|text| !text.is_empty()),
        memories: &remembered.text,
        task,
        past: &past,
        message: &question.text,
        images: &question.images,
        max_tokens: conversation.max_tokens,
        history_percent: chat.history_percent,
    };
    let mut prompt = prompt::build(&**model, &material)?.messages;
    prompt.extend_from_slice(&messages[asked + 1..]);
    Ok(ChatRequest {
        sampling: conversation.sampling.clone(),
        output: conversation.schema.clone().map_or(Output::Text, Output::Json),
        stop: conversation.stop.clone(),
        tools: conversation.tools.clone(),
        tool_choice: conversation.tool_choice.clone(),
        cache_key: Some(format!("converse:{}", caller.user_id)),
        on_behalf_of: Some(caller.user_id),
        ..ChatRequest::new(prompt, conversation.max_tokens)
    })
}

fn past(message: &ChatMessage) -> Past {
    let message = message.in_words();
    Past { role: message.role, text: message.text, images: message.images }
}

impl Hearing {
    /// The next piece. After [`ChatEvent::Finished`] or an error nothing more is to be asked for.
    ///
    /// # Errors
    /// What the model says; `secondme.server.stopping`, `oauth2.authorization.revoked`, `secondme.model.timeout`.
    pub async fn next(&mut self) -> Result<ChatEvent> {
        let stall = Duration::from_secs(self.app.config().chat.stall_seconds);
        tokio::select! {
            biased;
            () = self.app.stopping().cancelled() => Err(ApiError::new(Code::ShuttingDown)),
            () = self.access.ended() => Err(ApiError::new(Code::AuthorizationRevoked)),
            event = self.stream.next() => match event {
                Some(event) => event.map_err(refused),
                None => Err(refused(ModelError::Broken("the answer ended without an end".into()))),
            },
            () = tokio::time::sleep(stall) => {
                Err(ApiError::new(Code::ModelTimeout).arg(format!("no token for {} s", stall.as_secs())))
            }
        }
    }

    async fn collect(mut self) -> Result<Whole> {
        let (mut text, mut calls) = (String::new(), Vec::new());
        loop {
            match self.next().await? {
                ChatEvent::Text(piece) => text.push_str(&piece),
                ChatEvent::Call(call) => calls.push(call),
                ChatEvent::Finished { reason, usage } => return Ok(Whole { text, calls, reason, usage }),
            }
        }
    }
}
