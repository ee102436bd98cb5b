//! `POST /home/chat/speak/{message}`: an answer of one's avatar, spoken with one's voice. Without scripts the browser goes to the
//! file and plays it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secondme_speech::Emotion;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::chat::sessions;
use crate::error::{ApiError, Code, Result};
use crate::http::Path;
use crate::pages::{is_from_script, markdown, picture};
use crate::users::accounts::{Member, Posted};
use crate::voice;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/home/chat/speak/{message}", post(speak))
}

#[derive(Deserialize)]
struct Nothing {}

async fn speak(
    State(app): State<App>,
    Path(message): Path<String>,
    headers: HeaderMap,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    let session = sessions::of_message(&app, member.user_id(), &message).await?;
    let spoken = spoken(&app, member.user_id(), &session, &message).await;
    if is_from_script(&headers) {
        return Ok(Json(json!({"url": spoken?})).into_response());
    }
    match spoken {
        Ok(file) => Ok(Member::go(&file)),
        Err(error) if error.code() == Code::TtsVoiceNotSet => member.refused(&app, "/home/settings#voice", error),
        Err(error) => member.refused(&app, &format!("/home/chat/{session}"), error),
    }
}

/// The file of an answer.
async fn spoken(app: &App, user_id: i64, session: &str, message: &str) -> Result<String> {
    let unknown = || ApiError::new(Code::NotFound).arg("message");
    let all = sessions::messages(app.store(), user_id, session).await?;
    let said = all.into_iter().find(|m| m.message_id == message && m.role == "assistant").ok_or_else(unknown)?;
    let spoken = voice::generate(app, user_id, markdown::plain(&said.content), Emotion::default()).await?;
    Ok(picture(app, &spoken.url).unwrap_or(spoken.url))
}
