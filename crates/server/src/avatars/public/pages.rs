//! `/{ownerRoute}/avatar/{shareCode}`: where the share link and its QR code lead.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::avatars::center::Avatar;
use crate::error::Lang;
use crate::http::Path;
use crate::http::page::{Frame, Page, PageError};
use crate::users::accounts::MaybeSession;

/// The page, from the root.
pub fn routes() -> Router<App> {
    Router::new().route("/{owner}/avatar/{share_code}", get(show))
}

#[derive(Template)]
#[template(path = "avatar.html")]
struct AvatarTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatar: &'a Avatar,
    /// A picture that the page may show: its policy allows https only.
    cover: Option<&'a str>,
    conversations: i64,
}

/// The share code alone decides: the owner's route may have changed since the link was given away.
async fn show(
    State(app): State<App>,
    frame: Frame,
    MaybeSession(session): MaybeSession,
    Path((_, share_code)): Path<(String, String)>,
) -> Response {
    let lang = frame.lang;
    let viewer = session.map(|session| session.user_id);
    let (avatar, conversations) = match super::look(&app, viewer, &share_code).await {
        Ok(found) => found,
        Err(error) => return PageError::new(lang, error, "").into_response(),
    };
    let cover = Some(avatar.cover()).filter(|url| url.starts_with("https://"));
    Page::new(&AvatarTemplate { lang, frame: &frame, cover, avatar: &avatar, conversations }).into_response()
}
