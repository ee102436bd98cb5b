//! What a persona says to somebody whose conversation is kept elsewhere: the prompt of a chat turn, handed to a model.

use secondme_llm::{ChatMessage, ChatRequest, ChatStream, Role, Sampling};

use super::memories::{self, Section};
use super::models::ModelName;
use super::persona::Persona;
use super::prompt::{self, Material, Past};
use super::reply::refused;
use crate::app::App;
use crate::error::Result;
use crate::memory::audience::Listener;

/// Something to answer.
#[derive(Debug)]
pub struct Speech<'a> {
    /// Who speaks.
    pub persona: &'a Persona,
    /// What it remembers, as a section of its prompt; empty: nothing.
    pub memories: &'a str,
    /// What was said before, oldest first.
    pub past: &'a [Past],
    /// What is to be answered.
    pub message: &'a str,
    /// The beginning of the answer, when it was said already; the model goes on from there.
    pub said: &'a str,
    /// Whose turn at the model it takes; none: the server's own.
    pub on_behalf_of: Option<i64>,
    /// Speeches with the same key share their beginning.
    pub cache_key: &'a str,
    /// The same seed makes a model that can repeat itself do so.
    pub seed: u64,
    /// The most tokens of the answer.
    pub max_tokens: u32,
}

const GO_ON: &str =
    "(Your last message was cut off. Go on exactly where it stops; repeat nothing of it and say nothing about this.)";

/// What the persona remembers towards `listener` of what fits `message`, cut to the budget of a prompt.
///
/// # Errors
/// Storage failures only.
pub async fn remember(app: &App, who: &Remembering<'_>, message: &str) -> Result<Section> {
    let chat = &app.config().chat;
    if chat.memories_max == 0 || chat.memory_tokens == 0 {
        return Ok(Section::default());
    }
    let hits = match who.listener {
        Listener::Owner => memories::recall(app, who.owner_id, who.listener, message, None).await?,
        listener => memories::recall_for_visitor(app, who.owner_id, listener, message, who.notes).await?,
    };
    let model = app.models().get(ModelName::Nano).clone();
    Ok(memories::section(model.as_ref(), who.owner_name, message, &hits, chat.memory_tokens))
}

/// Whose memories are told to whom.
#[derive(Clone, Copy, Debug)]
pub struct Remembering<'a> {
    /// Whose they are.
    pub owner_id: i64,
    /// What the owner is called.
    pub owner_name: &'a str,
    /// Who listens.
    pub listener: &'a Listener,
    /// The notes that the owner named for the avatar that speaks.
    pub notes: &'a [i64],
}

/// Hands it to the model behind `secondme/nano` and waits for its place.
///
/// # Errors
/// `secondme.context.too_long`, and what the model says: busy, unavailable, failed.
pub async fn speak(app: &App, speech: &Speech<'_>) -> Result<ChatStream> {
    let chat = &app.config().chat;
    let model = app.models().get(ModelName::Nano).clone();
    let material = Material {
        persona: speech.persona,
        system_prompt: None,
        memories: speech.memories,
        task: None,
        past: speech.past,
        message: speech.message,
        images: &[],
        max_tokens: speech.max_tokens,
        history_percent: chat.history_percent,
    };
    let mut messages = prompt::build(model.as_ref(), &material)?.messages;
    if !speech.said.is_empty() {
        messages.push(ChatMessage::new(Role::Assistant, speech.said));
        messages.push(ChatMessage::user(GO_ON));
    }
    let request = ChatRequest {
        sampling: Sampling {
            temperature: chat.temperature_percent as f32 / 100.0,
            seed: Some(speech.seed),
            ..Sampling::default()
        },
        cache_key: Some(speech.cache_key.to_owned()),
        on_behalf_of: speech.on_behalf_of,
        ..ChatRequest::new(messages, speech.max_tokens)
    };
    model.start(request).await.map_err(refused)
}
