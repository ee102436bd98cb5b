//! `GET/PUT /profile`: as `user/info` and `user/profile`, in fewer words.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::agent::Agent;
use crate::app::App;
use crate::http::{Body, Data, Reply};
use crate::users::profile::{self, Change, Profile};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/profile", get(show).put(update))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileBody {
    name: String,
    avatar: String,
    about_me: String,
    origin_route: String,
    homepage: String,
}

fn body(app: &App, p: Profile) -> ProfileBody {
    ProfileBody {
        homepage: format!("{}/{}", app.public_url(), p.route),
        name: p.name,
        avatar: p.avatar,
        about_me: p.self_introduction,
        origin_route: p.route,
    }
}

async fn show(State(app): State<App>, Agent(caller): Agent) -> Reply<ProfileBody> {
    Ok(Data(body(&app, profile::get(app.store(), caller.user_id).await?)))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Update {
    name: Option<String>,
    avatar: Option<String>,
    about_me: Option<String>,
    origin_route: Option<String>,
}

async fn update(State(app): State<App>, Agent(caller): Agent, Body(update): Body<Update>) -> Reply<ProfileBody> {
    let change = Change {
        name: update.name,
        avatar: update.avatar,
        cover: None,
        self_introduction: update.about_me,
        route: update.origin_route,
    };
    Ok(Data(body(&app, profile::update(&app, caller.user_id, &change).await?)))
}
