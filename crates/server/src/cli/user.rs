//! `secondme user create|list|contract|operator|suspend|reinstate|reset-password|export|import|delete`.

use std::path::PathBuf;

use clap::Subcommand;
use secondme_kit::clock::iso;
use serde_json::json;

use super::{Outcome, open, say};
use crate::admin::people::{self, Action};
use crate::app::App;
use crate::avatars::contract;
use crate::config::Config;
use crate::platform::bundle;
use crate::users::accounts::{self, NewUser};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a user and their primary avatar.
    Create {
        /// The address that they log in with.
        #[arg(long)]
        email: String,
        /// The password; made and printed when absent.
        #[arg(long)]
        password: Option<String>,
        /// What others see; made from the address when absent.
        #[arg(long, default_value = "")]
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List all users.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Record how far a user's contract for paid avatars is; this server has no page to sign on, and no till.
    Contract {
        /// The address that they log in with.
        #[arg(long)]
        email: String,
        /// How far it is.
        #[arg(long)]
        status: contract::Status,
    },
    /// Let a user operate this server in the browser (`/admin`).
    Operator {
        /// The address that they log in with.
        #[arg(long)]
        email: String,
        /// Take that back.
        #[arg(long)]
        revoke: bool,
    },
    /// End all access of an account: sessions, tokens, whatever is open.
    Suspend {
        /// The address that they log in with.
        #[arg(long)]
        email: String,
        /// Why; kept in the operators' trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a suspended account back in.
    Reinstate {
        /// The address that they log in with.
        #[arg(long)]
        email: String,
    },
    /// Set a new password and end the user's browser sessions.
    ResetPassword {
        /// The address that they log in with.
        #[arg(long)]
        email: String,
        /// The new password; made and printed when absent.
        #[arg(long)]
        password: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write everything of a user into a file (docs/BUNDLE.md).
    Export {
        /// Whose.
        #[arg(long)]
        email: String,
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put an exported file into an account, in place of what is there.
    Import {
        /// Whose account; it must exist.
        #[arg(long)]
        email: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Delete a user with everything of theirs; nothing brings it back.
    Delete {
        /// Whose account.
        #[arg(long)]
        email: String,
        /// Yes, really.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    match command {
        Command::Create { email, password, name, json } => {
            let password = password.unwrap_or_else(|| app.entropy().alphanumeric(20));
            let id = accounts::create(&app, &NewUser { email: &email, password: &password, name: &name }).await?;
            say(&if json {
                json!({"userId": id.to_string(), "email": email, "password": password}).to_string()
            } else {
                format!("created user {id}\n  e-mail:   {email}\n  password: {password}")
            });
        }
        Command::List { json } => {
            let users = accounts::list(&app).await?;
            if json {
                let rows: Vec<_> = users
                    .iter()
                    .map(|u| {
                        json!({"userId": u.id.to_string(), "email": u.email, "name": u.name, "route": u.route,
                               "demo": u.demo, "createdAt": iso(u.created_at)})
                    })
                    .collect();
                say(&json!(rows).to_string());
            } else {
                for u in users {
                    say(&format!("{:>10}  {}  {}  {}", u.id, iso(u.created_at), u.email, u.name));
                }
            }
        }
        Command::Contract { email, status } => {
            contract::record(&app, &email, status).await?;
            say(&format!("contract of {email}: {}", status.word()));
        }
        Command::Operator { email, revoke } => {
            let action = if revoke { Action::Demote } else { Action::Promote };
            accounts_act(&app, &email, action, "").await?;
        }
        Command::Suspend { email, reason } => accounts_act(&app, &email, Action::Suspend, &reason).await?,
        Command::Reinstate { email } => accounts_act(&app, &email, Action::Reinstate, "").await?,
        Command::ResetPassword { email, password, json } => {
            let password = password.unwrap_or_else(|| app.entropy().alphanumeric(20));
            accounts::reset_password(&app, &email, &password).await?;
            say(&if json {
                json!({"email": email, "password": password}).to_string()
            } else {
                format!("new password of {email}: {password}")
            });
        }
        Command::Export { email, to } => {
            let bundle = bundle::export(&app, accounts::people::id_of(&app, &email).await?).await?;
            super::open::write_private(&to, &bundle.text).map_err(|e| format!("cannot write {}: {e}", to.display()))?;
            say(&format!("{} rows in {}", bundle.rows, to.display()));
        }
        Command::Import { email, from } => {
            let text = std::fs::read_to_string(&from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
            let done = bundle::import(&app, accounts::people::id_of(&app, &email).await?, &text).await?;
            say(&format!("{} rows imported, {} left out", done.rows, done.left_out));
        }
        Command::Delete { email, yes } => {
            let id = accounts::people::id_of(&app, &email).await?;
            if !yes {
                return Err(format!("this deletes everything of user {id} ({email}) for ever; add --yes").into());
            }
            bundle::delete(&app, id).await?;
            say(&format!("user {id} is deleted"));
        }
    }
    Ok(())
}

async fn accounts_act(app: &App, email: &str, action: Action, reason: &str) -> Outcome {
    let id = accounts::people::id_of(app, email).await?;
    people::act(app, "command line", id, action, reason).await?;
    say(&format!("{} {email}", action.word()));
    Ok(())
}
