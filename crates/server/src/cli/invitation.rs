//! `secondme invitation create`: invitation codes to the plaza in the operator's name.

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, open, say};
use crate::config::Config;
use crate::plaza::invitations;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make codes; each admits one user to the plaza.
    Create {
        /// How many.
        #[arg(long, default_value_t = 1)]
        count: usize,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    let Command::Create { count, json } = command;
    let codes = invitations::create_for_operator(&app, count.clamp(1, 10_000)).await?;
    say(&if json { json!({"codes": codes}).to_string() } else { codes.join("\n") });
    Ok(())
}
