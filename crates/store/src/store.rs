//! The door to the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secondme_kit::Secret;

use crate::error::StoreError;
use crate::migrate::{self, MigrationSet, Newer};
use crate::postgres::Postgres;
use crate::row::Row;
use crate::sql::{Dialect, Sql};
use crate::sqlite::{self, Snapshot, Sqlite};
use crate::tx::{Inner, Tx};
use crate::usage;
use crate::value::Params;

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file of this process.
    Sqlite {
        /// The data file; its folder must exist. `-wal`, `-shm` and `.lock` files appear beside it.
        path: PathBuf,
        /// Connections for reading (at least 1).
        readers: usize,
        /// What a commit waits for.
        synchronous: Synchronous,
    },
    /// A PostgreSQL server (14 or newer). The connection is encrypted, and the server's name verified, with `sslmode=require`;
    /// `sslrootcert=PATH` names a file of authorities in place of the system's.
    Postgres {
        /// `postgresql://user:password@host/database`
        url: Secret,
        /// Largest number of connections.
        pool: usize,
    },
}

/// What a SQLite commit waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The data is on disk: survives a power failure.
    #[default]
    Full,
    /// The data is with the operating system: survives a crash of the process, the last moments are lost in a power failure.
    Normal,
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Store(Backend);

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<Sqlite>),
    Snapshot(Snapshot),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database. SQLite: refuses with [`StoreError::InUse`] when another process has the file.
    /// PostgreSQL: checks that it can connect.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        Self::open_with(location, true).await
    }

    /// Opens the database for a short-lived tool while a server may be running on it. Same as [`Store::open`] for PostgreSQL.
    pub async fn open_beside(location: &Location) -> Result<Self, StoreError> {
        Self::open_with(location, false).await
    }

    /// Opens a SQLite file that nobody writes any more, such as one that [`Store::snapshot`] made, for reading only. Nothing
    /// appears beside it.
    pub fn open_snapshot(path: &Path) -> Result<Self, StoreError> {
        Ok(Self(Backend::Snapshot(Snapshot::open(path)?)))
    }

    /// Writes everything, as it is at this moment, into a new SQLite file, and waits until that is on disk. Others go on
    /// writing meanwhile. SQLite only; what is in PostgreSQL can be copied with [`crate::copy::copy`].
    pub async fn snapshot(&self, path: &Path) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Sqlite(db) => db.snapshot(path).await,
            _ => Err(StoreError::other("only a SQLite database in use can be written into a file", None)),
        }
    }

    /// What is wrong with the data itself, in SQLite's words; nothing on PostgreSQL, which checks its pages when it reads them.
    pub async fn damages(&self) -> Result<Vec<String>, StoreError> {
        if self.dialect() == Dialect::Postgres {
            return Ok(Vec::new());
        }
        sqlite::damages(&mut self.read().await?).await
    }

    async fn open_with(location: &Location, exclusive: bool) -> Result<Self, StoreError> {
        Ok(Self(match location {
            Location::Sqlite { path, readers, synchronous } => {
                Backend::Sqlite(Sqlite::open(path, *readers, *synchronous, exclusive).await?)
            }
            Location::Postgres { url, pool } => Backend::Postgres(Postgres::open(url, *pool).await?),
        }))
    }

    /// Applies the migrations that are missing, all or none. Give every set of the binary in one call: a migration in the
    /// database that is in none of them is refused as [`StoreError::NewerDatabase`]. Safe on several nodes at once.
    pub async fn migrate(&self, sets: &[&'static MigrationSet]) -> Result<(), StoreError> {
        migrate::run(self, sets, Newer::Refused).await.map(drop)
    }

    /// The same for a node that works beside newer ones while they take its place: migrations that it does not know are all
    /// right as long as none of them takes something away ([`CONTRACTS`](crate::CONTRACTS)). Their names are the answer.
    pub async fn migrate_beside_newer(&self, sets: &[&'static MigrationSet]) -> Result<Vec<String>, StoreError> {
        migrate::run(self, sets, Newer::Beside).await
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match &self.0 {
            Backend::Sqlite(_) | Backend::Snapshot(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Opens a read transaction: every statement sees the same state, that of the first one. Writing fails.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        usage::read();
        Ok(Tx::new(match &self.0 {
            Backend::Sqlite(db) => Inner::SqliteRead(db.read().await?),
            Backend::Snapshot(db) => Inner::SqliteRead(db.read().await?),
            Backend::Postgres(db) => Inner::Postgres(db.read().await?),
        }))
    }

    /// Opens a write transaction. On SQLite there is one at a time: between here and the commit await nothing but the store.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        usage::write();
        Ok(Tx::new(match &self.0 {
            Backend::Sqlite(db) => Inner::SqliteWrite(db.write().await?),
            Backend::Snapshot(_) => return Err(StoreError::other("a snapshot is for reading only", None)),
            Backend::Postgres(db) => Inner::Postgres(db.write().await?),
        }))
    }

    /// One read on its own: the first row of the result, if any.
    pub async fn opt(&self, sql: Sql, params: Params) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }

    /// One read on its own: every row of the result.
    pub async fn all(&self, sql: Sql, params: Params) -> Result<Vec<Row>, StoreError> {
        usage::read();
        usage::statement();
        match &self.0 {
            Backend::Sqlite(db) => db.all(sql, &params).await,
            Backend::Snapshot(db) => db.all(sql, &params).await,
            Backend::Postgres(db) => db.all(sql, &params).await,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.all(crate::sql!("SELECT 1 AS one"), Params::default()).await.map(|_| ())
    }

    /// Prepares a text without running it, to check it against the schema.
    #[cfg(feature = "testing")]
    pub(crate) async fn prepare(&self, text: &str) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Sqlite(db) => db.prepare(text).await,
            Backend::Snapshot(_) => Ok(()),
            Backend::Postgres(db) => db.prepare(text).await,
        }
    }
}
