//! `secondme model list|pull|verify`.

use clap::Subcommand;
use secondme_llm::catalogue::{self, State};
use serde_json::json;

use super::progress::Bar;
use super::{Outcome, open, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the catalogue and what of it is here.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model of the catalogue; goes on where an earlier try ended.
    Pull {
        /// A name of the list.
        name: String,
    },
    /// Compute a model's checksum anew.
    Verify {
        /// A name of the list.
        name: String,
    },
}

pub(super) fn run(command: &Command) -> Outcome {
    secondme_llm::install_tls();
    let cache = open::model_cache();
    match command {
        Command::List { json } => {
            let models = catalogue::list(&cache);
            if *json {
                let rows: Vec<_> = models
                    .iter()
                    .map(|(m, state)| {
                        json!({"name": m.name, "state": word(*state), "bytes": m.size, "sha256": m.sha256,
                               "licence": m.licence, "path": m.path(&cache), "about": m.about})
                    })
                    .collect();
                say(&json!(rows).to_string());
            } else {
                for (m, state) in models {
                    let size = m.size / 1_000_000;
                    say(&format!("{:<14} {:<8} {size:>5} MB  {}  {}", m.name, word(state), m.licence, m.about));
                }
            }
        }
        Command::Pull { name } => {
            let path = catalogue::pull(name, &cache, &Bar::new())?;
            say(&path.display().to_string());
        }
        Command::Verify { name } => {
            catalogue::verify(name, &cache, &Bar::new())?;
            say(&format!("{name} is whole"));
        }
    }
    Ok(())
}

fn word(state: State) -> &'static str {
    match state {
        State::Present => "present",
        State::Absent => "absent",
        State::Corrupt => "corrupt",
    }
}
