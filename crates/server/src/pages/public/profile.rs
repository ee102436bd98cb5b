//! `/{route}`: somebody's home page, with what they show to everybody.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use secondme_kit::Page as Slice;

use crate::app::App;
use crate::avatars::center::{self, Avatar};
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::Path;
use crate::http::page::{Frame, Page};
use crate::pages::picture;
use crate::users::profile::{self, Profile};
use crate::users::shades::{self, Shade};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{route}", get(show))
}

#[derive(Template)]
#[template(path = "public/profile.html")]
struct ProfileTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    profile: &'a Profile,
    picture: Option<String>,
    cover: Option<String>,
    shades: &'a [Shade],
    avatars: &'a [Avatar],
}

async fn show(State(app): State<App>, frame: Frame, Path(route): Path<String>) -> Result<Page> {
    let found = profile::by_route(app.store(), &route).await?;
    let profile = found.ok_or_else(|| ApiError::new(Code::RouteNotFound))?;
    let mut shades = shades::list(app.store(), profile.user_id).await?;
    shades.retain(|shade| shade.has_public_content);
    let (_, avatars) = center::list(&app, profile.user_id, Slice::new(None, None, 30)).await?;
    Ok(Page::new(&ProfileTemplate {
        lang: frame.lang,
        frame: &frame,
        picture: picture(&app, &profile.avatar),
        cover: picture(&app, &profile.cover),
        profile: &profile,
        shades: &shades,
        avatars: &avatars,
    }))
}
