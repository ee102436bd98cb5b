//! Read-only connections.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PATIENCE;
use crate::error::StoreError;
use crate::row::Row;
use crate::sql::Sql;
use crate::tx::{Hook, run_hooks};
use crate::value::Params;

pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, count: usize) -> Self {
        Self { path, idle: Mutex::default(), permits: Arc::new(Semaphore::new(count)) }
    }

    /// An idle connection; opened on first need.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Reader, StoreError> {
        let permits = Arc::clone(&self.permits);
        let permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(PATIENCE, permits.acquire_owned())
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or(StoreError::Busy("no free connection for reading in time"))?,
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => super::connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        Ok(Reader { conn: Some(conn), home: Arc::clone(self), _permit: permit })
    }
}

/// A borrowed connection; dropped = given back.
pub(super) struct Reader {
    conn: Option<Connection>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    pub(super) fn conn(&self) -> Result<&Connection, StoreError> {
        self.conn.as_ref().ok_or(StoreError::Aborted)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A connection that cannot leave its transaction is closed; the next reader opens a new one.
        if let Some(conn) = self.conn.take()
            && (conn.is_autocommit() || super::control(&conn, "ROLLBACK").is_ok())
        {
            self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

/// A read transaction on one connection.
pub(crate) struct ReadTx(Reader);

impl ReadTx {
    pub(super) fn begin(reader: Reader) -> Result<Self, StoreError> {
        super::control(reader.conn()?, "BEGIN")?;
        Ok(Self(reader))
    }

    pub(crate) fn all(&mut self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        super::all(self.0.conn()?, sql, params)
    }

    pub(crate) fn run(&mut self, sql: Sql, params: &Params) -> Result<u64, StoreError> {
        super::run(self.0.conn()?, sql, params)
    }

    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.0.conn()?.execute_batch(text).map_err(|e| StoreError::sqlite(&e, None))
    }

    pub(crate) fn commit(self, hooks: Vec<Hook>) -> Result<(), StoreError> {
        drop(self.0);
        run_hooks(hooks);
        Ok(())
    }
}
