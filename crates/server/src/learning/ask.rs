//! Asking the configured model for JSON of a given shape.

use std::time::Duration;

use secondme_llm::{ChatMessage, ChatRequest, Output, Sampling};
use serde_json::Value;

use crate::app::App;
use crate::chat::models::ModelName;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// `learning.model` is `off`.
    Off,
    /// The model is away, busy, or gave nothing that fits. The text is for the log.
    Failed(String),
}

/// The model that learns, if there is one.
pub(super) fn model(app: &App) -> Option<ModelName> {
    match app.config().learning.model.as_str() {
        "nano" => Some(ModelName::Nano),
        "pro" => Some(ModelName::Pro),
        _ => None,
    }
}

/// Whether most letters of a text are Chinese ones: small models answer in the language of their examples.
pub(super) fn is_chinese(text: impl Iterator<Item = char>) -> bool {
    let (mut han, mut letters) = (0, 0);
    for letter in text.filter(|c| c.is_alphabetic()) {
        letters += 1;
        han += usize::from(('\u{4e00}'..='\u{9fff}').contains(&letter));
    }
    han * 2 > letters
}

/// What a model is asked.
pub(super) struct Question<'a> {
    /// What it is to do.
    pub(super) instructions: &'a str,
    /// Material with the answer that it should get; small models do what they are shown rather than what they are told.
    pub(super) examples: &'a [(String, Value)],
    /// The material of this time.
    pub(super) material: &'a str,
    /// The shape of the answer.
    pub(super) schema: Value,
    /// Its most tokens.
    pub(super) max_tokens: u32,
}

/// Asks once. The shape binds the model where it can be bound; what comes back is JSON in any case.
pub(super) async fn json(app: &App, question: Question<'_>) -> Result<Value, NoAnswer> {
    let model = app.models().get(model(app).ok_or(NoAnswer::Off)?);
    let failed = |what: String| NoAnswer::Failed(what);
    let mut messages = vec![ChatMessage::system(question.instructions)];
    for (material, answer) in question.examples {
        messages.extend([ChatMessage::user(material), ChatMessage::assistant(answer.to_string())]);
    }
    messages.push(ChatMessage::user(question.material));
    let mut request = ChatRequest::new(messages, question.max_tokens);
    request.sampling = Sampling::greedy();
    request.output = Output::Json(question.schema);
    let limit = Duration::from_secs(app.config().learning.model_seconds);
    let answer = tokio::time::timeout(limit, async { model.start(request).await?.collect_answer().await });
    let answer = tokio::select! {
        answer = answer => answer.map_err(|_| failed("no answer in time".to_owned()))?,
        () = app.stopping().cancelled() => return Err(failed("the server is stopping".to_owned())),
    };
    let text = answer.map_err(|error| failed(error.to_string()))?.text;
    let text = text.trim().trim_start_matches("```json").trim_matches('`').trim();
    serde_json::from_str(text).map_err(|_| failed("the answer is not JSON".to_owned()))
}
