//! The files that the checks look at, read once.

use std::path::Path;

/// A text file; its path is relative to the repository's root, with `/` on every system.
pub struct File {
    pub path: String,
    pub text: String,
}

/// All Rust sources and all crate manifests of the repository.
#[derive(Default)]
pub struct Tree {
    pub sources: Vec<File>,
    pub manifests: Vec<File>,
}

/// The folders that hold the project's own Rust code.
const FOLDERS: [&str; 3] = ["crates", "e2e", "xtask"];

impl Tree {
    pub fn read(root: &Path) -> Result<Self, String> {
        let mut tree = Self::default();
        for folder in FOLDERS {
            if root.join(folder).is_dir() {
                tree.add(root, folder).map_err(|e| format!("could not read {folder}: {e}"))?;
            }
        }
        Ok(tree)
    }

    fn add(&mut self, root: &Path, folder: &str) -> std::io::Result<()> {
        let mut entries = std::fs::read_dir(root.join(folder))?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}/{name}");
            if entry.file_type()?.is_dir() {
                if name != "target" && name != "node_modules" {
                    self.add(root, &path)?;
                }
            } else if name.ends_with(".rs") {
                self.sources.push(File { text: std::fs::read_to_string(entry.path())?, path });
            } else if name == "Cargo.toml" {
                self.manifests.push(File { text: std::fs::read_to_string(entry.path())?, path });
            }
        }
        Ok(())
    }
}
