//! `secondme app create`.

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, open, say};
use crate::access::Requested;
use crate::config::Config;
use crate::oauth::apps::{self, NewApplication};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register an application; its secret is shown once, here.
    Create {
        /// What users see on the consent page.
        #[arg(long)]
        name: String,
        /// What users see below the name.
        #[arg(long, default_value = "")]
        description: String,
        /// Where codes may be sent, exactly; repeat for several.
        #[arg(long = "redirect-uri", required = true)]
        redirect_uris: Vec<String>,
        /// What it may ask for, separated by commas or spaces; every scope when absent.
        #[arg(long)]
        scopes: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    let Command::Create { name, description, redirect_uris, scopes, json } = command;
    let allowed = match &scopes {
        Some(text) => Requested::parse(text)?,
        None => Requested::all(),
    };
    let new = NewApplication {
        owner: None,
        name: &name,
        description: &description,
        redirect_uris: &redirect_uris,
        allowed: allowed.clone(),
    };
    let made = apps::create(&app, &new).await?;
    say(&if json {
        json!({"appId": made.app_id, "clientId": made.client_id, "clientSecret": made.client_secret,
               "redirectUris": redirect_uris, "allowedScopes": allowed.names})
        .to_string()
    } else {
        format!(
            "App Name: {name}\nClient ID: {}\nClient Secret: {}\nRedirect URIs: {}\nAllowed Scopes: {}",
            made.client_id,
            made.client_secret,
            redirect_uris.join(", "),
            allowed.names.join(", ")
        )
    });
    Ok(())
}
