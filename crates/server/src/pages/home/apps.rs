//! `/home/apps`: the apps that were let in, what they did, and the end of it.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::access::Scope;
use crate::access::log::Line;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::Path;
use crate::http::page::{Frame, Page};
use crate::memory::forgetting::{self, Receipt};
use crate::oauth::apps;
use crate::oauth::authorizations::{self, Connected};
use crate::pages::chart::{self, Bar};
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};

const HERE: &str = "/home/apps";
const DAY_MS: i64 = 86_400_000;
/// How far back the log is shown.
const DAYS: i64 = 30;

pub(super) fn routes() -> Router<App> {
    Router::new().route(HERE, get(list)).route("/home/apps/{app}", get(show)).route("/home/apps/{app}/end", post(end))
}

/// An app with its scopes in plain words.
struct Row {
    app: Connected,
    scopes: Vec<(&'static str, &'static str)>,
}

/// A receipt with the app's name.
struct Forgotten {
    name: String,
    receipt: Receipt,
}

#[derive(Template)]
#[template(path = "home/apps.html")]
struct ListTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    rows: &'a [Row],
    forgotten: &'a [Forgotten],
}

#[derive(Template)]
#[template(path = "home/app_log.html")]
struct LogTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    row: &'a Row,
    chart: String,
    log: Vec<(String, &'a Line)>,
}

fn row(app: Connected, lang: Lang) -> Row {
    let words = |scope: Scope| {
        let (en, zh) = scope.words();
        (scope.name(), lang.pick(en, zh))
    };
    Row { scopes: app.scopes.set.iter().map(words).collect(), app }
}

async fn list(State(app): State<App>, me: Member) -> Result<Page> {
    let lang = me.lang();
    let connected = authorizations::connected(&app, me.user_id()).await?;
    let mut forgotten = Vec::new();
    for receipt in forgetting::receipts(&app, me.user_id()).await? {
        let known = apps::by_id(app.store(), &receipt.app_id).await?;
        forgotten.push(Forgotten { name: known.map_or_else(|| receipt.app_id.clone(), |a| a.name), receipt });
    }
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&ListTemplate {
        lang,
        frame: &me.frame,
        clock: &clock,
        rows: &connected.into_iter().map(|app| row(app, lang)).collect::<Vec<_>>(),
        forgotten: &forgotten,
    }))
}

async fn show(State(app): State<App>, me: Member, Path(app_id): Path<String>) -> Result<Page> {
    let lang = me.lang();
    let connected = authorizations::connected(&app, me.user_id()).await?;
    let found = connected.into_iter().find(|known| known.app_id == app_id);
    let row = row(found.ok_or_else(|| ApiError::new(Code::AuthorizationNotFound))?, lang);
    let since = (app.now() / DAY_MS - DAYS + 1) * DAY_MS;
    let lines = authorizations::access(&app, me.user_id(), &app_id, since).await?;
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&LogTemplate {
        lang,
        frame: &me.frame,
        clock: &clock,
        chart: chart(since, &lines, lang),
        log: lines.iter().map(|line| (what(line, lang), line)).collect(),
        row: &row,
    }))
}

/// What a line of the log is about, in words.
fn what(line: &Line, lang: Lang) -> String {
    let scope = Scope::ALL.iter().find(|scope| scope.name() == line.kind);
    let words = scope.map_or(("Looked up who you are to it", "查询你的身份"), |scope| scope.words());
    lang.pick(words.0, words.1).to_owned()
}

/// Requests per day: reading below, writing above.
fn chart(since: i64, lines: &[Line], lang: Lang) -> String {
    let of = |day: i64, action: &str| {
        lines.iter().filter(|l| l.day == day && l.action == action).map(|l| l.times).sum::<i64>()
    };
    let bar = |at: i64| {
        let day = since + at * DAY_MS;
        let label = secondme_kit::clock::iso(day).get(5..10).unwrap_or_default().to_owned();
        Bar { label, parts: vec![of(day, "read"), of(day, "write")] }
    };
    let names = [lang.pick("reads", "读取"), lang.pick("writes", "写入")];
    chart::bars(&(0..DAYS).map(bar).collect::<Vec<_>>(), &names, lang.pick("Requests per day", "每日请求数"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct End {
    forget: Option<String>,
}

async fn end(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form }: Posted<End>,
) -> Result<Response> {
    let ended = authorizations::end(&app, member.user_id(), &app_id, form.forget.is_some()).await;
    let words = if form.forget.is_some() {
        ("Its access has ended, and what it contributed is being forgotten.", "已终止访问，正在遗忘它贡献的内容。")
    } else {
        ("Its access has ended.", "已终止访问。")
    };
    member.settle(&app, ended, HERE, words)
}
