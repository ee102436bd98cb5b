//! `secondme doctor`: looks at everything a server depends on, and says for each finding what to do. It changes nothing.

mod database;
mod surroundings;

use secondme_kit::{Clock, SystemClock};
use serde_json::json;

use super::{Outcome, say};
use crate::config::Config;

/// Flags of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also read every page of a SQLite database, and compute checksums of models: takes a while.
    #[arg(long)]
    deep: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Error,
}

/// What was looked at, and what came of it.
#[derive(Debug)]
struct Finding {
    area: &'static str,
    level: Level,
    what: String,
    fix: String,
}

impl Finding {
    fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self { area, level: Level::Ok, what: what.into(), fix: String::new() }
    }

    fn warning(area: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { area, level: Level::Warning, what: what.into(), fix: fix.into() }
    }

    fn error(area: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { area, level: Level::Error, what: what.into(), fix: fix.into() }
    }
}

pub(super) async fn run(config: Config, args: Args) -> Outcome {
    secondme_llm::install_tls();
    let mut findings = surroundings::data_folder(&config);
    findings.push(surroundings::disk(&config));
    findings.extend(surroundings::descriptors());
    findings.push(surroundings::clock(SystemClock.now()));
    findings.extend(database::check(&config, SystemClock.now(), args.deep).await);
    findings.push(surroundings::bus(&config).await);
    findings.extend(surroundings::files(&config).await);
    findings.extend(surroundings::models(&config, args.deep).await);
    findings.extend(surroundings::public_url(&config).await);
    if args.json {
        let row = |f: &Finding| json!({"area": f.area, "level": word(f.level), "what": f.what, "fix": f.fix});
        let rows: Vec<_> = findings.iter().map(row).collect();
        say(&json!(rows).to_string());
    } else {
        for finding in &findings {
            say(&format!("{:<8} {:<12} {}", word(finding.level), finding.area, finding.what));
            if !finding.fix.is_empty() {
                say(&format!("{:<21} fix: {}", "", finding.fix));
            }
        }
    }
    let errors = findings.iter().filter(|f| f.level == Level::Error).count();
    if errors > 0 {
        Err(format!("{errors} of {} findings keep the server from working", findings.len()).into())
    } else {
        Ok(())
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Error => "ERROR",
    }
}
