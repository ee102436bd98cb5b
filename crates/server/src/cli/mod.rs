//! The commands of the binary, one file each.

mod app;
mod backup;
mod config;
mod docs;
mod doctor;
mod embedder;
mod integration;
mod invitation;
mod key;
mod memory;
mod migrate;
mod migrate_store;
mod model;
mod models;
mod open;
mod plaza;
mod progress;
mod serve;
mod speech;
mod top;
mod user;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use toml::Value;

use crate::config::{Config, ConfigError, Overrides};

pub use serve::jobs;

/// What a command ends with: an error is printed as it is, so its text says what to do.
type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// A self-hosted server of the SecondMe API.
#[derive(Debug, Parser)]
#[command(name = "secondme", version, about)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
struct Common {
    /// Configuration file (default: secondme.toml in this folder, when there is one).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the database, the server's key and demo.json.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server.
    Serve(serve::Args),
    /// Look at everything the server depends on, and say what to do.
    Doctor(doctor::Args),
    /// Show what a running server does.
    Top(top::Args),
    /// Bring the database to this version, and stop.
    Migrate,
    /// Write everything into a new folder, while the server goes on.
    Backup(backup::Backup),
    /// Put a backup back; no server may be running.
    Restore(backup::Restore),
    /// Check a backup.
    Verify(backup::Verify),
    /// Copy everything from one database into another, for example from SQLite to PostgreSQL.
    MigrateStore(migrate_store::Args),
    /// Create, list and repair user accounts.
    #[command(subcommand)]
    User(user::Command),
    /// Create applications.
    #[command(subcommand)]
    App(app::Command),
    /// Create and revoke personal API keys (lba_ak_…).
    #[command(subcommand)]
    Key(key::Command),
    /// What users' avatars remember.
    #[command(subcommand)]
    Memory(memory::Command),
    /// Make invitation codes to the plaza.
    #[command(subcommand)]
    Invitation(invitation::Command),
    /// Review integrations of apps.
    #[command(subcommand)]
    Integration(integration::Command),
    /// Moderate the plaza.
    #[command(subcommand)]
    Plaza(plaza::Command),
    /// List, fetch and verify models.
    #[command(subcommand)]
    Model(model::Command),
    /// Check and show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Print the OpenAPI 3.1 document.
    Openapi,
    /// Print generated reference pages as Markdown.
    #[command(subcommand)]
    Docs(docs::Command),
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Outcome {
    let common = cli.common;
    match cli.command {
        Command::Openapi => docs::openapi(),
        Command::Docs(command) => docs::run(&command),
        Command::Config(command) => config::run(&common, &command),
        Command::Serve(args) => {
            let config = common.load(args.overrides())?;
            environment(&config);
            runtime()?.block_on(serve::run(config, args))
        }
        Command::Memory(command) => {
            let config = common.load(Vec::new())?;
            if command.uses_model() {
                environment(&config);
            }
            runtime()?.block_on(memory::run(config, command))
        }
        Command::Migrate => runtime()?.block_on(migrate::run(common.load(Vec::new())?)),
        Command::Doctor(args) => runtime()?.block_on(doctor::run(common.load(Vec::new())?, args)),
        Command::Top(args) => runtime()?.block_on(top::run(common.load(Vec::new())?, args)),
        Command::Backup(args) => runtime()?.block_on(backup::backup(common.load(Vec::new())?, args)),
        Command::Restore(args) => runtime()?.block_on(backup::restore(common.load(Vec::new())?, args)),
        Command::Verify(args) => runtime()?.block_on(backup::verify(&args)),
        Command::MigrateStore(args) => runtime()?.block_on(migrate_store::run(args)),
        Command::User(command) => runtime()?.block_on(user::run(common.load(Vec::new())?, command)),
        Command::App(command) => runtime()?.block_on(app::run(common.load(Vec::new())?, command)),
        Command::Key(command) => runtime()?.block_on(key::run(common.load(Vec::new())?, command)),
        Command::Invitation(command) => runtime()?.block_on(invitation::run(common.load(Vec::new())?, command)),
        Command::Integration(command) => runtime()?.block_on(integration::run(common.load(Vec::new())?, command)),
        Command::Plaza(command) => runtime()?.block_on(plaza::run(common.load(Vec::new())?, command)),
        Command::Model(command) => model::run(&command),
    }
}

/// Prepares the process for serving: the allocator takes memory as it needs it, and an embedded model's threads sleep while they
/// wait. Where the program cannot be executed once more for that, it goes on as it is.
fn environment(config: &Config) {
    let mut variables = vec![("MIMALLOC_ARENA_EAGER_COMMIT", "0")];
    let models = &config.models;
    if models.nano.kind == "embedded" || models.pro.kind == "embedded" {
        variables.push(secondme_llm::PASSIVE_THREADS);
    }
    let _ = secondme_llm::ensure_environment(&variables);
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

impl Common {
    /// Loads the configuration with the flags of this command on top.
    fn load(&self, mut flags: Overrides) -> Result<Config, ConfigError> {
        if let Some(dir) = &self.data_dir {
            flags.push(("server.data_dir".to_owned(), Value::String(dir.display().to_string())));
        }
        let default = PathBuf::from("secondme.toml");
        let file = self.config.clone().or_else(|| default.exists().then_some(default));
        crate::config::load(file.as_deref(), std::env::vars(), flags)
    }
}

/// Prints for the person, or the script, that ran the command. Nobody may be listening any more; that is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a problem.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "error: {text}");
}
