//! `secondme backup`, `restore`, `verify`.

use std::path::{Path, PathBuf};

use secondme_kit::{Clock, SystemClock};
use secondme_store::Store;

use super::{Outcome, open, say};
use crate::config::Config;
use crate::platform::backup::{self, Manifest, Source, Target};

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The folder to make; it must not exist.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Leave the server's key out, to keep it apart from the data.
    #[arg(long)]
    without_key: bool,
}

/// Flags of `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The backup.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Overwrite what is there; a SQLite database is put aside, not deleted.
    #[arg(long)]
    force: bool,
}

/// Flags of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// The backup.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) async fn backup(config: Config, args: Backup) -> Outcome {
    // Of a database that a newer version has extended this one cannot copy everything.
    let store = open::migrated(open::store_beside(&config).await?).await?;
    let key = if args.without_key { None } else { open::key_text(&config)? };
    let data_dir = config.data_dir();
    let source = Source { data_dir: &data_dir, key: key.as_deref(), now: SystemClock.now() };
    let manifest = backup::make(&store, source, &args.to).await?;
    say(&told("backed up", &manifest, &args.to));
    if key.is_none() {
        say("the server's key is not in it: without the key, every token in it is worthless");
    }
    Ok(())
}

pub(super) async fn restore(config: Config, args: Restore) -> Outcome {
    let data_dir = config.data_dir();
    let configured = config.server.secret_key.expose();
    let target = Target {
        data_dir: &data_dir,
        configured_key: Some(configured).filter(|key| !key.is_empty()),
        force: args.force,
    };
    let postgres: Option<Store> =
        if config.database.url.is_empty() { None } else { Some(open::migrated(open::store(&config).await?).await?) };
    let restored = backup::restore(&args.from, &target, postgres.as_ref()).await?;
    say(&told("restored", &restored.manifest, &args.from));
    if !restored.same_key {
        say("this server has another key than the backup: users sign in again, apps need new secrets");
    }
    Ok(())
}

pub(super) async fn verify(args: &Verify) -> Outcome {
    let manifest = backup::verify(&args.folder).await?;
    say(&told("the backup is whole:", &manifest, &args.folder));
    Ok(())
}

fn told(what: &str, manifest: &Manifest, folder: &Path) -> String {
    let bytes: u64 = manifest.files.values().map(|file| file.bytes).sum();
    format!(
        "{what} {} rows in {} tables and {} files ({:.1} MB, from {}): {}",
        manifest.rows(),
        manifest.tables.len(),
        manifest.files.len(),
        bytes as f64 / 1e6,
        manifest.from,
        folder.display()
    )
}
