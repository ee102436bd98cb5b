//! `/home/avatars/{avatar}/numbers`: who came, in a chart; the conversations as a file.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use super::place;
use crate::app::App;
use crate::avatars::dashboard::{self, Bucket, Dashboard, Wanted};
use crate::avatars::export::{self, Export, Link};
use crate::error::{Lang, Result};
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::http::{Path, Query};
use crate::memory::settings;
use crate::pages::chart::{self, Bar};
use crate::users::accounts::{Member, Posted};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/home/avatars/{avatar}/numbers", get(show))
        .route("/home/avatars/{avatar}/export", post(begin))
        .route("/home/avatars/{avatar}/export/{job}", get(exported))
}

const DAY_MS: i64 = 86_400_000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Span {
    #[serde(deserialize_with = "lenient")]
    days: Option<i64>,
}

#[derive(Template)]
#[template(path = "home/avatar_numbers.html")]
struct NumbersTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatar: &'a crate::avatars::center::Avatar,
    here: &'static str,
    days: i64,
    numbers: &'a Dashboard,
    visitors: String,
    messages: String,
}

async fn show(State(app): State<App>, me: Member, Path(id): Path<i64>, Query(span): Query<Span>) -> Result<Page> {
    let days = span.days.unwrap_or(30).clamp(1, 365);
    let zone = settings::get(&app, me.user_id()).await?.time_zone;
    let from = Some(app.now() - days * DAY_MS);
    let wanted = Wanted { avatar_id: id, from, to: None, interval: None, time_zone: Some(zone) };
    let numbers = dashboard::get(&app, me.user_id(), &wanted).await?;
    let lang = me.lang();
    let chart = |name: &str, of: fn(&Bucket) -> i64| {
        let bar = |bucket: &Bucket| Bar { label: short(&bucket.label), parts: vec![of(bucket)] };
        chart::bars(&numbers.trend.iter().map(bar).collect::<Vec<_>>(), &[name], name)
    };
    Ok(Page::new(&NumbersTemplate {
        lang,
        frame: &me.frame,
        avatar: &numbers.avatar,
        here: "numbers",
        days,
        visitors: chart(lang.pick("Visitors", "访客"), |bucket| bucket.traffic.visitors),
        messages: chart(lang.pick("Messages", "消息"), |bucket| bucket.traffic.messages),
        numbers: &numbers,
    }))
}

/// `2026-11-22` as `11-22`, and what is short already as it is.
fn short(label: &str) -> String {
    label.strip_prefix("20").and_then(|rest| rest.get(3..)).filter(|rest| rest.len() >= 2).unwrap_or(label).to_owned()
}

#[derive(Deserialize)]
struct Nothing {}

async fn begin(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    let zone = settings::get(&app, member.user_id()).await?.time_zone;
    let job = export::begin(&app, member.user_id(), id, member.lang(), Some(&zone)).await?;
    Ok(Member::go(&format!("{}/export/{job}", place(id))))
}

#[derive(Template)]
#[template(path = "home/avatar_export.html")]
struct ExportTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    id: i64,
    export: &'a Export,
    link: Option<Link>,
}

async fn exported(State(app): State<App>, me: Member, Path((id, job)): Path<(i64, String)>) -> Result<Page> {
    let (export, link) = export::get(&app, me.user_id(), &job).await?;
    Ok(Page::new(&ExportTemplate { lang: me.lang(), frame: &me.frame, id, export: &export, link }))
}
