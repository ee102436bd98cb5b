//! One pull: the sources in their order, until one gave the right file.

use std::path::{Path, PathBuf};

use super::{Attempt, Entry, Phase, Progress, PullError, disk, hub, packages};

/// Where a model may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that the user has.
    File(PathBuf),
    /// The model hub at this address; plain HTTPS.
    Hub(String),
    /// Python packages, through `pip` of this Python.
    Packages(PathBuf),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::File(path) => write!(f, "file {}", path.display()),
            Source::Hub(address) => write!(f, "model hub {address}"),
            Source::Packages(python) => write!(f, "packages through {} -m pip", python.display()),
        }
    }
}

/// Pulls models into a folder.
pub struct Puller {
    cache_dir: PathBuf,
    sources: Vec<Source>,
}

impl Puller {
    /// From the hub, then from packages.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self::from(cache_dir, vec![Source::Hub(hub::ADDRESS.into()), Source::Packages("python3".into())])
    }

    /// From these sources, in this order.
    pub fn from(cache_dir: impl Into<PathBuf>, sources: Vec<Source>) -> Self {
        Self { cache_dir: cache_dir.into(), sources }
    }

    /// As [`super::pull`].
    ///
    /// # Errors
    /// As [`super::pull`].
    pub fn pull(&self, entry: &Entry, progress: &dyn Progress) -> Result<PathBuf, PullError> {
        let path = entry.path(&self.cache_dir);
        if disk::is_noted(entry, &path) {
            return Ok(path);
        }
        let work = self.cache_dir.join(".pull").join(entry.name);
        std::fs::create_dir_all(&work).map_err(PullError::io(&work))?;
        let _lock = disk::lock(&work, progress)?;
        if disk::is_noted(entry, &path) || (path.exists() && disk::check(entry, &path, progress).is_ok()) {
            return Ok(path);
        }
        let mut attempts = Vec::new();
        for source in &self.sources {
            match fetch(entry, source, &work, progress) {
                Ok(file) => {
                    disk::settle(entry, &file, &path)?;
                    clean(&work);
                    return Ok(path);
                }
                Err(why) => {
                    let attempt = Attempt { source: source.to_string(), why };
                    progress.phase(Phase::SourceFailed(attempt.clone()));
                    attempts.push(attempt);
                }
            }
        }
        Err(PullError::NoSource { name: entry.name.into(), attempts, hint: hint(entry, &path) })
    }
}

/// One source; gives a file whose sum is right.
fn fetch(entry: &Entry, source: &Source, work: &Path, progress: &dyn Progress) -> Result<PathBuf, String> {
    progress.phase(Phase::Downloading(source.to_string()));
    let file = match source {
        Source::File(path) => {
            let copy = work.join("copy");
            std::fs::copy(path, &copy).map_err(|e| e.to_string())?;
            copy
        }
        Source::Hub(_) if entry.hub_repository.is_empty() => return Err("no hub has this file".into()),
        Source::Hub(address) => hub::download(address, entry, work, progress)?,
        Source::Packages(python) => packages::download(python, entry, work, progress)?,
    };
    progress.phase(Phase::Checking);
    let file = rewritten(entry, file, work).inspect_err(|_| clean(work))?;
    disk::check(entry, &file, progress).map_err(|error| {
        // What is wrong must not be taken up again.
        clean(work);
        error.to_string()
    })?;
    Ok(file)
}

/// The file itself, when a source carries something that it is made from.
fn rewritten(entry: &Entry, file: PathBuf, work: &Path) -> Result<PathBuf, String> {
    let Some(rewrite) = &entry.rewrite else { return Ok(file) };
    let mut start = [0; 4];
    let read = std::fs::File::open(&file).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut start));
    if read.is_err() || &start != rewrite.magic {
        return Ok(file);
    }
    let found = disk::sum(&file).map_err(|e| e.to_string())?;
    if found != rewrite.sha256 {
        return Err(format!("what the packages carry is damaged: its SHA-256 is {found}"));
    }
    let new = work.join("rewritten");
    (rewrite.run)(&file, &new)?;
    Ok(new)
}

/// Empties the work folder, all but the lock.
fn clean(work: &Path) {
    let Ok(items) = std::fs::read_dir(work) else { return };
    for item in items.flatten().filter(|item| item.file_name() != "lock") {
        let path = item.path();
        let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
    }
}

fn hint(entry: &Entry, path: &Path) -> String {
    if let Some(part) = entry.parts.first().filter(|_| entry.hub_repository.is_empty()) {
        return format!("It is made from {} of the package {} {}.", part.member, part.package, part.version);
    }
    format!(
        "By hand: download {} ({} MB, SHA-256 {}) from the repository {} on a model hub, and put it at {}; \
         or name the file's path in the configuration; or use an upstream model.",
        entry.file,
        entry.size / 1_000_000,
        entry.sha256,
        entry.hub_repository,
        path.display()
    )
}
