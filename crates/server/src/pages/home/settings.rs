//! `/home/settings`: the profile, pictures, voice, time zone, what apps may report, the language; and the ways out, which lead to
//! `/account/…`.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::memory::settings::{self, ChangeSettings, MemorySettings};
use crate::pages::file_form::{FileForm, PICTURE_MAX_BYTES};
use crate::pages::home::voice::Choice;
use crate::pages::picture;
use crate::users::accounts::{Member, Posted};
use crate::users::profile::{self, Change, Profile};
use crate::users::uploads;

pub(super) const HERE: &str = "/home/settings";

pub(super) fn routes() -> Router<App> {
    let pictures =
        Router::new().route("/home/settings/picture", post(upload)).layer(DefaultBodyLimit::max(PICTURE_MAX_BYTES));
    Router::new()
        .route(HERE, get(show))
        .route("/home/settings/profile", post(change))
        .route("/home/settings/zone", post(zone))
        .route("/home/settings/reports", post(reports))
        .merge(pictures)
}

#[derive(Template)]
#[template(path = "home/settings.html")]
struct SettingsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    profile: &'a Profile,
    settings: &'a MemorySettings,
    zones: &'a [String],
    picture: Option<String>,
    cover: Option<String>,
    home: String,
    voice: &'a Choice,
}

async fn show(State(app): State<App>, me: Member) -> Result<Page> {
    let voice = Choice::of(&app, &me).await?;
    page(&app, &me, &voice).await
}

/// The page, with a voice that is looked at.
pub(super) async fn page(app: &App, me: &Member, voice: &Choice) -> Result<Page> {
    let profile = profile::get(app.store(), me.user_id()).await?;
    let settings = settings::get(app, me.user_id()).await?;
    let mut zones: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    zones.retain(|name| name == "UTC" || name.contains('/') && !name.starts_with("Etc/"));
    zones.sort_unstable();
    if !zones.contains(&settings.time_zone) {
        zones.insert(0, settings.time_zone.clone());
    }
    Ok(Page::new(&SettingsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        picture: picture(app, &profile.avatar),
        cover: picture(app, &profile.cover),
        home: format!("{}/{}", app.public_url(), profile.route),
        profile: &profile,
        settings: &settings,
        zones: &zones,
        voice,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    name: String,
    route: String,
    about: String,
    zone: String,
    on: Option<String>,
}

async fn change(State(app): State<App>, Posted { member, form }: Posted<Fields>) -> Result<Response> {
    let change = Change {
        name: Some(form.name),
        route: Some(form.route),
        self_introduction: Some(form.about),
        ..Change::default()
    };
    let changed = profile::update(&app, member.user_id(), &change).await;
    member.settle(&app, changed, HERE, ("Saved.", "已保存。"))
}

async fn zone(State(app): State<App>, Posted { member, form }: Posted<Fields>) -> Result<Response> {
    let done = settings::put(&app, member.user_id(), &ChangeSettings::zone(form.zone)).await;
    member.settle(&app, done, HERE, ("Saved.", "已保存。"))
}

async fn reports(State(app): State<App>, Posted { member, form }: Posted<Fields>) -> Result<Response> {
    let on = form.on.as_deref() == Some("on");
    let done = settings::put(&app, member.user_id(), &ChangeSettings::writes(on)).await;
    member.settle(&app, done, HERE, ("Saved.", "已保存。"))
}

/// A picture or a cover; without a file the old one is taken away.
async fn upload(State(app): State<App>, form: FileForm) -> Result<Response> {
    let done = set(&app, form.member.user_id(), &form.what, form.bytes).await;
    form.member.settle(&app, done, HERE, ("Saved.", "已保存。"))
}

async fn set(app: &App, user_id: i64, what: &str, bytes: Vec<u8>) -> Result<Profile> {
    let url = if bytes.is_empty() { String::new() } else { uploads::store_image(app, user_id, bytes).await?.url };
    let change = match what {
        "cover" => Change { cover: Some(url), ..Change::default() },
        _ => Change { avatar: Some(url), ..Change::default() },
    };
    profile::update(app, user_id, &change).await
}
