//! Apps as tools for the avatar (contract 5, 6): what developers register ([`registry`]), what users find ([`extensions`]), and the
//! calls to apps in between ([`bridge`], [`client`]).
//!
//! Invariants: users meet only versions that were validated and approved; a call needs the user's authorization of the app;
//! what an app is given with a call is a token for that user in that app alone, for minutes; secrets are never shown again.

pub mod bridge;
pub mod client;
pub mod enabled;
pub mod extensions;
pub mod headers;
pub mod manifest;
pub mod registry;
pub mod validation;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The routes, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(registry::http::routes()).merge(extensions::http::routes()).merge(enabled::routes())
}
