//! The pages of `/admin`.

mod apps;
mod door;
mod jobs;
mod models;
mod moderation;
mod overview;
mod people;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The operator's pages, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(overview::page))
        .route("/admin/trail", get(overview::trail))
        .route("/admin/storage", get(overview::storage))
        .route("/admin/users", get(people::list))
        .route("/admin/users/{id}", get(people::detail).post(people::act))
        .route("/admin/apps", get(apps::list))
        .route("/admin/apps/{app_id}", get(apps::detail).post(apps::review))
        .route("/admin/jobs", get(jobs::page))
        .route("/admin/jobs/{id}", post(jobs::act))
        .route("/admin/models", get(models::page).post(models::choose))
        .route("/admin/moderation", get(moderation::page).post(moderation::act))
}

/// A moment for reading: date and time of day, UTC.
fn stamp(at: secondme_kit::Millis) -> String {
    secondme_kit::clock::plain(at)
}

/// Bytes for reading.
fn size(bytes: u64) -> String {
    match bytes {
        n if n < 10_000 => format!("{n} B"),
        n if n < 10_000_000 => format!("{} KB", n / 1_000),
        n if n < 10_000_000_000 => format!("{} MB", n / 1_000_000),
        n => format!("{} GB", n / 1_000_000_000),
    }
}
