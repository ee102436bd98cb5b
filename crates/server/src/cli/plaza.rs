//! `secondme plaza …`: what readers reported, what to do about it, and what was done.

use clap::{Args, Subcommand};
use secondme_kit::clock::iso;

use super::{Outcome, open, say};
use crate::config::Config;
use crate::plaza::moderation::{self, Action};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List what readers reported and nobody has dealt with.
    Reports,
    /// Hide a post, a comment, or (by user id) revoke a certificate.
    Hide(Decision),
    /// Undo a hide.
    Restore(Decision),
    /// Delete a post or comment for good.
    Remove(Decision),
    /// Close the reports about something without doing anything.
    Dismiss(Decision),
    /// Show what operators did, newest first.
    Trail {
        /// How many lines.
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
}

/// What, by whom, and why.
#[derive(Debug, Args)]
pub(super) struct Decision {
    /// `post_…`, `comment_…`, or a user's id.
    id: String,
    /// Why; kept in the trail.
    #[arg(long)]
    reason: String,
    /// Who decides; kept in the trail.
    #[arg(long, default_value = "operator")]
    operator: String,
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    let (action, decision) = match command {
        Command::Reports => {
            for r in moderation::waiting(&app).await? {
                say(&format!("{}  {:>3} report(s)  {}  {}", iso(r.since), r.reports, r.id, r.reason));
            }
            return Ok(());
        }
        Command::Trail { limit } => {
            for t in moderation::trail(&app, limit.max(1)).await? {
                say(&format!("{}  {}  {} {} {}  {}", iso(t.at), t.operator, t.action, t.kind, t.id, t.reason));
            }
            return Ok(());
        }
        Command::Hide(decision) => (Action::Hide, decision),
        Command::Restore(decision) => (Action::Restore, decision),
        Command::Remove(decision) => (Action::Remove, decision),
        Command::Dismiss(decision) => (Action::Dismiss, decision),
    };
    moderation::act(&app, &decision.operator, action, &decision.id, &decision.reason).await?;
    say(&format!("{} {}", action.word(), decision.id));
    Ok(())
}
