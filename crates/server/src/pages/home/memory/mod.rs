//! `/home/memory/…`: key memories, notes, what the avatar would find, and the portrait.

mod ask;
mod keys;
mod notes;
mod portrait;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().merge(keys::routes()).merge(notes::routes()).merge(ask::routes()).merge(portrait::routes())
}
