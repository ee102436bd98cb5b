//! Web search through a SearXNG-compatible address that the operator configured.

use std::fmt::Write;
use std::time::Duration;

use serde::Deserialize;

use crate::app::App;
use crate::config::Search;

/// One result.
#[derive(Clone, Debug, Deserialize)]
pub struct Found {
    /// Title of the page.
    #[serde(default)]
    pub title: String,
    /// Where it is.
    #[serde(default)]
    pub url: String,
    /// An extract.
    #[serde(default)]
    pub content: String,
}

/// Whether searches can run here.
pub fn is_configured(config: &Search) -> bool {
    !config.url.is_empty()
}

/// Searches the web. A search that fails is one that found nothing: the avatar answers without it, the log says why.
pub async fn run(app: &App, query: &str) -> Vec<Found> {
    match fetch(app, query).await {
        Ok(mut found) => {
            found.truncate(app.config().search.results_max);
            found
        }
        Err(error) => {
            tracing::warn!(cause = %error.without_url(), "web search failed");
            Vec::new()
        }
    }
}

async fn fetch(app: &App, query: &str) -> Result<Vec<Found>, reqwest::Error> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        results: Vec<Found>,
    }
    let config = &app.config().search;
    let request = app.http()?.get(&config.url).query(&[("q", query), ("format", "json")]);
    let answer = request.timeout(Duration::from_secs(config.timeout_seconds)).send().await?.error_for_status()?;
    Ok(answer.json::<Answer>().await?.results)
}

/// The message with what was found in front of it.
pub fn with_results(message: &str, found: &[Found]) -> String {
    if found.is_empty() {
        return message.to_owned();
    }
    let mut text = String::from("Web search results that may help (quote their addresses when you use them):\n");
    for (n, result) in found.iter().enumerate() {
        let extract: String = result.content.chars().take(500).collect();
        let _ = writeln!(text, "{}. {} <{}>: {extract}", n + 1, result.title, result.url);
    }
    let _ = write!(text, "\n{message}");
    text
}
