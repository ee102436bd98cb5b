//! The operator's pages, `/admin`: people, apps and their reviews, jobs, models, storage, moderation, health.
//!
//! Invariants: only sessions of operators get here; what an operator changes is a line of the [`trail`], written in the
//! transaction that changes it (moderation has a trail of its own).

pub mod apps;
pub mod health;
pub mod jobs;
pub mod models;
pub mod pages;
pub mod people;
pub mod storage;
pub mod trail;
