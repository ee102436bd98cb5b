//! Text spoken with the user's voice (contract 12).
//!
//! Invariants: the voice is the user's choice and never the request's; what was spoken once is not spoken again for the same
//! engine, voice, emotion and text; and a text that is being spoken is finished and kept even if the client hangs up.

pub mod http;
mod speaker;
mod store;

use std::sync::Arc;

use futures::FutureExt;
use secondme_speech::{Clip, Emotion, Language, Speech, SpeechError, Status, Utterance, Voice};
use tokio::sync::oneshot;

pub use speaker::Speaker;

use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::users::{profile, uploads};

/// A spoken text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The file among the uploads.
    pub name: String,
    /// Where anybody can fetch the MP3 file, for good.
    pub url: String,
    /// How long it plays.
    pub duration_ms: i64,
    /// Samples in a second.
    pub sample_rate: i64,
}

/// What is known of a spoken text: its file among the user's uploads, how long that plays, and how finely.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    name: String,
    duration_ms: i64,
    sample_rate: i64,
}

impl Kept {
    fn shown(&self, app: &App) -> Spoken {
        let Self { name, duration_ms, sample_rate } = self;
        Spoken {
            name: name.clone(),
            url: uploads::url(app, name),
            duration_ms: *duration_ms,
            sample_rate: *sample_rate,
        }
    }
}

/// What a user asked for, with everything that decides what it sounds like.
struct Request {
    user_id: i64,
    utterance: Utterance,
    /// The keyed hash of engine, voice, emotion and text.
    hash: [u8; 32],
}

/// Speaks a text with the user's voice.
///
/// # Errors
/// `tts.text.too_long`, `tts.voice_id.not_set`, `tts.language.unsupported`, `tts.engine.*`, `cos.upload.failed`; `invalid.param`
/// where there is nothing to say.
pub async fn generate(app: &App, user_id: i64, text: String, emotion: Emotion) -> Result<Spoken> {
    let limit = app.config().speech.text_max_chars;
    if text.trim().is_empty() {
        return Err(ApiError::invalid("text", &Problem::Required));
    }
    if text.chars().count() > limit {
        return Err(ApiError::new(Code::TtsTooLong).arg(limit));
    }
    let voice = voice_of(app, user_id).await?;
    speak_with(app, user_id, Utterance { text, voice, emotion }).await
}

/// Speaks with a voice that was found; or finds what was spoken before.
async fn speak_with(app: &App, user_id: i64, utterance: Utterance) -> Result<Spoken> {
    let engine = app.speaker().engine()?;
    let Utterance { text, voice, emotion } = &utterance;
    let asked = format!("{user_id}\0{}\0{voice}\0{}\0{text}", engine.name(), emotion.as_str());
    let hash = app.key().digest("spoken text", &asked);
    if let Some(kept) = store::find(app.store(), user_id, &hash).await? {
        return Ok(kept.shown(app));
    }
    uploads::check_space(app, user_id).await?;
    let request = Request { user_id, utterance, hash };
    let most = app.config().speech.user_queue;
    app.speaker().once(user_id, hash, most, || begin(app, engine, request)).await
}

/// The voice that a user chose, or the server's default.
async fn voice_of(app: &App, user_id: i64) -> Result<String> {
    let chosen = profile::voice(app.store(), user_id).await?;
    let voice = if chosen.is_empty() { app.config().speech.default_voice.clone() } else { chosen };
    if voice.is_empty() { Err(ApiError::new(Code::TtsVoiceNotSet)) } else { Ok(voice) }
}

/// Starts to speak in a task of its own, which goes on when nobody waits any more.
fn begin(app: &App, engine: Arc<dyn Speech>, request: Request) -> speaker::Speaking {
    let (done, waiting) = oneshot::channel();
    let (task_app, hash) = (app.clone(), request.hash);
    app.spawn(async move {
        let outcome = tokio::select! {
            outcome = speak(&task_app, &*engine, request) => outcome,
            () = task_app.stopping().cancelled() => Err(ApiError::new(Code::ShuttingDown)),
        };
        task_app.speaker().forget(&hash);
        let _ = done.send(outcome);
    });
    async move { waiting.await.unwrap_or_else(|e| Err(ApiError::internal(e))) }.boxed().shared()
}

async fn speak(app: &App, engine: &dyn Speech, request: Request) -> Result<Spoken> {
    let Request { user_id, utterance, hash } = request;
    let clip = engine.speak(utterance).await.map_err(refusal)?;
    keep(app, user_id, &hash, clip).await
}

/// Stores the file, then what it is the answer to.
async fn keep(app: &App, user_id: i64, hash: &[u8; 32], clip: Clip) -> Result<Spoken> {
    let duration_ms = i64::try_from(clip.duration_ms).unwrap_or(i64::MAX);
    let stored = uploads::store_spoken(app, user_id, clip.mp3.into()).await?;
    let kept = Kept { name: stored.name, duration_ms, sample_rate: i64::from(clip.sample_rate) };
    let mut tx = app.store().write().await?;
    store::insert(&mut tx, user_id, hash, &kept, app.now()).await?;
    tx.commit().await?;
    Ok(kept.shown(app))
}

/// Whether the server has something that speaks, be it on its way.
pub fn speaks(app: &App) -> bool {
    app.speaker().engine().is_ok_and(|engine| !matches!(engine.status(), Status::Failed(_)))
}

/// The voices that can be chosen, and the one that the user chose (`""`: none).
///
/// # Errors
/// `tts.engine.unavailable` when the server speaks with nobody's voice.
pub async fn voices(app: &App, user_id: i64) -> Result<(Vec<Voice>, String)> {
    let voices = app.speaker().engine()?.voices();
    Ok((voices, profile::voice(app.store(), user_id).await?))
}

/// Whether texts can be spoken for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// This server does not speak, or not yet.
    Silent,
    /// It does, and the user has to choose a voice first.
    NoVoice,
    /// It does, with the user's voice.
    Ready,
}

/// Whether texts can be spoken for a user.
///
/// # Errors
/// Storage failures only.
pub async fn readiness(app: &App, user_id: i64) -> Result<Readiness> {
    if app.speaker().engine().is_err() {
        return Ok(Readiness::Silent);
    }
    match voice_of(app, user_id).await {
        Ok(_) => Ok(Readiness::Ready),
        Err(error) if error.code() == Code::TtsVoiceNotSet => Ok(Readiness::NoVoice),
        Err(error) => Err(error),
    }
}

/// Lets a user hear a voice before they choose it: a sentence in the language that it was recorded in, else in `lang`. It is kept
/// like any text that was spoken for them.
///
/// # Errors
/// `invalid.param` when there is no such voice; as [`generate`].
pub async fn sample(app: &App, user_id: i64, voice: &str, lang: Lang) -> Result<Spoken> {
    let voices = app.speaker().engine()?.voices();
    let voice = voices.into_iter().find(|v| v.id == voice).ok_or_else(unknown_voice)?;
    let lang = match voice.language {
        Some(Language::English) => Lang::En,
        Some(Language::Chinese) => Lang::Zh,
        None => lang,
    };
    let text =
        lang.pick("Hello. This is how I sound when I speak for you.", "你好，我替你说话的时候，就是这样的声音。");
    let utterance = Utterance { text: text.to_owned(), voice: voice.id, emotion: Emotion::default() };
    speak_with(app, user_id, utterance).await
}

fn unknown_voice() -> ApiError {
    ApiError::invalid("voiceId", &Problem::Expected("one of `tts/voices`", " tts/voices 中的音色"))
}

/// Chooses a voice; `""` takes the choice back.
///
/// # Errors
/// `invalid.param` when there is no such voice; `tts.engine.unavailable`.
pub async fn choose(app: &App, user_id: i64, voice: &str) -> Result<()> {
    let known = voice.is_empty() || app.speaker().engine()?.voices().iter().any(|v| v.id == voice);
    if !known {
        return Err(unknown_voice());
    }
    profile::set_voice(app, user_id, voice).await
}

/// What a client sees of an engine's failure.
fn refusal(error: SpeechError) -> ApiError {
    let seen = match &error {
        SpeechError::Busy { retry_after_secs } => {
            ApiError::new(Code::TtsBusy).arg(retry_after_secs).retry_after(*retry_after_secs)
        }
        // What is missing (a path, an address) is for the operator's log.
        SpeechError::Unavailable(_) => ApiError::new(Code::TtsUnavailable).arg("the engine does not answer"),
        SpeechError::Language(script) => ApiError::new(Code::TtsLanguage).arg(script),
        SpeechError::Nothing => {
            return ApiError::invalid("text", &Problem::Expected("something that can be spoken", "可朗读的内容"));
        }
        // Chosen while the server had another engine.
        SpeechError::Voice(_) => ApiError::new(Code::TtsVoiceNotSet),
        SpeechError::Timeout(_) => ApiError::new(Code::TtsTimeout),
        SpeechError::Upstream { .. } | SpeechError::Broken(_) => ApiError::new(Code::TtsFailed),
    };
    seen.caused_by(error)
}
