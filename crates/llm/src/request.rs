//! What a model is asked: messages, sampling, limits, the shape of the answer.

use crate::{Tool, ToolCall, ToolChoice};

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions and knowledge the model must not read out.
    System,
    /// The person (or program) talking to the model.
    User,
    /// An earlier answer of the model.
    Assistant,
    /// What a function gave that the model asked for.
    Tool,
}

impl Role {
    /// The name every chat template and API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// A picture for models that see.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// MIME type, for example `image/png`.
    pub media_type: String,
    /// The raw bytes of the file.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}, {} bytes)", self.media_type, self.data.len())
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
    /// Pictures shown with it; only for models with [`crate::ModelInfo::vision`].
    pub images: Vec<Image>,
    /// Functions that the model asked for in this message.
    pub calls: Vec<ToolCall>,
    /// The call that this message is the result of.
    pub call_id: Option<String>,
}

impl ChatMessage {
    /// A message without pictures.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), images: Vec::new(), calls: Vec::new(), call_id: None }
    }

    /// A system message.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    /// A user message.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// An earlier answer.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// What a function gave.
    pub fn result(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { call_id: Some(call_id.into()), ..Self::new(Role::Tool, text) }
    }
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 = always the likeliest token; higher is more varied. Default 0.7.
    pub temperature: f32,
    /// Choose among the likeliest tokens that together have this probability, 0 to 1. Default 0.9.
    pub top_p: f32,
    /// The same seed, request and model on an idle engine give the same answer; `None` = a random one.
    pub seed: Option<u64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.7, top_p: 0.9, seed: None }
    }
}

impl Sampling {
    /// Always the likeliest token: for decisions.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, top_p: 1.0, seed: Some(0) }
    }
}

/// The shape of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Free text.
    Text,
    /// JSON that is valid under this JSON Schema, as long as `max_tokens` does not cut it: bound strings and arrays.
    Json(serde_json::Value),
}

/// One question to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The conversation, oldest first, ending with what is to be answered.
    pub messages: Vec<ChatMessage>,
    /// The most tokens to generate, at least 1; cut to what is left of the context.
    pub max_tokens: u32,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Requests with the same key share a beginning (one chat session): a hint where to look for cached work.
    pub cache_key: Option<String>,
    /// On whose behalf it is asked: a user's id, for turns between users; none for work of the server's own, which comes last.
    pub on_behalf_of: Option<i64>,
    /// The shape of the answer.
    pub output: Output,
    /// The answer ends before the first of these; they are not part of it. Empty texts are ignored.
    pub stop: Vec<String>,
    /// Functions that the model may ask for. Hand such requests in by [`crate::start_with_tools`].
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not.
    pub tool_choice: ToolChoice,
}

impl ChatRequest {
    /// A free-text request with default sampling.
    pub fn new(messages: Vec<ChatMessage>, max_tokens: u32) -> Self {
        Self {
            messages,
            max_tokens,
            sampling: Sampling::default(),
            cache_key: None,
            on_behalf_of: None,
            output: Output::Text,
            stop: Vec::new(),
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
        }
    }

    /// The text of the last user message, empty when there is none.
    pub fn last_user_text(&self) -> &str {
        self.messages.iter().rev().find(|m| m.role == Role::User).map_or("", |m| m.text.as_str())
    }

    /// Whether any message carries a picture.
    pub fn has_images(&self) -> bool {
        self.messages.iter().any(|m| !m.images.is_empty())
    }
}
