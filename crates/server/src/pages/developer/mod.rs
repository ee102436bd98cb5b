//! The developer console, `/developer`: apps with their secrets, webhooks and last requests, tokens explained, every endpoint
//! to try, quick starts with the app's own ids. Everything here is a rule of `oauth`, with pages around it.

mod apps;
mod quick_start;
mod requests;
mod tokens;
mod try_it;
mod webhook;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The pages of the console, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/developer", get(apps::list))
        .route("/developer/new", get(apps::draft).post(apps::create))
        .route("/developer/tokens", get(tokens::page).post(tokens::explain))
        .route("/developer/try", get(try_it::list))
        .route("/developer/try/{operation}", get(try_it::page).post(try_it::fill))
        .route("/developer/try/{operation}/token", post(try_it::token))
        .route("/developer/apps/{app_id}", get(apps::settings).post(apps::update))
        .route("/developer/apps/{app_id}/secret", post(apps::secret))
        .route("/developer/apps/{app_id}/listing", post(apps::listing))
        .route("/developer/apps/{app_id}/delete", post(apps::delete))
        .route("/developer/apps/{app_id}/start", get(quick_start::page))
        .route("/developer/apps/{app_id}/requests", get(requests::list))
        .route("/developer/apps/{app_id}/requests/{id}", get(requests::detail))
        .route("/developer/apps/{app_id}/webhook", get(webhook::page).post(webhook::save))
        .route("/developer/apps/{app_id}/webhook/secret", post(webhook::rotate))
        .route("/developer/apps/{app_id}/webhook/test", post(webhook::test))
        .route("/developer/apps/{app_id}/webhook/{event_id}", get(webhook::event))
        .route("/developer/apps/{app_id}/webhook/{event_id}/again", post(webhook::again))
}

/// A moment for reading: date and time of day, UTC.
fn stamp(at: secondme_kit::Millis) -> String {
    secondme_kit::clock::plain(at)
}

/// JSON over several lines; a text that is none stays as it is.
fn pretty(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| json.to_owned())
}
