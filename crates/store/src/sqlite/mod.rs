//! SQLite: one writer connection, several read-only ones, WAL. Statements run inline (they take microseconds); what waits
//! for the disk runs on threads of its own.

mod checkpoint;
mod group;
mod readers;
mod snapshot;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub(crate) use group::WriteTx;
pub(crate) use readers::ReadTx;
pub(crate) use snapshot::{Snapshot, damages};

use crate::error::StoreError;
use crate::row::Row;
use crate::sql::{Dialect, Sql};
use crate::store::Synchronous;
use crate::value::Params;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// KiB of pages that a reader keeps: until the next commit, when it forgets them all.
const READER_CACHE: u32 = 16_000;
/// KiB of pages that the writer keeps. It forgets none, so what it may keep it will keep; more made no write faster.
const WRITER_CACHE: u32 = 2_000;

pub(crate) struct Sqlite {
    writer: group::Writer,
    readers: Arc<readers::Readers>,
    path: PathBuf,
    _lock: Option<File>,
}

impl Sqlite {
    pub(crate) async fn open(
        path: &Path,
        readers: usize,
        sync: Synchronous,
        exclusive: bool,
    ) -> Result<Arc<Self>, StoreError> {
        let lock = if exclusive { Some(lock(path).await?) } else { None };
        let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let sync = if sync == Synchronous::Full { "FULL" } else { "NORMAL" };
        let setup = format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {sync}; PRAGMA wal_autocheckpoint = 0;");
        conn.execute_batch(&setup).map_err(|e| StoreError::sqlite(&e, None))?;
        let checkpoints = checkpoint::start(path)?;
        Ok(Arc::new(Self {
            writer: group::Writer::start(conn, checkpoints)?,
            readers: Arc::new(readers::Readers::new(path.to_owned(), readers.max(1))),
            path: path.to_owned(),
            _lock: lock,
        }))
    }

    pub(crate) async fn read(&self) -> Result<ReadTx, StoreError> {
        ReadTx::begin(self.readers.take().await?)
    }

    pub(crate) async fn write(&self) -> Result<WriteTx, StoreError> {
        self.writer.begin().await
    }

    pub(crate) async fn all(&self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        let reader = self.readers.take().await?;
        all(reader.conn()?, sql, params)
    }

    pub(crate) async fn snapshot(&self, to: &Path) -> Result<(), StoreError> {
        snapshot::write(&self.path, to).await
    }

    #[cfg(feature = "testing")]
    pub(crate) async fn prepare(&self, text: &str) -> Result<(), StoreError> {
        let text = crate::sql::numbered(text);
        let reader = self.readers.take().await?;
        reader.conn()?.prepare(&text).map(|_| ()).map_err(|e| StoreError::sqlite(&e, None))
    }
}

/// Takes the lock beside the data file. Waits a moment: a store that was just dropped, or a server that is just stopping,
/// still finishes its last commit.
async fn lock(path: &Path) -> Result<File, StoreError> {
    let unavailable = |e: std::io::Error| {
        StoreError::Unavailable(crate::Fault::new("lock", format!("cannot open {}.lock: {e}", path.display()), None))
    };
    let file = File::create(with_suffix(path, ".lock")).map_err(unavailable)?;
    for _ in 0..100 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(TryLockError::Error(e)) => return Err(unavailable(e)),
        }
    }
    Err(StoreError::InUse { path: path.display().to_string() })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let fault = |e: rusqlite::Error| StoreError::sqlite(&e, None);
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault)?;
    conn.busy_timeout(Duration::from_secs(5)).map_err(fault)?;
    conn.set_prepared_statement_cache_capacity(1_000);
    let cache = if flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) { READER_CACHE } else { WRITER_CACHE };
    let setup = format!("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache};");
    conn.execute_batch(&setup).map_err(fault)?;
    Ok(conn)
}

fn all(conn: &Connection, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
    let fault = |e: rusqlite::Error| StoreError::sqlite(&e, Some(sql));
    let mut statement = conn.prepare_cached(sql.text(Dialect::Sqlite)).map_err(fault)?;
    let mut rows = statement.query(rusqlite::params_from_iter(&params.0)).map_err(fault)?;
    let (mut out, mut columns) = (Vec::new(), None);
    while let Some(row) = rows.next().map_err(fault)? {
        // Only now: a statement prepared for tables that have grown since is prepared anew by its first step.
        let columns = columns.get_or_insert_with(|| sql.columns(row.as_ref()));
        let values = (0..columns.len()).map(|i| row.get(i)).collect::<Result<_, _>>().map_err(fault)?;
        out.push(Row::sqlite(sql, Arc::clone(columns), values));
    }
    Ok(out)
}

fn run(conn: &Connection, sql: Sql, params: &Params) -> Result<u64, StoreError> {
    let fault = |e: rusqlite::Error| StoreError::sqlite(&e, Some(sql));
    let mut statement = conn.prepare_cached(sql.text(Dialect::Sqlite)).map_err(fault)?;
    let changed = statement.execute(rusqlite::params_from_iter(&params.0)).map_err(fault)?;
    Ok(changed.try_into().unwrap_or(u64::MAX))
}

fn control(conn: &Connection, text: &str) -> Result<(), StoreError> {
    let fault = |e: rusqlite::Error| StoreError::sqlite(&e, None);
    conn.prepare_cached(text).and_then(|mut statement| statement.execute(())).map(|_| ()).map_err(fault)
}
