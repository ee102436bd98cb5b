//! `/home/settings`: the profile, pictures, time zone, what apps may report, the language.

use askama::Template;
use axum::Router;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::http::page::{Frame, Page};
use crate::memory::settings::{self, ChangeSettings, Settings};
use crate::pages::picture;
use crate::users::accounts::{Member, OwnOrigin, Posted};
use crate::users::profile::{self, Change, Profile};
use crate::users::uploads;

const HERE: &str = "/home/settings";
/// A picture, before it is encoded anew.
const PICTURE_MAX_BYTES: usize = 24 * 1024 * 1024;

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
    settings: &'a Settings,
    zones: &'a [String],
    picture: Option<String>,
    cover: Option<String>,
    home: String,
}

async fn show(State(app): State<App>, me: Member) -> Result<Page> {
    let profile = profile::get(app.store(), me.user_id()).await?;
    let settings = settings::get(&app, me.user_id()).await?;
    let mut zones: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    zones.retain(|name| name == "UTC" || name.contains('/') && !name.starts_with("Etc/"));
    zones.sort_unstable();
    if !zones.contains(&settings.time_zone) {
        zones.insert(0, settings.time_zone.clone());
    }
    Ok(Page::new(&SettingsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        picture: picture(&app, &profile.avatar),
        cover: picture(&app, &profile.cover),
        home: format!("{}/{}", app.public_url(), profile.route),
        profile: &profile,
        settings: &settings,
        zones: &zones,
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
async fn upload(
    State(app): State<App>,
    _: OwnOrigin,
    member: Member,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let form = form.map_err(|_| ApiError::new(Code::ContentType).arg("multipart/form-data"))?;
    let sent = read(form).await?;
    if let Err(refused) = member.session.check_form(member.lang(), Some(&sent.csrf)) {
        return Ok(refused.into_response());
    }
    let done = set(&app, member.user_id(), sent).await;
    member.settle(&app, done, HERE, ("Saved.", "已保存。"))
}

#[derive(Default)]
struct Sent {
    csrf: String,
    what: String,
    bytes: Vec<u8>,
}

async fn read(mut form: Multipart) -> Result<Sent> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        ApiError::invalid("file", &Problem::Parser(error.body_text()))
    };
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("csrf") => sent.csrf = field.text().await.map_err(broken)?,
            Some("what") => sent.what = field.text().await.map_err(broken)?,
            Some("file") => sent.bytes = field.bytes().await.map_err(broken)?.to_vec(),
            _ => {}
        }
    }
    Ok(sent)
}

async fn set(app: &App, user_id: i64, sent: Sent) -> Result<Profile> {
    let url =
        if sent.bytes.is_empty() { String::new() } else { uploads::store_image(app, user_id, sent.bytes).await?.url };
    let change = match sent.what.as_str() {
        "cover" => Change { cover: Some(url), ..Change::default() },
        _ => Change { avatar: Some(url), ..Change::default() },
    };
    profile::update(app, user_id, &change).await
}
