//! `secondme app create|list|approve|reject|suspend`.

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, open, say};
use crate::access::Requested;
use crate::app::App;
use crate::config::Config;
use crate::oauth::apps::{self, ClientType, NewApplication};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List all applications.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let an application in, and list it if it asked for that.
    Approve {
        /// `app_…`, as `secondme app list` shows it.
        app_id: String,
    },
    /// Refuse an application.
    Reject {
        /// `app_…`, as `secondme app list` shows it.
        app_id: String,
    },
    /// Stop an application: its tokens stop working within seconds.
    Suspend {
        /// `app_…`, as `secondme app list` shows it.
        app_id: String,
    },
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
        /// A program in its user's hands: it has no secret and uses PKCE.
        #[arg(long)]
        public: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: Config, command: Command) -> Outcome {
    let app = open::app(config).await?;
    match command {
        Command::List { json } => list(&app, json).await,
        Command::Approve { app_id } => review(&app, &app_id, "approved").await,
        Command::Reject { app_id } => review(&app, &app_id, "rejected").await,
        Command::Suspend { app_id } => review(&app, &app_id, "suspended").await,
        create @ Command::Create { .. } => self::create(&app, create).await,
    }
}

async fn list(app: &App, json: bool) -> Outcome {
    for found in apps::all(app.store()).await? {
        let line = json!({"appId": found.app_id, "clientId": found.client_id, "appName": found.name,
            "status": found.status, "listingStatus": found.listing_status});
        say(&if json {
            line.to_string()
        } else {
            format!(
                "{}  {}  {} ({})  {}",
                found.app_id, found.client_id, found.status, found.listing_status, found.name
            )
        });
    }
    Ok(())
}

async fn review(app: &App, app_id: &str, status: &'static str) -> Outcome {
    apps::review(app, app_id, status).await?;
    say(&format!("{app_id} is {status}"));
    Ok(())
}

async fn create(app: &App, command: Command) -> Outcome {
    let Command::Create { name, description, redirect_uris, scopes, public, json } = command else { return Ok(()) };
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
        client_type: if public { ClientType::Public } else { ClientType::Confidential },
    };
    let made = apps::create(app, &new).await?;
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
