//! Files that are whole or not there: sums, notes of sums, moving into place, one process at a time.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Entry, Phase, Progress, PullError};

/// How many bytes are read between two reports.
const BLOCK: usize = 1 << 20;

/// What is noted beside a file whose sum was right. The note is void once the file's size or time changed.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Note {
    size: u64,
    modified_ns: u128,
    sha256: String,
}

fn note_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".verified");
    name.into()
}

fn note_of(entry: &Entry, path: &Path) -> Option<Note> {
    let meta = std::fs::metadata(path).ok()?;
    let modified_ns = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some(Note { size: meta.len(), modified_ns, sha256: entry.sha256.into() })
}

/// Whether the file was found right before and has not changed since.
pub(super) fn is_noted(entry: &Entry, path: &Path) -> bool {
    let noted = std::fs::read(note_path(path)).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
    noted.is_some() && noted == note_of(entry, path)
}

/// Hashes the file; notes it when it is right, and takes the note away when not.
pub(super) fn check(entry: &Entry, path: &Path, progress: &dyn Progress) -> Result<(), PullError> {
    let found = sum_of(path, &|done| progress.bytes(done, entry.size))?;
    if found != entry.sha256 {
        let _ = std::fs::remove_file(note_path(path));
        return Err(PullError::WrongSum { path: path.into(), expected: entry.sha256.into(), found });
    }
    note(entry, path);
    Ok(())
}

/// The SHA-256 of a file.
pub(super) fn sum(path: &Path) -> Result<String, PullError> {
    sum_of(path, &|_| ())
}

fn sum_of(path: &Path, report: &dyn Fn(u64)) -> Result<String, PullError> {
    let io = || PullError::io(path);
    let mut file = File::open(path).map_err(io())?;
    let mut sum = Sha256::new();
    let (mut block, mut done) = (vec![0; BLOCK], 0u64);
    loop {
        let read = file.read(&mut block).map_err(io())?;
        if read == 0 {
            return Ok(hex::encode(sum.finalize()));
        }
        sum.update(&block[..read]);
        done += read as u64;
        report(done);
    }
}

/// A note that cannot be written only costs time later.
fn note(entry: &Entry, path: &Path) {
    let Some(text) = note_of(entry, path).and_then(|note| serde_json::to_vec(&note).ok()) else { return };
    let target = note_path(path);
    let temporary = target.with_extension("verified.new");
    if std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, &target)).is_err() {
        tracing::debug!(path = %target.display(), "no note of the model's sum could be written");
    }
}

/// Joins pieces into one file.
pub(super) fn join(pieces: &[PathBuf], into: &Path) -> Result<(), PullError> {
    let mut out = File::create(into).map_err(PullError::io(into))?;
    for piece in pieces {
        let mut input = BufReader::with_capacity(BLOCK, File::open(piece).map_err(PullError::io(piece))?);
        std::io::copy(&mut input, &mut out).map_err(PullError::io(into))?;
    }
    out.flush().map_err(PullError::io(into))
}

/// Moves a checked file to its place, so that it is there for good even if the power fails.
pub(super) fn settle(entry: &Entry, from: &Path, to: &Path) -> Result<(), PullError> {
    File::open(from).and_then(|f| f.sync_all()).map_err(PullError::io(from))?;
    std::fs::rename(from, to).map_err(PullError::io(to))?;
    let _ = std::fs::remove_file(note_path(from));
    if let Some(folder) = to.parent() {
        File::open(folder).and_then(|f| f.sync_all()).map_err(PullError::io(folder))?;
    }
    note(entry, to);
    Ok(())
}

/// Held while a model is pulled; the system lets go of it when the process ends, however it ends.
pub(super) struct Lock(File);

impl Drop for Lock {
    /// Let go of by name: a child that is just being started by another thread holds a copy of the file, and with it the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Waits until no other process pulls this model.
pub(super) fn lock(folder: &Path, progress: &dyn Progress) -> Result<Lock, PullError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(PullError::io(&path))?;
    if file.try_lock().is_err() {
        progress.phase(Phase::Waiting);
        file.lock().map_err(PullError::io(&path))?;
    }
    Ok(Lock(file))
}
