//! Putting a backup back.

use std::collections::BTreeMap;
use std::path::Path;

use secondme_store::{Location, Store, Synchronous, copy};

use super::{BackupError, DATABASE, FILES, KEY, Manifest, Result, at, files, verify, with_suffix, words_anew};

/// Where a backup goes.
#[derive(Debug)]
pub struct Target<'a> {
    /// The data folder: files, the key, and the SQLite database when there is no other.
    pub data_dir: &'a Path,
    /// The configured key, in hexadecimal, when it is not the file in the data folder.
    pub configured_key: Option<&'a str>,
    /// Whether to overwrite what is there. What was there of a SQLite database is kept beside it.
    pub force: bool,
}

/// What was put back.
#[derive(Debug)]
pub struct Restored {
    /// The backup's manifest.
    pub manifest: Manifest,
    /// Whether the server will run with the key that the backup was made with; otherwise every token in it is worthless.
    pub same_key: bool,
}

/// Verifies a backup and puts it back: into `postgres`, which was migrated, or else into the data folder's SQLite database,
/// which no server may be using. Afterwards every table's sum is compared with the manifest.
///
/// # Errors
/// [`BackupError::Damaged`] before anything was touched, [`BackupError::Refused`] when something is there already.
pub async fn restore(folder: &Path, target: &Target<'_>, postgres: Option<&Store>) -> Result<Restored> {
    let manifest = verify(folder).await?;
    if !target.force {
        refuse_overwriting(folder, target)?;
    }
    files::private_folder(target.data_dir)?;
    let wrong = match postgres {
        Some(store) => into_store(folder, target, store).await?,
        None => manifest.differing_tables(&into_file(folder, target).await?),
    };
    if !wrong.is_empty() {
        return Err(BackupError::Damaged(format!("after the restore: {}", wrong.join("; "))));
    }
    finish(target, postgres).await?;
    put_files(&folder.join(FILES), target)?;
    let same_key = put_key(&folder.join(KEY), target)?;
    Ok(Restored { manifest, same_key })
}

/// Copies the backup into a database of this version; the tables that are not equal afterwards.
async fn into_store(folder: &Path, target: &Target<'_>, store: &Store) -> Result<Vec<String>> {
    let there = copy::sums(&mut store.read().await?).await?;
    let rows: u64 = there.values().map(|sum| sum.rows).sum();
    if rows > 0 && !target.force {
        let why = format!("the database has {rows} rows already; --force makes it equal to the backup");
        return Err(BackupError::Refused(why));
    }
    // A backup of an older version is brought to this one first, in a copy: the tables must be the same.
    let scratch = with_suffix(&target.data_dir.join(DATABASE), ".restoring");
    files::remove_database(&scratch);
    files::copy_file(&folder.join(DATABASE), &scratch)?;
    let copied = through(&scratch, store).await;
    files::remove_database(&scratch);
    let (sums, found) = copied?;
    let differs = |(name, sum): (&String, &copy::Sum)| {
        (found.get(name) != Some(sum)).then(|| format!("table {name} is not equal to the backup"))
    };
    Ok(sums.iter().filter_map(differs).collect())
}

type Sums = BTreeMap<String, copy::Sum>;

/// The sums of what was read and of what is there now.
async fn through(scratch: &Path, store: &Store) -> Result<(Sums, Sums)> {
    let location = Location::Sqlite { path: scratch.to_owned(), readers: 2, synchronous: Synchronous::Normal };
    let from = Store::open(&location).await?;
    from.migrate(&[&secondme_jobs::MIGRATIONS, &crate::migrations::MIGRATIONS]).await?;
    let sums = copy::copy(&from, store, |_| {}).await?;
    Ok((sums, copy::sums(&mut store.read().await?).await?))
}

async fn into_file(folder: &Path, target: &Target<'_>) -> Result<Sums> {
    let database = target.data_dir.join(DATABASE);
    let lock = Lock::take(&database)?;
    if database.exists() {
        if !target.force {
            let why = format!("{} exists already; --force puts it aside", database.display());
            return Err(BackupError::Refused(why));
        }
        put_aside(&database)?;
    }
    let draft = with_suffix(&database, ".restoring");
    files::remove_database(&draft);
    files::copy_file(&folder.join(DATABASE), &draft)?;
    std::fs::rename(&draft, &database).map_err(at(&database))?;
    files::sync_folder(target.data_dir);
    let sums = copy::sums(&mut Store::open_snapshot(&database)?.read().await?).await?;
    drop(lock);
    Ok(sums)
}

/// Brings the database to this version, and lets it make its full text anew where that came from the other kind.
async fn finish(target: &Target<'_>, postgres: Option<&Store>) -> Result<()> {
    let path = target.data_dir.join(DATABASE);
    let store = match postgres {
        Some(store) => store.clone(),
        None => Store::open(&Location::Sqlite { path, readers: 1, synchronous: Synchronous::Full }).await?,
    };
    store.migrate(&[&secondme_jobs::MIGRATIONS, &crate::migrations::MIGRATIONS]).await?;
    Ok(words_anew(&store).await?)
}

/// The server's own lock, so that none is running and none starts meanwhile.
struct Lock(std::fs::File);

impl Drop for Lock {
    /// Let go of by name: a child that is just being started by another thread holds a copy of the file, and with it the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Lock {
    fn take(database: &Path) -> Result<Self> {
        let path = with_suffix(database, ".lock");
        let file = std::fs::File::create(&path).map_err(at(&path))?;
        let busy = || format!("{} is in use by another process; stop the server first", database.display());
        file.try_lock().map_err(|_| BackupError::Refused(busy()))?;
        Ok(Self(file))
    }
}

/// Renames a database, with its log, to the first free name.
fn put_aside(database: &Path) -> Result<()> {
    let aside = (1..).map(|n| with_suffix(database, &format!(".before-restore-{n}"))).find(|path| !path.exists());
    let Some(aside) = aside else { return Ok(()) };
    for suffix in ["-wal", "-shm", ""] {
        let from = with_suffix(database, suffix);
        if from.exists() {
            std::fs::rename(&from, with_suffix(&aside, suffix)).map_err(at(&from))?;
        }
    }
    Ok(())
}

/// Before anything is touched: nothing of the backup may be there already, and the key must be the same.
fn refuse_overwriting(folder: &Path, target: &Target<'_>) -> Result<()> {
    let files = folder.join(FILES);
    let place = |path: &std::path::PathBuf| target.data_dir.join(path.strip_prefix(&files).unwrap_or(path));
    if let Some(there) = files::walk(&files)?.iter().map(place).find(|path| path.exists()) {
        return Err(BackupError::Refused(format!("{} exists already; --force replaces it", there.display())));
    }
    let (kept, own) = (folder.join(KEY), target.data_dir.join(KEY));
    if target.configured_key.is_none() && kept.exists() && own.exists() && read_key(&kept)? != read_key(&own)? {
        return Err(BackupError::Refused(format!("{} is another key; --force replaces it", own.display())));
    }
    Ok(())
}

fn put_files(from: &Path, target: &Target<'_>) -> Result<()> {
    for path in files::walk(from)? {
        let to = target.data_dir.join(path.strip_prefix(from).unwrap_or(&path));
        if to.exists() {
            std::fs::remove_file(&to).map_err(at(&to))?;
        }
        files::private_folder(to.parent().unwrap_or(target.data_dir))?;
        files::copy_file(&path, &to)?;
    }
    Ok(())
}

/// Puts the backup's key into the data folder, unless a key is configured; whether the server will use the backup's key.
fn put_key(from: &Path, target: &Target<'_>) -> Result<bool> {
    if !from.exists() {
        return Ok(false);
    }
    let kept = read_key(from)?;
    if let Some(configured) = target.configured_key {
        return Ok(configured.eq_ignore_ascii_case(&kept));
    }
    let path = target.data_dir.join(KEY);
    if path.exists() {
        std::fs::remove_file(&path).map_err(at(&path))?;
    }
    files::write(&path, kept.as_bytes())?;
    Ok(true)
}

fn read_key(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map(|text| text.trim().to_lowercase()).map_err(at(path))
}
