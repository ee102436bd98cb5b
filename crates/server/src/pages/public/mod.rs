//! Pages that anybody sees: home pages, avatars and their chat, the widget, the plaza.

mod avatar;
mod plaza;
mod post;
mod profile;
pub(in crate::pages) mod talk;
mod widget;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(avatar::routes())
        .merge(talk::routes())
        .merge(widget::routes())
        .merge(plaza::routes())
        .merge(post::routes())
        .merge(profile::routes())
}
