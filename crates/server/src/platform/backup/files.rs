//! The files of a backup: copied, hashed, compared. Everything is readable by its owner only.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest::NAME;
use super::{FileEntry, KEY, Result, at};

/// What stands in the data folder and is no file of the state: the database has its own way into a backup, and so has the key.
fn is_state_elsewhere(name: &str) -> bool {
    name.starts_with("secondme.db") || name == KEY || name == "demo.json"
}

/// Whether a folder that is yet to be made would be inside another.
pub(super) fn is_inside(path: &Path, folder: &Path) -> bool {
    let (Ok(path), Ok(folder)) = (std::path::absolute(path), folder.canonicalize()) else { return false };
    let real = path.ancestors().skip(1).find_map(|above| above.canonicalize().ok()).unwrap_or(path);
    real.starts_with(folder)
}

pub(super) fn private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(at(path))?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(at(path))?;
    Ok(())
}

/// Writes a new file and waits until it is on disk.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = create(path)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(at(path))
}

fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(at(path))
}

/// Copies one file and waits until the copy is on disk.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let mut source = File::open(from).map_err(at(from))?;
    let mut target = create(to)?;
    std::io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(at(to))
}

/// Copies the files of a data folder. One that is deleted meanwhile is left out.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for path in walk(from)? {
        let target = to.join(path.strip_prefix(from).unwrap_or(&path));
        if !path.exists() {
            continue;
        }
        private_folder(target.parent().unwrap_or(to))?;
        copy_file(&path, &target)?;
    }
    Ok(())
}

/// Every file below a data folder or the `files` of a backup, in order.
pub(super) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        if !next.exists() {
            continue;
        }
        for entry in fs::read_dir(&next).map_err(at(&next))? {
            let entry = entry.map_err(at(&next))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(at(&next))?);
            let name = entry.file_name();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !(next == folder && is_state_elsewhere(&name.to_string_lossy())) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Every file of a backup but its manifest, with its hash.
pub(super) fn entries(folder: &Path) -> Result<BTreeMap<String, FileEntry>> {
    let mut all = BTreeMap::new();
    let mut paths = walk(folder)?;
    // What is left out of a data folder is part of a backup.
    paths.extend([folder.join(super::DATABASE), folder.join(KEY)].into_iter().filter(|path| path.is_file()));
    for path in paths {
        let parts = path.strip_prefix(folder).unwrap_or(&path).components();
        let name = parts.map(|c| c.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/");
        if name != NAME {
            all.insert(name, entry(&path)?);
        }
    }
    Ok(all)
}

fn entry(path: &Path) -> Result<FileEntry> {
    let mut file = File::open(path).map_err(at(path))?;
    let (mut hash, mut bytes, mut part) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let n = file.read(&mut part).map_err(at(path))?;
        if n == 0 {
            return Ok(FileEntry { bytes, sha256: hex::encode(hash.finalize()) });
        }
        hash.update(part.get(..n).unwrap_or_default());
        bytes += n as u64;
    }
}

/// What is missing, changed or new among the files.
pub(super) fn differences(expected: &BTreeMap<String, FileEntry>, found: &BTreeMap<String, FileEntry>) -> Vec<String> {
    let gone = expected.keys().filter(|name| !found.contains_key(*name)).map(|name| format!("{name} is missing"));
    let changed = expected
        .iter()
        .filter(|(name, entry)| found.get(*name).is_some_and(|now| now != *entry))
        .map(|(name, _)| format!("{name} has changed"));
    let new = found.keys().filter(|name| !expected.contains_key(*name)).map(|name| format!("{name} is not listed"));
    gone.chain(changed).chain(new).collect()
}

/// Removes a SQLite database with what stands beside it.
pub(super) fn remove_database(path: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(super::with_suffix(path, suffix));
    }
}

/// Waits until the names in a folder are on disk; some systems cannot, and it is only about a power cut.
pub(super) fn sync_folder(path: &Path) {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    if let Ok(folder) = File::open(path) {
        let _ = folder.sync_all();
    }
}
