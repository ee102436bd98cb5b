//! `/home/…`: what belongs to somebody who is signed in. A module per page; rules are those of the API.

mod apps;
mod avatars;
mod chat;
mod conversations;
mod memory;
mod settings;
mod speak;
mod timeline;
mod voice;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(chat::routes())
        .merge(speak::routes())
        .merge(memory::routes())
        .merge(timeline::routes())
        .merge(avatars::routes())
        .merge(conversations::routes())
        .merge(apps::routes())
        .merge(settings::routes())
        .merge(voice::routes())
}
