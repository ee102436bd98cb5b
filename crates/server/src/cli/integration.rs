//! `secondme integration list|approve|reject`: versions of integrations that wait for the operator.

use clap::{Args, Subcommand};
use secondme_kit::clock::iso;

use super::{Outcome, open, say};
use crate::config::Config;
use crate::integrations::registry;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the versions that wait for a decision.
    List,
    /// Release the version that waits: users meet it from now on.
    Approve(Decision),
    /// Refuse the version that waits.
    Reject(Decision),
}

/// Which, and why.
#[derive(Debug, Args)]
pub(super) struct Decision {
    /// `int_…`, as `secondme integration list` shows it.
    integration_id: String,
    /// What the developer reads about it.
    #[arg(long, default_value = "")]
    note: String,
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    let (decision, approve) = match command {
        Command::List => {
            for w in registry::waiting(&app).await? {
                say(&format!(
                    "{}  {}  {}  {}  {}",
                    iso(w.submitted_at),
                    w.integration_id,
                    w.version_id,
                    w.display_name,
                    w.endpoint
                ));
            }
            return Ok(());
        }
        Command::Approve(decision) => (decision, true),
        Command::Reject(decision) => (decision, false),
    };
    let version_id = registry::decide(&app, &decision.integration_id, approve, &decision.note).await?;
    say(&format!("{version_id} is {}", if approve { "approved" } else { "rejected" }));
    Ok(())
}
