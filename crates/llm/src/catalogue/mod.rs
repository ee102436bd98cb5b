//! Models that can be fetched by name: pinned by the SHA-256 of the whole file, whatever source it comes from.
//!
//! A model is one file in the cache folder, with a `.verified` note beside it so that a later start need not hash it again.
//! Nothing under its final name is ever incomplete or wrong. Everything here blocks: call it from a blocking thread.

mod disk;
mod e5;
mod entries;
mod error;
mod hub;
mod packages;
mod pull;
mod speech;
mod tarball;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use entries::ENTRIES;
pub use error::{Attempt, PullError};
pub use pull::{Puller, Source};

/// A model of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is and is good for, in a sentence.
    pub about: &'static str,
    /// Its file name in the cache, and in the hub's repository.
    pub file: &'static str,
    /// SHA-256 of the whole file, in hexadecimal.
    pub sha256: &'static str,
    /// Bytes of the whole file.
    pub size: u64,
    /// SPDX name of its licence.
    pub licence: &'static str,
    /// The repository on the model hub; empty where no hub has it.
    pub hub_repository: &'static str,
    /// The packages whose members, joined in this order, are the file.
    pub parts: &'static [Part],
    /// What the packages carry when it is not the file itself.
    pub rewrite: Option<Rewrite>,
}

/// What a source carries, and how it becomes the file.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite {
    /// SHA-256 of what the packages carry.
    pub sha256: &'static str,
    /// Its first bytes.
    pub magic: &'static [u8; 4],
    /// Writes the file (second) from what the packages carry (first).
    pub run: fn(&Path, &Path) -> Result<(), String>,
}

impl PartialEq for Rewrite {
    fn eq(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
}

impl Eq for Rewrite {}

impl Entry {
    /// Where the model is, or would be.
    pub fn path(&self, cache_dir: &Path) -> PathBuf {
        cache_dir.join(self.file)
    }
}

/// Whose package it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// A wheel, fetched by `pip`; with these options when it is not for every Python and system.
    Python(&'static [&'static str]),
    /// A tarball, fetched by `npm`.
    Npm,
}

/// A package with a piece of a model in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it comes from.
    pub registry: Registry,
    /// The package's name.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// SHA-256 of its wheel or tarball.
    pub sha256: &'static str,
    /// The end of the member's path in it.
    pub member: &'static str,
    /// Further members, which follow the first in the file.
    pub more: &'static [&'static str],
}

/// What is being done, for a progress display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Another process is pulling the same model.
    Waiting,
    /// Bytes are coming from this source.
    Downloading(String),
    /// The pieces are joined, and the sum is computed.
    Checking,
    /// A source failed; the next one is tried.
    SourceFailed(Attempt),
}

/// Told how a pull goes on. `()` is deaf.
pub trait Progress: Send + Sync {
    /// Something else begins.
    fn phase(&self, phase: Phase) {
        let _ = phase;
    }

    /// So many bytes of the file are there, of so many; goes back when a source has to start over.
    fn bytes(&self, done: u64, total: u64) {
        let _ = (done, total);
    }
}

impl Progress for () {}

/// The entry of a name.
///
/// # Errors
/// `Unknown`, naming those that there are.
pub fn find(name: &str) -> Result<&'static Entry, PullError> {
    ENTRIES.iter().find(|e| e.name == name).ok_or_else(|| PullError::Unknown {
        name: name.to_owned(),
        known: ENTRIES.iter().map(|e| e.name).collect::<Vec<_>>().join(", "),
    })
}

/// Makes sure that a model is in the cache and whole; fetches it from the first source that works.
///
/// # Errors
/// `Unknown`; `NoSource` with the reason of each source; `Io` when the cache cannot be written.
pub fn pull(name: &str, cache_dir: &Path, progress: &dyn Progress) -> Result<PathBuf, PullError> {
    Puller::new(cache_dir).pull(find(name)?, progress)
}

/// Hashes a model's file anew, whatever was noted.
///
/// # Errors
/// `Unknown`; `Io` when it is not there; `WrongSum` when it is damaged (it stays where it is).
pub fn verify(name: &str, cache_dir: &Path, progress: &dyn Progress) -> Result<(), PullError> {
    let entry = find(name)?;
    progress.phase(Phase::Checking);
    disk::check(entry, &entry.path(cache_dir), progress)
}

/// How a model's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There, and its sum was right.
    Present,
    /// Not there.
    Absent,
    /// There, and not what it should be.
    Corrupt,
}

/// Whether a model is there and was found whole when it came; looks at the note beside it, hashes nothing.
pub fn is_present(entry: &Entry, cache_dir: &Path) -> bool {
    disk::is_noted(entry, &entry.path(cache_dir))
}

/// The state of every entry. Files without a valid note are hashed (a second per gigabyte and more), and get one.
pub fn list(cache_dir: &Path) -> Vec<(&'static Entry, State)> {
    ENTRIES.iter().map(|entry| (entry, state(entry, cache_dir))).collect()
}

fn state(entry: &Entry, cache_dir: &Path) -> State {
    let path = entry.path(cache_dir);
    match std::fs::metadata(&path) {
        Err(_) => State::Absent,
        Ok(_) if disk::is_noted(entry, &path) => State::Present,
        Ok(meta) if meta.len() != entry.size => State::Corrupt,
        Ok(_) if disk::check(entry, &path, &()).is_ok() => State::Present,
        Ok(_) => State::Corrupt,
    }
}
