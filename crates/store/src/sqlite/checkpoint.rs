//! Moving the log back into the data file, beside the commits instead of inside them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

/// Transactions between two checkpoints.
const EVERY: usize = 500;
/// Log pages (4 KiB) above which the rest is moved while nobody writes. Only a log that was moved completely starts anew,
/// and beside a steady stream of commits the thread never quite gets there.
const TOO_LONG: i64 = 4_096;
/// Does what is possible without waiting for anybody.
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The checkpointing thread, as the committing thread sees it. Dropped = stopped.
pub(super) struct Checkpoints {
    wake: mpsc::SyncSender<()>,
    since: AtomicUsize,
    overdue: Arc<AtomicBool>,
}

pub(super) fn start(path: &Path) -> Result<Checkpoints, StoreError> {
    let conn = super::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let (wake, woken) = mpsc::sync_channel(1);
    let overdue = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&overdue);
    let thread = std::thread::Builder::new().name("sqlite-checkpoint".to_owned());
    thread
        .spawn(move || {
            while woken.recv().is_ok() {
                match checkpoint(&conn) {
                    Ok(pages) => flag.store(pages > TOO_LONG, Ordering::Relaxed),
                    Err(error) => tracing::warn!(%error, "checkpoint failed"),
                }
            }
        })
        .map_err(|e| StoreError::other(format!("cannot start the checkpoint thread: {e}"), None))?;
    Ok(Checkpoints { wake, since: AtomicUsize::new(0), overdue })
}

/// Pages in the log after a checkpoint.
fn checkpoint(conn: &Connection) -> Result<i64, rusqlite::Error> {
    conn.prepare_cached(PASSIVE)?.query_row((), |row| row.get(1))
}

impl Checkpoints {
    /// Counts committed transactions and wakes the thread now and then.
    pub(super) fn committed(&self, transactions: usize) {
        if self.since.fetch_add(transactions, Ordering::Relaxed) + transactions >= EVERY {
            self.since.store(0, Ordering::Relaxed);
            let _ = self.wake.try_send(());
        }
    }

    /// Whether the log has outrun the thread.
    pub(super) fn overdue(&self) -> bool {
        self.overdue.swap(false, Ordering::Relaxed)
    }

    /// Moves the rest on the writer's own connection, so that the next transaction starts the log anew.
    pub(super) fn finish(&self, writer: &Connection) {
        if let Err(error) = checkpoint(writer) {
            tracing::warn!(%error, "checkpoint failed");
        }
    }
}
