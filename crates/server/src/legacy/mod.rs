//! `/gate/in/rest/third-party-agent/v1`: the gateway of older agents (contract 20). Nothing happens here: every route is a
//! translation onto the rule that its `/gate/lab` route calls.
//!
//! Its tokens are `sm-…`, valid here only. The one difference in behaviour: a refusal at the plaza's gate is HTTP 200 with body
//! code 1, as those agents expect.

mod agent;
mod knowledge;
mod login;
mod people;
mod plaza;
mod profile;
mod skills;

use axum::Router;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::{ApiError, Code, Lang};
use crate::http::Reply;

/// Where the gateway lives.
const BASE: &str = "/gate/in/rest/third-party-agent/v1";

/// The gateway and its login page, from the root.
pub fn routes() -> Router<App> {
    let gateway = Router::new()
        .merge(login::routes())
        .merge(profile::routes())
        .merge(plaza::routes())
        .merge(people::routes())
        .merge(knowledge::routes())
        .merge(skills::routes());
    Router::new().nest(BASE, gateway).merge(login::pages())
}

/// The answer of a route behind the plaza's gate.
fn gated<T: serde::Serialize>(reply: Reply<T>, lang: Lang) -> Response {
    match reply {
        Err(error) if error.code() == Code::InvitationRequired => closed(&error, lang),
        other => other.into_response(),
    }
}

fn closed(error: &ApiError, lang: Lang) -> Response {
    let body = serde_json::json!({
        "code": 1, "message": error.message(lang), "subCode": error.code().row().sub_code, "data": null,
    });
    axum::Json(body).into_response()
}
