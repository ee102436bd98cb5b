//! What a backup says about itself.

use std::collections::BTreeMap;
use std::path::Path;

use secondme_kit::Millis;
use secondme_store::copy::Sum;
use serde::{Deserialize, Serialize};

use super::{BackupError, Result, at, files};

/// The version of the format; a backup of another one is refused.
pub(super) const FORMAT: u32 = 1;
pub(super) const NAME: &str = "manifest.json";

/// `manifest.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the format: 1.
    pub format: u32,
    /// When the backup was begun, in milliseconds since the Unix epoch.
    pub created_at: Millis,
    /// The server's version.
    pub version: String,
    /// `sqlite` or `postgres`: which database the state came from.
    pub from: String,
    /// Every table by name.
    pub tables: BTreeMap<String, TableEntry>,
    /// Every file by its path in the backup, with `/` between folders.
    pub files: BTreeMap<String, FileEntry>,
}

/// What is in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// How many rows.
    pub rows: u64,
    /// [`Sum::hex`]: equal rows have equal sums, on both databases.
    pub sum: String,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl TableEntry {
    pub(super) fn of(sum: &Sum) -> Self {
        Self { rows: sum.rows, sum: sum.hex() }
    }
}

impl Manifest {
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|e| BackupError::Damaged(e.to_string()))?;
        files::write(&folder.join(NAME), &text)
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = std::fs::read(&path).map_err(at(&path))?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|e| BackupError::Damaged(format!("{NAME} cannot be read: {e}")))?;
        if manifest.format != FORMAT {
            let why = format!("this is a backup of format {}, and this version reads {FORMAT}", manifest.format);
            return Err(BackupError::Refused(why));
        }
        Ok(manifest)
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    /// What differs between the manifest and these sums. A table that came with a newer version is empty.
    pub(super) fn differing_tables(&self, found: &BTreeMap<String, Sum>) -> Vec<String> {
        let none = Sum::default();
        let names: std::collections::BTreeSet<&String> = self.tables.keys().chain(found.keys()).collect();
        let differs = |name: &&String| {
            let now = TableEntry::of(found.get(*name).unwrap_or(&none));
            let then = self.tables.get(*name).cloned().unwrap_or_else(|| TableEntry::of(&none));
            (now != then).then(|| format!("table {name}: {} rows, where there were {}", now.rows, then.rows))
        };
        names.iter().filter_map(differs).collect()
    }
}
