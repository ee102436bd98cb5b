//! `secondme key create|revoke`: personal API keys, `lba_ak_…`.

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, open, say};
use crate::access::Requested;
use crate::config::Config;
use crate::users::accounts;
use crate::users::keys;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a long-lived key of a user; it is shown once, here.
    Create {
        /// Whose key.
        #[arg(long)]
        email: String,
        /// A name to revoke it by.
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas or spaces; every scope when absent.
        #[arg(long)]
        scopes: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take back all keys of a user with this name.
    Revoke {
        /// Whose key.
        #[arg(long)]
        email: String,
        /// The name it was made with.
        #[arg(long)]
        name: String,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    let user = |email: &str| {
        let email = email.trim().to_lowercase();
        let app = app.clone();
        async move {
            let users = accounts::list(&app).await?;
            users.into_iter().find(|u| u.email == email).map(|u| u.id).ok_or_else(|| {
                Box::<dyn std::error::Error + Send + Sync>::from(format!("nobody has the address {email}"))
            })
        }
    };
    match command {
        Command::Create { email, name, scopes, json } => {
            let scopes = match &scopes {
                Some(text) => Requested::parse(text)?,
                None => Requested::all(),
            };
            let key = keys::create(&app, user(&email).await?, &name, &scopes).await?;
            say(&if json { json!({"apiKey": key, "scopes": scopes.names}).to_string() } else { key });
        }
        Command::Revoke { email, name } => {
            let count = keys::revoke(&app, user(&email).await?, &name).await?;
            say(&format!("revoked {count} key(s)"));
        }
    }
    Ok(())
}
