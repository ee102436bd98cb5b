//! `secondme migrate-store`: everything from one database into another.

use std::path::PathBuf;

use secondme_kit::Secret;
use secondme_store::copy::{self, Step};
use secondme_store::{Location, Store, Synchronous};

use super::{Outcome, open, say};
use crate::platform::backup;

/// Flags of `migrate-store`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// `sqlite:PATH` of a data file, or `postgres://…`. Its server may be running.
    #[arg(long, value_name = "DATABASE")]
    from: String,
    /// `sqlite:PATH` or `postgres://…`. No server may be running on it; what it has and the source has not is deleted.
    #[arg(long, value_name = "DATABASE")]
    to: String,
    /// Copy even if the target has rows already that do not come from an earlier run.
    #[arg(long)]
    overwrite: bool,
}

pub(super) async fn run(args: Args) -> Outcome {
    let (source, target) = (location(&args.from, "--from")?, location(&args.to, "--to")?);
    if let Location::Sqlite { path, .. } = &source
        && !path.is_file()
    {
        return Err(format!("--from: there is no file {}", path.display()).into());
    }
    let from = open::migrated(Store::open_beside(&source).await?).await?;
    let to = open::migrated(Store::open(&target).await?).await?;
    refuse_strangers(&from, &to, args.overwrite).await?;
    let sums = copy::copy(&from, &to, tell).await?;
    say("comparing");
    let found = copy::sums(&mut to.read().await?).await?;
    let wrong: Vec<&str> =
        sums.iter().filter(|(name, sum)| found.get(*name) != Some(sum)).map(|(name, _)| name.as_str()).collect();
    if !wrong.is_empty() {
        return Err(format!("not equal after the copy: {}; run it again", wrong.join(", ")).into());
    }
    backup::words_anew(&to).await?;
    let rows: u64 = sums.values().map(|sum| sum.rows).sum();
    say(&format!("{rows} rows in {} tables are equal on both sides", sums.len()));
    say(
        "What the old server writes from now on is not in it. To move for good: stop the old server, run this again (only \
         differences are written), give the new server the old one's key (SECONDME_SERVER__SECRET_KEY, the content of \
         server.key) and its files, and start it.",
    );
    Ok(())
}

fn location(text: &str, flag: &str) -> std::result::Result<Location, String> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
        return Ok(Location::Sqlite { path, readers: 4, synchronous: Synchronous::Full });
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") || text.starts_with("host=") {
        return Ok(Location::Postgres { url: Secret::new(text), pool: 4 });
    }
    Err(format!("{flag}: expected sqlite:PATH or postgres://…"))
}

/// A target with users that the source does not have is somebody else's server.
async fn refuse_strangers(from: &Store, to: &Store, overwrite: bool) -> Outcome {
    use secondme_store::{params, sql};
    if overwrite {
        return Ok(());
    }
    let people = sql!("SELECT id, email FROM users ORDER BY id");
    let known = |rows: Vec<secondme_store::Row>| -> Result<Vec<(i64, String)>, secondme_store::StoreError> {
        rows.iter().map(|row| Ok((row.get("id")?, row.get("email")?))).collect()
    };
    let (theirs, ours) = (known(from.all(people, params![]).await?)?, known(to.all(people, params![]).await?)?);
    if ours.iter().any(|user| !theirs.contains(user)) {
        return Err("the target has users that the source does not have; --overwrite deletes them".into());
    }
    Ok(())
}

fn tell(step: Step<'_>) {
    if step.done || step.rows.is_multiple_of(50_000) {
        let how = if step.done { "done" } else { "…" };
        say(&format!("{:<28} {:>10} rows, {:>10} written  {how}", step.table, step.rows, step.changed));
    }
}
