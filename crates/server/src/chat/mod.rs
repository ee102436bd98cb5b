//! Conversations of a user with their own avatar (contract 10, 11, 23).
//!
//! Start reading at [`turn`] (what was asked), [`reply`] (one turn from context to stored answer), [`prompt`] (what the model sees).
//! Invariant: the model is called with no transaction open, and what was said is stored whether or not the client stays.

pub mod act;
pub mod calls;
pub mod converse;
pub mod memories;
pub mod models;
pub mod persona;
pub mod prompt;
pub mod reply;
pub mod say;
pub mod search;
pub mod sessions;
pub mod sources;
pub mod speak;
pub mod stops;
pub mod stream;
mod traced;
pub mod turn;
pub mod whole;

pub use traced::refusals;
