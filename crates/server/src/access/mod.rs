//! Who is calling and what they may do: tokens, scopes, the [`Auth`] extractor. Knows no domain above it.
//!
//! Invariant: a token exists in the database only as a keyed hash; what a caller may do is decided here, in one place.

pub mod auth;
pub mod log;
pub mod permissions;
pub mod revocations;
pub mod scopes;
mod store;
pub mod tokens;

pub use auth::{AppAuth, AppCaller, Auth, Caller};
pub use permissions::Permission;
pub use scopes::{Requested, Scope, ScopeSet};
pub use tokens::{Grant, Kind, NewToken};
