//! Everything of one user: a bundle to take along, to put into an account, and the account's end.
//!
//! Invariant: every table that names a user is in [`tables::BELONGINGS`], so none of the three forgets one. A test holds the
//! list against the schema.

mod cells;
mod delete;
mod export;
mod import;
pub mod pages;
mod remembered;
pub mod tables;

pub use delete::delete;
pub use export::{Bundle, export};
pub use import::{Imported, import};

/// The version of the format (docs/BUNDLE.md). A bundle of another one is refused.
pub const FORMAT: i64 = 1;
/// What a bundle calls itself.
const NAME: &str = "secondme-account";

/// A user's own row.
const USERS: &str = "users";
