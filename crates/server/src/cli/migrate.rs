//! `secondme migrate`: brings the database to this version.

use super::{Outcome, open, say};
use crate::config::Config;

pub(super) async fn run(config: Config) -> Outcome {
    open::store(&config).await?;
    say("the database is at this version");
    Ok(())
}
