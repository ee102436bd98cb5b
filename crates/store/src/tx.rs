//! A transaction as a value.

use crate::error::StoreError;
use crate::postgres::PgTx;
use crate::row::Row;
use crate::sql::{Dialect, Sql};
use crate::sqlite::{ReadTx, WriteTx};
use crate::usage;
use crate::value::Params;

/// What runs once a transaction is on disk.
pub(crate) type Hook = Box<dyn FnOnce() + Send>;

/// A transaction. Dropped without [`Tx::commit`] it is rolled back. After a failed (or abandoned) statement every further
/// statement and the commit answer [`StoreError::Aborted`], on both databases.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    inner: Inner,
    hooks: Vec<Hook>,
    failed: bool,
}

pub(crate) enum Inner {
    SqliteRead(ReadTx),
    SqliteWrite(WriteTx),
    Postgres(PgTx),
}

impl Tx {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner, hooks: Vec::new(), failed: false }
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::SqliteRead(_) | Inner::SqliteWrite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The first row of the result, if any.
    pub async fn opt(&mut self, sql: Sql, params: Params) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }

    /// Every row of the result. Also for `INSERT/UPDATE/DELETE … RETURNING`.
    pub async fn all(&mut self, sql: Sql, params: Params) -> Result<Vec<Row>, StoreError> {
        self.start()?;
        usage::statement();
        let rows = match &mut self.inner {
            Inner::SqliteRead(tx) => tx.all(sql, &params)?,
            Inner::SqliteWrite(tx) => tx.all(sql, &params)?,
            Inner::Postgres(tx) => tx.all(sql, &params).await?,
        };
        self.failed = false;
        Ok(rows)
    }

    /// Runs a statement without a result; the number of rows it changed.
    pub async fn run(&mut self, sql: Sql, params: Params) -> Result<u64, StoreError> {
        self.start()?;
        usage::statement();
        let changed = match &mut self.inner {
            Inner::SqliteRead(tx) => tx.run(sql, &params)?,
            Inner::SqliteWrite(tx) => tx.run(sql, &params)?,
            Inner::Postgres(tx) => tx.run(sql, &params).await?,
        };
        self.failed = false;
        Ok(changed)
    }

    /// Several statements without parameters: migrations.
    pub(crate) async fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.start()?;
        match &mut self.inner {
            Inner::SqliteRead(tx) => tx.batch(text)?,
            Inner::SqliteWrite(tx) => tx.batch(text)?,
            Inner::Postgres(tx) => tx.batch(text).await?,
        }
        self.failed = false;
        Ok(())
    }

    /// Failed until proven otherwise: an error and a cancelled call both leave the mark.
    fn start(&mut self) -> Result<(), StoreError> {
        if std::mem::replace(&mut self.failed, true) { Err(StoreError::Aborted) } else { Ok(()) }
    }

    /// Runs `f` after a successful commit, and only then; also when the caller of [`Tx::commit`] has gone away meanwhile.
    /// It must be short: wake somebody, send to a channel, spawn. Hooks run inside the store's runtime.
    pub fn after_commit(&mut self, f: impl FnOnce() + Send + 'static) {
        self.hooks.push(Box::new(f));
    }

    /// Makes the changes durable. Once polled it goes through even if the caller stops waiting.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        match self.inner {
            Inner::SqliteRead(tx) => tx.commit(self.hooks),
            Inner::SqliteWrite(tx) => tx.commit(self.hooks).await,
            Inner::Postgres(tx) => tx.commit(self.hooks).await,
        }
    }
}

/// Runs hooks one by one; a panic in one of them stays there.
pub(crate) fn run_hooks(hooks: Vec<Hook>) {
    for hook in hooks {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(hook)).is_err() {
            tracing::error!("an after-commit hook panicked");
        }
    }
}
