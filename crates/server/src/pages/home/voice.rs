//! The voice in `/home/settings`: which one, and what it sounds like. Without scripts the sample is on the page that comes back.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::settings;
use crate::app::App;
use crate::error::{Lang, Result};
use crate::pages::{is_from_script, picture};
use crate::users::accounts::{Member, Posted};
use crate::voice::{self, Readiness};

/// Where the voice is on the page.
const HERE: &str = "/home/settings#voice";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/home/settings/voice", post(choose)).route("/home/settings/voice/sample", post(sample))
}

/// The voices of this server, and the one that is looked at.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Groups by language; without any this server does not speak.
    pub(super) groups: Vec<(&'static str, Vec<Line>)>,
    /// The one that is selected in the list; empty: none.
    pub(super) selected: String,
    /// What the selected one sounds like, when that was asked for.
    pub(super) sample: Option<String>,
}

/// A voice in the list.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) name: String,
}

impl Choice {
    /// As it stands.
    ///
    /// # Errors
    /// Storage failures only.
    pub(super) async fn of(app: &App, me: &Member) -> Result<Self> {
        if voice::readiness(app, me.user_id()).await? == Readiness::Silent {
            return Ok(Self::default());
        }
        let (voices, chosen) = voice::voices(app, me.user_id()).await?;
        let mut groups: Vec<(&'static str, Vec<Line>)> = Vec::new();
        for voice in voices {
            let language = words_of(voice.language.map_or("", |language| language.tag()), me.lang());
            let option = Line { name: named(&voice.name, voice.gender, me.lang()), id: voice.id };
            match groups.iter_mut().find(|(known, _)| *known == language) {
                Some((_, group)) => group.push(option),
                None => groups.push((language, vec![option])),
            }
        }
        Ok(Self { groups, selected: chosen, sample: None })
    }
}

fn words_of(language: &str, lang: Lang) -> &'static str {
    match language {
        "en" => lang.pick("English", "英文"),
        "zh" => lang.pick("Chinese", "中文"),
        _ => lang.pick("Voices", "音色"),
    }
}

fn named(name: &str, gender: &str, lang: Lang) -> String {
    match gender {
        "female" => format!("{name} · {}", lang.pick("female", "女声")),
        "male" => format!("{name} · {}", lang.pick("male", "男声")),
        _ => name.to_owned(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    voice: String,
}

async fn choose(State(app): State<App>, Posted { member, form }: Posted<Fields>) -> Result<Response> {
    let done = voice::choose(&app, member.user_id(), &form.voice).await;
    member.settle(&app, done, HERE, ("Saved.", "已保存。"))
}

/// Scripts get the file's address and play it.
async fn sample(
    State(app): State<App>,
    headers: HeaderMap,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let spoken = voice::sample(&app, member.user_id(), &form.voice, member.lang()).await;
    let file = spoken.map(|spoken| picture(&app, &spoken.url));
    if is_from_script(&headers) {
        return Ok(Json(json!({"url": file?})).into_response());
    }
    match file {
        Ok(sample) => {
            let voice = Choice { selected: form.voice, sample, ..Choice::of(&app, &member).await? };
            Ok(settings::page(&app, &member, &voice).await?.into_response())
        }
        Err(error) => member.refused(&app, HERE, error),
    }
}
