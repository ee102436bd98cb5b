//! PostgreSQL: a pool of connections with cached prepared statements. Writes are READ COMMITTED, reads REPEATABLE READ.

use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures::{FutureExt, TryStreamExt};
use secondme_kit::Secret;
use tokio_postgres::{NoTls, RowStream};

use crate::error::{Fault, StoreError};
use crate::row::Row;
use crate::sql::{Dialect, Sql};
use crate::tx::{Hook, run_hooks};
use crate::value::Params;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Postgres(Pool);

impl Postgres {
    pub(crate) async fn open(url: &Secret, size: usize) -> Result<Self, StoreError> {
        // The parser's own message may quote the URL, and with it the password.
        let unreadable = |_| StoreError::Unavailable(Fault::new("url", "the PostgreSQL URL cannot be read", None));
        let mut config = tokio_postgres::Config::from_str(url.expose()).map_err(unreadable)?;
        if config.get_application_name().is_none() {
            config.application_name("secondme");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        // No test before use: it would cost a round trip per call; a broken connection is noticed and dropped.
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .map_err(|e| StoreError::other(e.to_string(), None))?;
        let db = Self(pool);
        drop(db.client().await?);
        Ok(db)
    }

    async fn client(&self) -> Result<Object, StoreError> {
        self.0.get().await.map_err(StoreError::pool)
    }

    pub(crate) async fn read(&self) -> Result<PgTx, StoreError> {
        PgTx::begin(self.client().await?, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    pub(crate) async fn write(&self) -> Result<PgTx, StoreError> {
        PgTx::begin(self.client().await?, "BEGIN").await
    }

    pub(crate) async fn all(&self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        all(&self.client().await?, sql, params).await
    }

    #[cfg(feature = "testing")]
    pub(crate) async fn prepare(&self, text: &str) -> Result<(), StoreError> {
        self.client().await?.prepare(text).await.map(|_| ()).map_err(|e| StoreError::postgres(&e, None))
    }
}

/// A connection inside a transaction; `None` once that is over.
pub(crate) struct PgTx(Option<Object>);

impl PgTx {
    async fn begin(client: Object, text: &str) -> Result<Self, StoreError> {
        // The guard exists before the first await, so that a cancelled caller leaves no open transaction behind.
        let tx = Self(Some(client));
        tx.client()?.batch_execute(text).await.map_err(|e| StoreError::postgres(&e, None))?;
        Ok(tx)
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.0.as_ref().ok_or(StoreError::Aborted)
    }

    pub(crate) async fn all(&mut self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        all(self.client()?, sql, params).await
    }

    pub(crate) async fn run(&mut self, sql: Sql, params: &Params) -> Result<u64, StoreError> {
        let stream = query(self.client()?, sql, params).await?;
        futures::pin_mut!(stream);
        while stream.try_next().await.map_err(|e| StoreError::postgres(&e, Some(sql)))?.is_some() {}
        Ok(stream.rows_affected().unwrap_or(0))
    }

    pub(crate) async fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.client()?.batch_execute(text).await.map_err(|e| StoreError::postgres(&e, None))
    }

    /// Commits in a task of its own: whether it happens, and whether the hooks run, does not depend on the caller's patience.
    #[expect(clippy::disallowed_methods, reason = "ends with one round trip; a caller that waits, waits for it")]
    pub(crate) async fn commit(mut self, hooks: Vec<Hook>) -> Result<(), StoreError> {
        let task = tokio::spawn(async move {
            self.client()?.batch_execute("COMMIT").await.map_err(|e| StoreError::postgres(&e, None))?;
            drop(self.0.take());
            run_hooks(hooks);
            Ok(())
        });
        task.await.unwrap_or_else(|_| Err(StoreError::stopping()))
    }
}

impl Drop for PgTx {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            // The first poll puts ROLLBACK on the wire; the next user of the connection queues behind it.
            let _ = client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

async fn query(client: &Object, sql: Sql, params: &Params) -> Result<RowStream, StoreError> {
    let fault = |e: tokio_postgres::Error| StoreError::postgres(&e, Some(sql));
    let statement = client.prepare_cached(sql.text(Dialect::Postgres)).await.map_err(fault)?;
    if statement.params().len() != params.0.len() {
        let text = format!("{} parameters given, {} expected", params.0.len(), statement.params().len());
        return Err(StoreError::other(text, Some(sql)));
    }
    client.query_raw(&statement, &params.0).await.map_err(fault)
}

async fn all(client: &Object, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
    let stream = query(client, sql, params).await?;
    let rows = stream.map_ok(|row| Row::postgres(sql, row)).try_collect().await;
    rows.map_err(|e| StoreError::postgres(&e, Some(sql)))
}
