//! `/{owner}/avatar/{shareCode}`: where the share link and its QR code lead: a chat with the avatar. `…/test` is the owner's.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;

use super::talk::Talk;
use crate::app::App;
use crate::avatars::center::Avatar;
use crate::avatars::public;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::Path;
use crate::http::page::{Frame, Page};
use crate::pages::picture;
use crate::users::accounts::{MaybeSession, Member};
use crate::visitor::visits::Guest;

/// The page, from the root.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/{owner}/avatar/{share_code}", get(show)).route("/{owner}/avatar/{share_code}/test", get(test))
}

#[derive(Template)]
#[template(path = "public/avatar.html")]
struct AvatarTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatar: &'a Avatar,
    cover: Option<String>,
    picture: Option<String>,
    conversations: i64,
    talk: &'a Talk,
    is_owner: bool,
}

/// The share code alone decides: the owner's route may have changed since the link was given away.
async fn show(
    State(app): State<App>,
    frame: Frame,
    MaybeSession(session): MaybeSession,
    headers: HeaderMap,
    Path((_, share_code)): Path<(String, String)>,
) -> Result<Response> {
    let viewer = session.map(|session| session.user_id);
    let (avatar, conversations) = public::look(&app, viewer, &share_code).await?;
    let (guest, cookie) = match viewer {
        Some(user_id) => (Guest::User(user_id), None),
        None => known_guest(&app, &headers),
    };
    let page = page(&app, &frame, (&avatar, conversations), guest, viewer).await?;
    Ok((AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie))), page).into_response())
}

async fn test(State(app): State<App>, me: Member, Path((_, share_code)): Path<(String, String)>) -> Result<Page> {
    let (avatar, conversations) = public::look(&app, Some(me.user_id()), &share_code).await?;
    if avatar.user_id != me.user_id() {
        return Err(ApiError::new(Code::AvatarUnknown));
    }
    page(&app, &me.frame, (&avatar, conversations), Guest::Test(me.user_id()), Some(me.user_id())).await
}

async fn page(
    app: &App,
    frame: &Frame,
    (avatar, conversations): (&Avatar, i64),
    guest: Guest,
    viewer: Option<i64>,
) -> Result<Page> {
    let talk = Talk::of(app, frame, avatar, guest).await?;
    Ok(Page::new(&AvatarTemplate {
        lang: frame.lang,
        frame,
        cover: picture(app, avatar.cover()),
        picture: picture(app, &avatar.owner_picture),
        conversations,
        talk: &talk,
        is_owner: viewer == Some(avatar.user_id),
        avatar,
    }))
}

const COOKIE_NAME: &str = "secondme_visitor";

/// The unknown visitor of this browser, and the cookie that makes them known next time.
fn known_guest(app: &App, headers: &HeaderMap) -> (Guest, Option<String>) {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let token = pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, token)| token);
    if let Some(guest) = token.and_then(|token| Guest::of_token(app, token)) {
        return (guest, None);
    }
    let guest = Guest::fresh(app);
    let secure = if app.public_url().starts_with("https://") { "; Secure" } else { "" };
    let token = guest.token(app);
    let cookie = format!("{COOKIE_NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=34560000{secure}");
    (guest, Some(cookie))
}
