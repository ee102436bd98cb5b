//! Avatars: what speaks to visitors in a user's name (contract 17).
//!
//! Start reading at [`center`] (what an avatar is, and the voice it has towards visitors). Who may open one: [`api_keys`] and
//! share codes. What came of it: [`interactions`] (written by whoever carries a conversation), [`dashboard`], [`export`].
//! Invariant: every user has one `primary` avatar that cannot be deleted, and a visitor hears nothing that the owner keeps private.

pub mod api_keys;
pub mod center;
pub mod contract;
pub mod dashboard;
pub mod evaluations;
pub mod export;
pub mod housekeeping;
pub mod interactions;
pub mod monetization;
pub mod public;
pub mod skills;
pub mod zone;
