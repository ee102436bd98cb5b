//! `secondme memory dream|portraits`.

use std::time::Duration;

use clap::Subcommand;
use secondme_kit::clock::iso;
use secondme_llm::ModelStatus;
use serde_json::json;

use super::{Outcome, models, open, say};
use crate::app::App;
use crate::chat::models::ModelName;
use crate::config::Config;
use crate::learning::portrait::{self, Dream, Method};
use crate::users::accounts;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Rewrite a user's portrait now, as the nightly job does, and show what changed.
    Dream {
        /// The user's id or e-mail address.
        #[arg(long)]
        user: String,
        /// Do without a model: put the portrait together from the memories themselves.
        #[arg(long)]
        extractive: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what past rewrites of a user's portrait changed.
    Portraits {
        /// The user's id or e-mail address.
        #[arg(long)]
        user: String,
    },
}

impl Command {
    /// Whether a model of the configuration is needed.
    pub(super) fn uses_model(&self) -> bool {
        matches!(self, Self::Dream { extractive: false, .. })
    }
}

/// How long a model may take to be loaded.
const LOADING: Duration = Duration::from_secs(120);

pub(super) async fn run(mut config: Config, command: Command) -> Outcome {
    match command {
        Command::Dream { user, extractive, json } => {
            if extractive {
                config.learning.model = "off".to_owned();
            }
            let app = if extractive { open::app(config).await? } else { with_models(config).await? };
            let user_id = find(&app, &user).await?;
            say(&shown(&portrait::dream(&app, user_id).await?, json));
        }
        Command::Portraits { user } => {
            let app = open::app(config).await?;
            let user_id = find(&app, &user).await?;
            for past in portrait::past(&app, user_id).await? {
                say(&format!("{}  {}\n{}\n", iso(past.created_at), past.method, past.diff));
            }
        }
    }
    Ok(())
}

/// The models of the configuration. One that is not here stays away, and the portrait does without it.
async fn with_models(config: Config) -> Result<App, Box<dyn std::error::Error + Send + Sync>> {
    let opened = models::open(&config, None)?;
    let app = open::app_with(config, opened.models).await?;
    let name = if app.config().learning.model == "pro" { ModelName::Pro } else { ModelName::Nano };
    let loaded = async {
        while app.models().are_present() && app.models().get(name).status() == ModelStatus::Loading {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = tokio::time::timeout(LOADING, loaded).await;
    Ok(app)
}

async fn find(app: &App, user: &str) -> Result<i64, Box<dyn std::error::Error + Send + Sync>> {
    let users = accounts::list(app).await?;
    let found = users.iter().find(|known| known.email.eq_ignore_ascii_case(user) || known.id.to_string() == user);
    Ok(found.ok_or_else(|| format!("there is no user {user}; `secondme user list` shows all"))?.id)
}

fn shown(dream: &Dream, json: bool) -> String {
    let method = if dream.method == Method::Model { "model" } else { "extractive" };
    if json {
        return json!({"bio": dream.bio, "diff": dream.diff, "method": method, "interests": dream.interests,
                      "withoutModel": dream.without_model})
        .to_string();
    }
    let mut text = format!("portrait ({method})\n");
    if let Some(why) = &dream.without_model {
        text.push_str(&format!("without a model: {why}\n"));
    }
    text.push_str(if dream.diff.is_empty() { "nothing changed" } else { &dream.diff });
    for interest in &dream.interests {
        text.push_str(&format!("\n* {interest}"));
    }
    text
}
