//! `POST tts/generate` (contract 12), and the choice of a voice.

use axum::extract::{DefaultBodyLimit, State};
use secondme_speech::Emotion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Auth, permissions};
use crate::app::App;
use crate::config::Config;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// A character of a text in JSON takes at most so many bytes (two escapes of six).
const BYTES_PER_CHAR: usize = 12;

/// The routes of speech, below `/gate/lab/api`.
pub fn routes(config: &Config) -> OpenApiRouter<App> {
    let largest = config.speech.text_max_chars.saturating_mul(BYTES_PER_CHAR);
    // More than the limit is still read, so that the answer can say what the limit is.
    let body = largest.saturating_mul(2).max(config.server.small_body_max_bytes);
    OpenApiRouter::new()
        .routes(routes!(generate))
        .layer(DefaultBodyLimit::max(body))
        .routes(routes!(voices))
        .routes(routes!(choose))
}

/// What to say.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Generate {
    /// At most 10,000 characters.
    text: Option<String>,
    /// `happy`, `sad`, `angry`, `fearful`, `disgusted`, `surprised`, `calm` or `fluent` (the default).
    #[schema(example = "fluent")]
    emotion: Option<String>,
}

/// A spoken text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Generated {
    /// Public and permanent.
    url: String,
    /// How long the file plays.
    duration_ms: i64,
    /// Samples in a second, as the file has them.
    #[schema(example = 24_000)]
    sample_rate: i64,
    #[schema(example = "mp3")]
    format: &'static str,
}

/// Speaks a text with the voice that the user chose.
#[utoipa::path(post, path = "/secondme/tts/generate", tag = "Voice", request_body = Generate,
    security(("token" = ["voice"])), responses((status = 200, body = Envelope<Generated>)))]
async fn generate(
    State(app): State<App>,
    auth: Auth<permissions::Voice>,
    Body(body): Body<Generate>,
) -> Reply<Generated> {
    let emotion = emotion(body.emotion.as_deref())?;
    let spoken = super::generate(&app, auth.caller.user_id, body.text.unwrap_or_default(), emotion).await?;
    let (url, duration_ms, sample_rate) = (spoken.url, spoken.duration_ms, spoken.sample_rate);
    Ok(Data(Generated { url, duration_ms, sample_rate, format: "mp3" }))
}

fn emotion(name: Option<&str>) -> Result<Emotion> {
    let name = name.unwrap_or_default();
    let known = if name.is_empty() { Some(Emotion::default()) } else { Emotion::parse(name) };
    known.ok_or_else(|| {
        let problem = Problem::Expected(
            "`happy`, `sad`, `angry`, `fearful`, `disgusted`, `surprised`, `calm` or `fluent`",
            " happy、sad、angry、fearful、disgusted、surprised、calm 或 fluent",
        );
        ApiError::invalid("emotion", &problem)
    })
}

/// A voice to choose from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Voice {
    #[schema(example = "af_heart")]
    id: String,
    name: String,
    /// `en` or `zh`: what it was recorded in; texts in the other language are read by a companion. Empty: the engine does not say.
    language: &'static str,
    /// `female`, `male` or empty.
    gender: &'static str,
}

/// The voices of this server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceList {
    /// The user's choice; empty when there is none.
    voice_id: String,
    voices: Vec<Voice>,
}

/// The voices to choose from, and the caller's choice (an addition of this server).
#[utoipa::path(get, path = "/secondme/tts/voices", tag = "Voice",
    security(("token" = ["voice"])), responses((status = 200, body = Envelope<VoiceList>)))]
async fn voices(State(app): State<App>, auth: Auth<permissions::Voice>) -> Reply<VoiceList> {
    let (voices, voice_id) = super::voices(&app, auth.caller.user_id).await?;
    let voices = voices.into_iter().map(|v| Voice {
        id: v.id,
        name: v.name,
        language: v.language.map_or("", secondme_speech::Language::tag),
        gender: v.gender,
    });
    Ok(Data(VoiceList { voice_id, voices: voices.collect() }))
}

/// The choice of a voice.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChosenVoice {
    /// One of `tts/voices`; empty takes the choice back.
    voice_id: String,
}

/// Chooses the caller's voice (an addition of this server). It is a part of the profile, so it takes that scope.
#[utoipa::path(post, path = "/secondme/tts/voice", tag = "Voice", request_body = ChosenVoice,
    security(("token" = ["userinfo"])), responses((status = 200, body = Envelope<ChosenVoice>)))]
async fn choose(
    State(app): State<App>,
    auth: Auth<permissions::UserInfo>,
    Body(choice): Body<ChosenVoice>,
) -> Reply<ChosenVoice> {
    super::choose(&app, auth.caller.user_id, &choice.voice_id).await?;
    Ok(Data(choice))
}
