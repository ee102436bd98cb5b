//! `/discover/users`.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::agent::Agent;
use crate::app::App;
use crate::error::Lang;
use crate::http::{Data, Query, Reply};
use crate::social::discover::http::{DiscoverQuery, People, people};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/discover/users", get(users))
}

async fn users(
    State(app): State<App>,
    Agent(caller): Agent,
    lang: Lang,
    Query(query): Query<DiscoverQuery>,
) -> Reply<People> {
    people(&app, caller.user_id, &query, lang).await.map(Data)
}
