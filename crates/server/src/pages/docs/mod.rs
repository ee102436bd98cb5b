//! `/docs`: guides, and the OpenAPI document as pages that need no network and no script: one per part, because all of it
//! together is half a megabyte.

mod guides;
pub(in crate::pages) mod operation;
mod reference;
mod schema;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use crate::app::App;

/// The OpenAPI document of this server, for the pages that are made from it.
#[derive(Clone)]
pub struct Reference(pub Arc<Value>);

/// The documentation, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/docs", get(guides::index))
        .route("/docs/api", get(reference::index))
        .route("/docs/api/scopes", get(reference::scopes))
        .route("/docs/api/errors", get(reference::errors))
        .route("/docs/api/{part}", get(reference::part))
        .route("/docs/{guide}", get(guides::page))
}
