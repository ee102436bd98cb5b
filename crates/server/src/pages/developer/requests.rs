//! The request inspector: an app's last requests, each with its timing, its scopes, what went wrong, and itself as code.

use askama::Template;
use axum::extract::{Path, State};
use secondme_kit::Page as PageOf;
use serde::Deserialize;
use serde_json::Value;

use super::{pretty, stamp};
use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::oauth::apps::{self, Application};
use crate::oauth::inspector::advice::{self, Advice};
use crate::oauth::inspector::snippets::{Body, Call, Snippets};
use crate::oauth::inspector::{self, Filter, Request};
use crate::users::accounts::Member;

/// Requests on a page.
const SHOWN: i64 = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
    failed: String,
}

#[derive(Template)]
#[template(path = "developer/requests.html")]
struct RequestsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app_id: &'a str,
    app: &'a Application,
    rows: Vec<Row>,
    total: i64,
    failed: bool,
    page: PageOf,
    more: bool,
    kept: i64,
    days: i64,
    enabled: bool,
}

/// A line of the list.
struct Row {
    request: Request,
    at: String,
    short: String,
}

pub(super) async fn list(
    State(app): State<App>,
    me: Member,
    Path(app_id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page> {
    let known = apps::owned(app.store(), me.user_id(), &app_id).await?;
    let page = PageOf::new(asked.page, Some(SHOWN), SHOWN);
    let failed = asked.failed == "1";
    let (requests, total) = inspector::requests(&app, &app_id, Filter { failed }, page).await?;
    let row = |request: Request| Row {
        at: stamp(request.at),
        short: request.path.strip_prefix("/gate/lab/api/").unwrap_or(&request.path).to_owned(),
        request,
    };
    let config = &app.config().inspector;
    Ok(Page::new(&RequestsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        app_id: &app_id,
        app: &known,
        rows: requests.into_iter().map(row).collect(),
        total,
        failed,
        page,
        more: page.has_more(total),
        kept: config.requests_per_app,
        days: config.keep_days,
        enabled: config.enabled,
    }))
}

#[derive(Template)]
#[template(path = "developer/request.html")]
struct RequestTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app_id: &'a str,
    app: &'a Application,
    request: &'a Request,
    at: String,
    body: String,
    advice: Option<Advice>,
    /// Whether the token had what the route needs; none where it needs nothing.
    has_scope: Option<bool>,
    snippets: Snippets,
}

pub(super) async fn detail(
    State(app): State<App>,
    me: Member,
    Path((app_id, id)): Path<(String, i64)>,
) -> Result<Page> {
    let known = apps::owned(app.store(), me.user_id(), &app_id).await?;
    let request = inspector::request(&app, &app_id, id).await?;
    let granted = crate::access::Requested::parse(&request.scopes).unwrap_or_default();
    let needed = crate::access::Scope::parse(&request.needs).first();
    Ok(Page::new(&RequestTemplate {
        lang: me.lang(),
        frame: &me.frame,
        app_id: &app_id,
        app: &known,
        at: stamp(request.at),
        body: pretty(&request.body),
        advice: advice::of(&request.sub_code, me.lang()),
        has_scope: needed.map(|scope| granted.set.has(*scope)),
        snippets: call(app.public_url(), &request).snippets(),
        request: &request,
    }))
}

/// The request as it can be sent again; what was replaced is to be filled in.
fn call(public_url: &str, request: &Request) -> Call {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let is_form = request.media.starts_with("application/x-www-form-urlencoded");
    let body = match serde_json::from_str::<Value>(&request.body) {
        Ok(Value::Object(members)) if is_form => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Body::Form(members.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        }
        Ok(_) => Body::Json(request.body.clone()),
        Err(_) => Body::None,
    };
    Call {
        method: request.method.clone(),
        url: format!("{public_url}{}{query}", request.path),
        token: !request.token_kind.is_empty(),
        media: request.media.clone(),
        body,
        streams: request.path.ends_with("/stream"),
    }
}
