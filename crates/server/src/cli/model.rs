//! `secondme model list|pull|verify`.

use clap::Subcommand;

use super::{Common, Outcome};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the catalogue and what of it is here.
    List,
}

pub(super) fn run(_: &Common, _: &Command) -> Outcome {
    Err("not yet".into())
}
