//! Backups: the whole state of a server, as it was at one moment, in a folder that can be checked and put back.
//!
//! The database in a backup is always a SQLite file, whichever database it came from, so it can be restored to either. It is
//! written first and the files after it: files are added before the rows that name them and never changed.

mod files;
mod manifest;
mod restore;

use std::path::{Path, PathBuf};

use secondme_kit::Millis;
use secondme_store::{Dialect, Location, Store, StoreError, Synchronous, copy};

pub use manifest::{FileEntry, Manifest, TableEntry};
pub use restore::{Restored, Target, restore};

/// The database's name in a backup.
const DATABASE: &str = "secondme.db";
/// The key's name in a backup, and in the data folder.
const KEY: &str = "server.key";
/// Where a backup keeps the files of the data folder.
const FILES: &str = "files";

/// Why a backup could not be made, is no good, or was not put back. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder failed.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The backup is not what its manifest says.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// It would overwrite something.
    #[error("{0}")]
    Refused(String),
}

type Result<T> = std::result::Result<T, BackupError>;

/// What a backup is made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The folder whose files belong to the state.
    pub data_dir: &'a Path,
    /// The server's key, in hexadecimal; none: it stays out.
    pub key: Option<&'a str>,
    /// When this is.
    pub now: Millis,
}

/// Writes a backup into the new folder `to` while the server goes on. A folder that is there under its name is complete.
///
/// # Errors
/// When `to` exists, or something cannot be read or written; what was written so far is removed.
pub async fn make(store: &Store, source: Source<'_>, to: &Path) -> Result<Manifest> {
    if to.exists() {
        return Err(BackupError::Refused(format!("{} exists already; name a new folder", to.display())));
    }
    if files::is_inside(to, source.data_dir) {
        let why = format!("{} is inside the data folder; put backups elsewhere", to.display());
        return Err(BackupError::Refused(why));
    }
    let draft = with_suffix(to, ".part");
    let _ = std::fs::remove_dir_all(&draft);
    let made = write(store, source, &draft).await;
    let kept = made.and_then(|manifest| {
        std::fs::rename(&draft, to).map_err(at(to))?;
        files::sync_folder(to.parent().unwrap_or(Path::new(".")));
        Ok(manifest)
    });
    if kept.is_err() {
        let _ = std::fs::remove_dir_all(&draft);
    }
    kept
}

async fn write(store: &Store, source: Source<'_>, folder: &Path) -> Result<Manifest> {
    files::private_folder(folder)?;
    let database = folder.join(DATABASE);
    database_file(store, folder, &database).await?;
    let sums = copy::sums(&mut Store::open_snapshot(&database)?.read().await?).await?;
    if let Some(key) = source.key {
        files::write(&folder.join(KEY), format!("{key}\n").as_bytes())?;
    }
    files::copy_tree(source.data_dir, &folder.join(FILES))?;
    let manifest = Manifest {
        format: manifest::FORMAT,
        created_at: source.now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        from: if store.dialect() == Dialect::Sqlite { "sqlite" } else { "postgres" }.to_owned(),
        tables: sums.iter().map(|(name, sum)| (name.clone(), TableEntry::of(sum))).collect(),
        files: files::entries(folder)?,
    };
    manifest.write(folder)?;
    files::sync_folder(folder);
    Ok(manifest)
}

/// The state of one moment as a SQLite file.
async fn database_file(store: &Store, folder: &Path, to: &Path) -> Result<()> {
    if store.dialect() == Dialect::Sqlite {
        return Ok(store.snapshot(to).await?);
    }
    let scratch = folder.join("copy.db");
    let location = Location::Sqlite { path: scratch.clone(), readers: 2, synchronous: Synchronous::Normal };
    let copied = Store::open(&location).await?;
    copied.migrate(&[&secondme_jobs::MIGRATIONS, &crate::migrations::MIGRATIONS]).await?;
    copy::copy(store, &copied, |_| {}).await?;
    copied.snapshot(to).await?;
    drop(copied);
    files::remove_database(&scratch);
    Ok(())
}

/// Checks a backup against its manifest: every file's hash, every table's rows, and the database itself.
///
/// # Errors
/// [`BackupError::Damaged`] with everything that is wrong.
pub async fn verify(folder: &Path) -> Result<Manifest> {
    let manifest = Manifest::read(folder)?;
    let mut wrong = files::differences(&manifest.files, &files::entries(folder)?);
    if wrong.is_empty() {
        let store = Store::open_snapshot(&folder.join(DATABASE))?;
        wrong.extend(store.damages().await?);
        wrong.extend(manifest.differing_tables(&copy::sums(&mut store.read().await?).await?));
    }
    if wrong.is_empty() { Ok(manifest) } else { Err(BackupError::Damaged(wrong.join("; "))) }
}

/// Lets the full text be made anew of what was copied from the other kind of database: it looks different on each.
///
/// # Errors
/// Storage failures only.
pub async fn words_anew(store: &Store) -> std::result::Result<(), StoreError> {
    crate::memory::index::word_anew(store).await?;
    crate::plaza::posts::word_anew(store).await?;
    Ok(())
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
