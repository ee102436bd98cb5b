//! Why a model could not be fetched, with what a person can do about it.

use std::path::{Path, PathBuf};

/// A source that was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub source: String,
    /// Why it failed.
    pub why: String,
}

/// A failed pull or check.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No such model in the catalogue.
    #[error("no model is called {name}; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Every source failed.
    #[error("{name} could not be fetched:\n{}\n{hint}", list(attempts))]
    NoSource {
        /// The model.
        name: String,
        /// Each source and why it failed.
        attempts: Vec<Attempt>,
        /// How to do it by hand.
        hint: String,
    },
    /// The file is not the one that is pinned.
    #[error("{} is damaged: its SHA-256 is {found}, it should be {expected}", path.display())]
    WrongSum {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The disk.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

impl PullError {
    /// For `map_err` on file operations.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}

fn list(attempts: &[Attempt]) -> String {
    attempts.iter().map(|a| format!("  - {}: {}", a.source, a.why)).collect::<Vec<_>>().join("\n")
}
