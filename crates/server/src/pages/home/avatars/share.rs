//! `/home/avatars/{avatar}/share`: the link and its QR code, who may come in, keys for apps, and the widget's line.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::place;
use crate::app::App;
use crate::avatars::api_keys::{self, ApiKey};
use crate::avatars::center::{self, Avatar};
use crate::avatars::public::qr;
use crate::error::{Lang, Result};
use crate::http::Path;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::users::accounts::{Member, Posted};
use crate::visitor::hub::settings;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/home/avatars/{avatar}/share", get(show))
        .route("/home/avatars/{avatar}/open", post(open))
        .route("/home/avatars/{avatar}/keys", post(make_key))
        .route("/home/avatars/{avatar}/keys/change", post(change_key))
}

#[derive(Template)]
#[template(path = "home/avatar_share.html")]
struct ShareTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatar: &'a Avatar,
    here: &'static str,
    url: String,
    qr: String,
    /// The script of the widget.
    widget: String,
    open: bool,
    keys: &'a [ApiKey],
    /// A key that was just made: nobody sees it again.
    fresh: Option<String>,
}

async fn show(State(app): State<App>, me: Member, Path(id): Path<i64>) -> Result<Page> {
    page(&app, &me, id, None).await
}

async fn page(app: &App, me: &Member, id: i64, fresh: Option<String>) -> Result<Page> {
    let avatar = center::get(app, me.user_id(), id).await?;
    let url = avatar.share_url(app);
    Ok(Page::new(&ShareTemplate {
        lang: me.lang(),
        frame: &me.frame,
        here: "share",
        qr: qr::svg(&url)?,
        url,
        widget: format!("{}/widget.js", app.public_url()),
        open: settings::get(app, me.user_id(), id).await?,
        keys: &api_keys::list(app, me.user_id(), id).await?,
        avatar: &avatar,
        fresh,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(deserialize_with = "lenient")]
    key: Option<i64>,
    name: String,
    /// `on`, `off` or `delete`.
    act: String,
}

fn here(id: i64) -> String {
    format!("{}/share", place(id))
}

async fn open(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let done = settings::set(&app, member.user_id(), id, form.act == "on").await;
    member.settle(&app, done, &here(id), ("Saved.", "已保存。"))
}

/// The key is in the answer itself and not behind a redirect: it must not be kept anywhere.
async fn make_key(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    match api_keys::create(&app, member.user_id(), id, &form.name).await {
        Ok((_, secret)) => Ok(page(&app, &member, id, Some(secret)).await?.into_response()),
        Err(error) => member.refused(&app, &here(id), error),
    }
}

async fn change_key(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let (user_id, key) = (member.user_id(), form.key.unwrap_or_default());
    let done = match form.act.as_str() {
        "delete" => api_keys::delete(&app, user_id, key).await,
        act => api_keys::update(&app, user_id, key, None, Some(act == "on")).await,
    };
    member.settle(&app, done, &here(id), ("Saved.", "已保存。"))
}
