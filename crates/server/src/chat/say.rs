//! One short text of a model for a rule that needs a few words: no session, no stream, nothing stored.

use std::time::Duration;

use secondme_llm::{ChatMessage, ChatRequest, ModelError};

use super::models::ModelName;
use super::reply::refused;
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// What `secondme/nano` says to `message`, given `system`; no longer than a silent stream would be waited for.
///
/// # Errors
/// What the model says: too long, busy, unavailable, failed; `secondme.model.timeout`.
pub async fn once(app: &App, system: String, message: String, max_tokens: u32) -> Result<String> {
    let request = ChatRequest::new(vec![ChatMessage::system(system), ChatMessage::user(message)], max_tokens);
    let model = app.models().get(ModelName::Nano).clone();
    let answer = async move { model.start(request).await?.collect_answer().await };
    let limit = Duration::from_secs(app.config().chat.stall_seconds);
    tokio::select! {
        answer = tokio::time::timeout(limit, answer) => match answer {
            Ok(Ok(answer)) if answer.text.trim().is_empty() => Err(refused(ModelError::Broken("no answer".into()))),
            Ok(Ok(answer)) => Ok(answer.text.trim().to_owned()),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(ApiError::new(Code::ModelTimeout).arg(format!("no answer for {} s", limit.as_secs()))),
        },
        () = app.stopping().cancelled() => Err(ApiError::new(Code::ShuttingDown)),
    }
}
