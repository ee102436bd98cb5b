//! `secondme config check|show`.

use clap::Subcommand;

use super::{Common, Outcome, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Load the configuration and say whether it can be used.
    Check,
    /// Print the configuration in force, as TOML.
    Show {
        /// Show secrets as [redacted]; they are never printed otherwise either.
        #[arg(long)]
        redacted: bool,
    },
}

pub(super) fn run(common: &Common, command: &Command) -> Outcome {
    let config = common.load(Vec::new())?;
    match command {
        Command::Check => say("the configuration is valid"),
        Command::Show { .. } => say(toml::to_string_pretty(&config)?.trim_end()),
    }
    Ok(())
}
