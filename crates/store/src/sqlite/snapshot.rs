//! The whole database in a file of its own: written beside the commits, read without a writer.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::OpenFlags;

use super::readers::{ReadTx, Readers};
use crate::error::{Fault, StoreError};
use crate::row::Row;
use crate::sql::Sql;
use crate::tx::Tx;
use crate::value::Params;
use crate::{params, sql};

/// A file that nobody writes any more.
#[derive(Clone)]
pub(crate) struct Snapshot(Arc<Readers>);

impl Snapshot {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(unavailable(path, "there is no such file"));
        }
        Ok(Self(Arc::new(Readers::new(path.to_owned(), 2))))
    }

    pub(crate) async fn read(&self) -> Result<ReadTx, StoreError> {
        ReadTx::begin(self.0.take().await?)
    }

    pub(crate) async fn all(&self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        let reader = self.0.take().await?;
        super::all(reader.conn()?, sql, params)
    }
}

/// Writes the database at `from` into the new file `to`.
pub(super) async fn write(from: &Path, to: &Path) -> Result<(), StoreError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let work = move || write_now(&from, to);
    tokio::task::spawn_blocking(work).await.map_err(|e| StoreError::other(e.to_string(), None))?
}

fn write_now(from: &Path, to: PathBuf) -> Result<(), StoreError> {
    let fault = |e: rusqlite::Error| StoreError::sqlite(&e, None);
    let name = to.to_str().ok_or_else(|| unavailable(&to, "its name is not Unicode"))?;
    let live = super::connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // One read transaction: the state of one moment, while commits go on.
    live.execute("VACUUM INTO ?1", [name]).map_err(fault)?;
    // A file that is only read needs no log beside it.
    let copy = super::connect(&to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    copy.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(())).map_err(fault)?;
    drop(copy);
    File::open(&to).and_then(|file| file.sync_all()).map_err(|e| unavailable(&to, &e.to_string()))
}

fn unavailable(path: &Path, why: &str) -> StoreError {
    StoreError::Unavailable(Fault::new("file", format!("{}: {why}", path.display()), None))
}

/// What SQLite finds wrong: pages, indexes, references.
pub(crate) async fn damages(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let pages = sql!(
        sqlite: "SELECT integrity_check AS problem FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        postgres: "SELECT '' AS problem WHERE FALSE",
    );
    let references = sql!(
        sqlite: "SELECT DISTINCT \"table\" || ' refers to a row of ' || parent || ' that is not there' AS problem
                 FROM pragma_foreign_key_check LIMIT 100",
        postgres: "SELECT '' AS problem WHERE FALSE",
    );
    let mut rows = tx.all(pages, params![]).await?;
    rows.extend(tx.all(references, params![]).await?);
    rows.iter().map(|row| row.get("problem")).collect()
}
