//! An app's webhook: where events go, their delivery log, sending again, a test delivery.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use secondme_kit::{Page as PageOf, Secret};
use serde::Deserialize;

use super::{pretty, stamp};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Flash, Frame, Page};
use crate::oauth::apps::{self, Application};
use crate::oauth::console::{self, Draft};
use crate::oauth::webhooks::{self, Change, Event, LoggedAttempt, Settings, sign};
use crate::users::accounts::{Member, Posted};

/// Events on a page.
const SHOWN: i64 = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "developer/webhook.html")]
struct WebhookTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app_id: &'a str,
    app: &'a Application,
    settings: Option<Settings>,
    events: Vec<(Event, String)>,
    page: PageOf,
    more: bool,
    secret: Option<Shown>,
}

/// A signing secret that is shown now and never again.
struct Shown {
    secret: String,
    standard: String,
}

impl From<Secret> for Shown {
    fn from(secret: Secret) -> Self {
        Self { standard: sign::standard_form(&secret).expose().to_owned(), secret: secret.expose().to_owned() }
    }
}

async fn show(app: &App, me: &Member, app_id: &str, page: PageOf, secret: Option<Secret>) -> Result<Page> {
    let known = apps::owned(app.store(), me.user_id(), app_id).await?;
    let settings = webhooks::settings(app.store(), app_id).await?;
    let (events, total) = webhooks::events(app.store(), app_id, page.size, page.offset()).await?;
    let with_time = |event: Event| {
        let at = stamp(event.created_at);
        (event, at)
    };
    Ok(Page::new(&WebhookTemplate {
        lang: me.lang(),
        frame: &me.frame,
        app_id,
        app: &known,
        settings,
        events: events.into_iter().map(with_time).collect(),
        page,
        more: page.has_more(total),
        secret: secret.map(Shown::from),
    }))
}

pub(super) async fn page(
    State(app): State<App>,
    me: Member,
    Path(app_id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page> {
    show(&app, &me, &app_id, PageOf::new(asked.page, Some(SHOWN), SHOWN), None).await
}

fn first() -> PageOf {
    PageOf::new(None, Some(SHOWN), SHOWN)
}

fn here(app_id: &str) -> String {
    format!("/developer/apps/{app_id}/webhook")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    url: String,
    enabled: String,
}

pub(super) async fn save(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let change = Change { url: Some(form.url), enabled: Some(!form.enabled.is_empty()), secret: None };
    let draft = Draft { webhook: change, ..Draft::default() };
    match console::update(&app, member.user_id(), &app_id, draft).await {
        // The first time a secret is made, and has to be shown.
        Ok(saved) if saved.webhook_secret.is_some() => {
            Ok(show(&app, &member, &app_id, first(), saved.webhook_secret).await?.into_response())
        }
        Ok(_) => Ok(member.done(&app, &here(&app_id), "Saved.", "已保存。")),
        Err(error) => member.refused(&app, &here(&app_id), error),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn rotate(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    apps::owned(app.store(), member.user_id(), &app_id).await?;
    let overlap_ms = app.config().webhooks.secret_overlap_seconds * 1_000;
    match webhooks::rotate_secret(&app, &app_id, overlap_ms).await {
        Ok(secret) => Ok(show(&app, &member, &app_id, first(), Some(secret)).await?.into_response()),
        Err(error) => member.refused(&app, &here(&app_id), error),
    }
}

pub(super) async fn test(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    apps::owned(app.store(), member.user_id(), &app_id).await?;
    let lang = member.lang();
    match webhooks::test(&app, &app_id, None, None).await {
        Ok(tested) => {
            let to = format!("{}/{}", here(&app_id), tested.event_id);
            let good = tested.attempt.status().is_some_and(|status| (200..300).contains(&status));
            let flash = if good {
                Flash::good(lang.pick("The test event was delivered.", "测试事件已送达。"))
            } else {
                Flash::bad(lang.pick("The receiver did not take the test event.", "接收方未接受测试事件。"))
            };
            Ok(flash.on(&app, &to))
        }
        Err(error) => member.refused(&app, &here(&app_id), error),
    }
}

#[derive(Template)]
#[template(path = "developer/event.html")]
struct EventTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app_id: &'a str,
    app: &'a Application,
    event: &'a Event,
    at: String,
    next: String,
    payload: String,
    attempts: Vec<Attempt>,
}

/// An attempt with its texts for reading.
struct Attempt {
    logged: LoggedAttempt,
    at: String,
    headers: String,
}

pub(super) async fn event(
    State(app): State<App>,
    me: Member,
    Path((app_id, event_id)): Path<(String, String)>,
) -> Result<Page> {
    let known = apps::owned(app.store(), me.user_id(), &app_id).await?;
    let event = webhooks::event(app.store(), &app_id, &event_id).await?;
    let event = event.ok_or_else(|| ApiError::new(Code::NotFound).arg("event"))?;
    let attempts = webhooks::attempts(app.store(), &app_id, &event_id).await?;
    let attempt = |logged: LoggedAttempt| Attempt { at: stamp(logged.at), headers: pretty(&logged.headers), logged };
    Ok(Page::new(&EventTemplate {
        lang: me.lang(),
        frame: &me.frame,
        app_id: &app_id,
        app: &known,
        at: stamp(event.created_at),
        next: stamp(event.next_at),
        payload: pretty(&event.payload),
        attempts: attempts.into_iter().map(attempt).collect(),
        event: &event,
    }))
}

pub(super) async fn again(
    State(app): State<App>,
    Path((app_id, event_id)): Path<(String, String)>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    apps::owned(app.store(), member.user_id(), &app_id).await?;
    let sent = webhooks::send_again(&app, &app_id, &event_id).await;
    let to = format!("{}/{event_id}", here(&app_id));
    member.settle(&app, sent, &to, ("The event is sent again now.", "事件正在重新投递。"))
}
