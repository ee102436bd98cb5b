//! Friends, and people who could become some (contract 18).
//!
//! Invariant: what one user learns of another here is what that user shows to everybody: public interests, public memories, a
//! distance only when both shared a place.

pub mod discover;
pub mod friends;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes of friends and discovery, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(friends::http::routes()).merge(discover::http::routes())
}
