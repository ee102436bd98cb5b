//! For tests: private PostgreSQL servers, a fresh database per test, and the check that prepares every SQL text.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail loudly")]

mod contracts;
mod database;
mod server;
mod statements;

use std::panic::{AssertUnwindSafe, resume_unwind};

pub use contracts::taking_away;
pub use database::TestDb;
pub use server::{Identity, PrivatePostgres};
pub use statements::prepare_all;

use futures::FutureExt;

use crate::Dialect;

/// Runs a story on a fresh database and removes it, also when the story panics. Skips (and says so) where the engine is
/// not installed. Used by [`both!`](crate::both).
pub fn run<F: Future<Output = ()>>(dialect: Dialect, story: impl FnOnce(TestDb) -> F) {
    let Some(db) = TestDb::new(dialect) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let outcome = runtime.block_on(async {
        let outcome = AssertUnwindSafe(story(db.clone())).catch_unwind().await;
        db.remove().await;
        outcome
    });
    if let Err(failure) = outcome {
        resume_unwind(failure);
    }
}

/// Writes a test twice: `both! { async fn name(db: TestDb) { … } }` gives `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! both {
    ($($(#[$attr:meta])* async fn $name:ident($db:ident: $ty:ty) $body:block)*) => {
        $(#[cfg(test)] $(#[$attr])* mod $name {
            use super::*;

            async fn story($db: $ty) $body

            #[test]
            fn sqlite() {
                $crate::testing::run($crate::Dialect::Sqlite, story);
            }

            #[test]
            fn postgres() {
                $crate::testing::run($crate::Dialect::Postgres, story);
            }
        })*
    };
}
