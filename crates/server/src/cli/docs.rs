//! `secondme openapi`, `secondme docs errors|scopes|config`: what `docs/generated` is made of.

use clap::Subcommand;

use super::{Outcome, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The table of errors.
    Errors,
    /// The table of scopes.
    Scopes,
    /// Every key of the configuration.
    Config,
}

pub(super) fn run(command: &Command) -> Outcome {
    let text = match command {
        Command::Errors => crate::error::markdown(),
        Command::Scopes => crate::access::scopes::markdown(),
        Command::Config => crate::config::reference::markdown(),
    };
    say(text.trim_end());
    Ok(())
}

pub(super) fn openapi() -> Outcome {
    say(&crate::router::openapi().to_pretty_json()?);
    Ok(())
}
