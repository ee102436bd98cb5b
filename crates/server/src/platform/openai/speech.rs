//! `POST /v1/audio/speech`: a text in the user's own voice, as an MP3 file.

use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use secondme_speech::Emotion;
use serde::Deserialize;

use super::OpenAiError;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Problem};
use crate::http::Body;
use crate::{users::uploads, voice};

/// The user's voice, as clients name a model.
pub(super) const MODEL: &str = "secondme/voice";

/// The parameters that have an effect. `voice` has none: whose voice it is, is the user's choice (contract 12).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    model: Option<String>,
    input: Option<String>,
    instructions: Option<String>,
    response_format: Option<String>,
    stream_format: Option<String>,
    speed: Option<f32>,
}

/// Speaks a text.
pub(super) async fn create(
    State(app): State<App>,
    access: Result<Auth<permissions::Voice>, ApiError>,
    body: Result<Body<Request>, ApiError>,
) -> Result<Response, OpenAiError> {
    let caller = access?.caller;
    let Body(request) = body?;
    let emotion = request.emotion();
    let text = request.read()?;
    let spoken = voice::generate(&app, caller.user_id, text, emotion).await.map_err(about_input)?;
    let file = uploads::file(&app, &spoken.name).await?;
    let headers = [(CONTENT_TYPE, "audio/mpeg".to_owned()), (CONTENT_LENGTH, file.meta.size.to_string())];
    Ok((headers, axum::body::Body::from_stream(file.into_stream())).into_response())
}

impl Request {
    /// Checks everything but the text's length, which is the voice's to say.
    fn read(self) -> Result<String, OpenAiError> {
        if self.model.is_some_and(|model| model != MODEL) {
            return Err(OpenAiError::unknown_model());
        }
        if self.response_format.is_some_and(|format| format != "mp3") {
            return Err(OpenAiError::invalid("response_format", &Problem::Expected("`mp3`", " `mp3`")));
        }
        if self.stream_format.is_some_and(|format| format != "audio") {
            return Err(OpenAiError::invalid("stream_format", &Problem::Expected("`audio`", " `audio`")));
        }
        if self.speed.is_some_and(|speed| (speed - 1.0).abs() > f32::EPSILON) {
            return Err(OpenAiError::unsupported("speed"));
        }
        let text = self.input.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| OpenAiError::invalid("input", &Problem::Required))
    }

    /// Instructions that are the name of an emotion; other words have no effect.
    fn emotion(&self) -> Emotion {
        let words = self.instructions.as_deref().unwrap_or_default();
        Emotion::parse(words.trim()).unwrap_or_default()
    }
}

/// The rules call the text `text`; here it is `input`.
fn about_input(error: ApiError) -> OpenAiError {
    match error.code() {
        Code::InvalidParam => {
            OpenAiError::invalid("input", &Problem::Expected("something that can be spoken", "可朗读的内容"))
        }
        Code::TtsTooLong | Code::TtsLanguage => OpenAiError::about("input", error),
        _ => error.into(),
    }
}
