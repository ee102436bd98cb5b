//! Durable jobs: rows written in the caller's transaction, run at least once by whichever node comes first.
//!
//! A job is claimed under a lease that is extended while it runs; when its runner dies, the lease runs out and another
//! attempt begins. Failures back off with full jitter; what keeps failing becomes a dead letter, kept until somebody looks.
//! Handlers must be idempotent. When the clock goes back, what is written down in times to come is moved back with it ([`AHEAD`]).

mod ahead;
mod attempt;
mod console;
mod cron;
mod handler;
mod queue;
mod runner;
mod store;
pub mod trace;

use secondme_store::{Migration, MigrationSet};

pub use ahead::AHEAD;
pub use console::{DeadJob, KindCounts, counts, dead, discard, requeue};
pub use cron::Cron;
pub use handler::{Done, Handler, Job, JobError, Policy};
pub use queue::{NewJob, enqueue};
pub use runner::Runner;

/// The tables of this crate.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "jobs",
    migrations: &[
        Migration { name: "0001_jobs", sql: include_str!("../migrations/0001_jobs.sql"), sqlite: None, postgres: None },
        Migration {
            name: "0002_trace",
            sql: include_str!("../migrations/0002_trace.sql"),
            sqlite: None,
            postgres: None,
        },
        Migration {
            name: "0003_set_at",
            sql: include_str!("../migrations/0003_set_at.sql"),
            sqlite: None,
            postgres: None,
        },
    ],
};
