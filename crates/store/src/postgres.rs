//! PostgreSQL: a pool of connections with cached prepared statements. Writes are READ COMMITTED, reads REPEATABLE READ.

use std::pin::{Pin, pin};
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures::{FutureExt, TryStreamExt};
use secondme_kit::Secret;
use tokio::runtime::Handle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{NoTls, RowStream};

use crate::error::{Fault, StoreError, prepared_is_stale};
use crate::row::Row;
use crate::sql::{Dialect, Sql};
use crate::tls::{self, Tls};
use crate::tx::{Hook, run_hooks};
use crate::value::Params;

const PATIENCE: Duration = Duration::from_secs(10);
/// After this long without a word from the other machine it is gone.
const VANISHED: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Postgres(Pool);

impl Postgres {
    pub(crate) async fn open(url: &Secret, size: usize) -> Result<Self, StoreError> {
        // The parser's own message may quote the URL, and with it the password.
        let unreadable = |_| StoreError::Unavailable(Fault::new("url", "the PostgreSQL URL cannot be read", None));
        let (url, authorities) = tls::split(url.expose());
        let mut config = tokio_postgres::Config::from_str(&url).map_err(unreadable)?;
        if config.get_application_name().is_none() {
            config.application_name("secondme");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        // A machine that vanished says nothing: what was sent and is not confirmed for so long, or a silence that lasts, ends the
        // connection. The system's own limits are a quarter of an hour and two hours.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(VANISHED);
        }
        if config.get_keepalives_idle() == tokio_postgres::Config::new().get_keepalives_idle() {
            config.keepalives_idle(VANISHED).keepalives_interval(PATIENCE).keepalives_retries(3);
        }
        // No test before use: it would cost a round trip per call; a broken connection is noticed and dropped.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        // `prefer`, which is what nothing said means, would trust anybody: encrypted and verified, or plain and known to be.
        let manager = if config.get_ssl_mode() == SslMode::Require {
            Manager::from_config(config, Tls::new(authorities.as_deref())?, recycling)
        } else {
            Manager::from_config(config, NoTls, recycling)
        };
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
        PgTx::begin(self.client().await?, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    pub(crate) async fn write(&self) -> Result<PgTx, StoreError> {
        PgTx::begin(self.client().await?, "BEGIN")
    }

    /// A read that stands alone is asked once more when a newer version of the server changed a table under it.
    pub(crate) async fn all(&self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        let client = self.client().await?;
        match rows(&client, sql, params).await {
            Err(Failure::Stale) => all(&client, sql, params).await,
            other => other.map_err(StoreError::from),
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) async fn prepare(&self, text: &str) -> Result<(), StoreError> {
        self.client().await?.prepare(text).await.map(|_| ()).map_err(|e| StoreError::postgres(&e, None))
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// A connection inside a transaction; `None` once that is over.
pub(crate) struct PgTx {
    client: Option<Arc<Object>>,
    /// The answer to `BEGIN`, which is awaited together with the first statement: that saves a round trip.
    begun: Option<Answer>,
}

impl PgTx {
    fn begin(client: Object, text: &'static str) -> Result<Self, StoreError> {
        let client = Arc::new(client);
        // The guard exists before anything is sent, so that a caller that goes away leaves no open transaction behind.
        let mut tx = Self { client: Some(Arc::clone(&client)), begun: None };
        let mut begun: Answer = Box::pin(async move { batch(&client, text).await });
        // The first poll puts it on the wire.
        match (&mut begun).now_or_never() {
            Some(answer) => answer?,
            None => tx.begun = Some(begun),
        }
        Ok(tx)
    }

    /// The connection, and the answer that is still owed to us. A transaction whose first statement failed is over anyway.
    fn parts(&mut self) -> Result<(&Object, Answer), StoreError> {
        let begun = self.begun.take().unwrap_or_else(|| Box::pin(std::future::ready(Ok(()))));
        Ok((self.client.as_ref().ok_or(StoreError::Aborted)?, begun))
    }

    pub(crate) async fn all(&mut self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        let (client, begun) = self.parts()?;
        let (begun, rows) = futures::join!(begun, all(client, sql, params));
        begun.and(rows)
    }

    pub(crate) async fn run(&mut self, sql: Sql, params: &Params) -> Result<u64, StoreError> {
        let (client, begun) = self.parts()?;
        let (begun, changed) = futures::join!(begun, run(client, sql, params));
        begun.and(changed)
    }

    pub(crate) async fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        let (client, begun) = self.parts()?;
        let (begun, done) = futures::join!(begun, batch(client, text));
        begun.and(done)
    }

    pub(crate) async fn commit(mut self, hooks: Vec<Hook>) -> Result<(), StoreError> {
        let commit = async move {
            self.batch("COMMIT").await?;
            drop(self.client.take());
            run_hooks(hooks);
            Ok(())
        };
        Finishing(Some(Box::pin(commit))).await
    }
}

impl Drop for PgTx {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // The first poll puts ROLLBACK on the wire; the next user of the connection queues behind it.
            let _ = client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

/// A commit under way. When its caller goes away it goes on in a task, so that the hooks of a commit that happens do run.
struct Finishing(Option<Answer>);

impl Future for Finishing {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(answer) = self.0.as_mut() else { return Poll::Ready(Err(StoreError::Aborted)) };
        let outcome = std::task::ready!(answer.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        if let (Some(answer), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(answer);
        }
    }
}

async fn batch(client: &Object, text: &str) -> Result<(), StoreError> {
    client.batch_execute(text).await.map_err(|e| StoreError::postgres(&e, None))
}

async fn run(client: &Object, sql: Sql, params: &Params) -> Result<u64, StoreError> {
    let changed = async {
        let mut stream = pin!(query(client, sql, params).await?);
        while stream.try_next().await.map_err(|e| Failure::of(client, &e, sql))?.is_some() {}
        Ok::<_, Failure>(stream.rows_affected().unwrap_or(0))
    };
    Ok(changed.await?)
}

async fn all(client: &Object, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
    Ok(rows(client, sql, params).await?)
}

/// Why a statement failed.
enum Failure {
    /// It was prepared when its table had other columns. All that is prepared has been forgotten, so the next try is a good one.
    Stale,
    Other(StoreError),
}

impl Failure {
    fn of(client: &Object, error: &tokio_postgres::Error, sql: Sql) -> Self {
        if !prepared_is_stale(error) {
            return Self::Other(StoreError::postgres(error, Some(sql)));
        }
        if let Some(pool) = Object::pool(client) {
            pool.manager().statement_caches.clear();
        }
        Self::Stale
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Stale => Self::Busy("a newer version changed a table"),
            Failure::Other(error) => error,
        }
    }
}

async fn query(client: &Object, sql: Sql, params: &Params) -> Result<RowStream, Failure> {
    let fault = |e: tokio_postgres::Error| Failure::of(client, &e, sql);
    let statement = client.prepare_cached(sql.text(Dialect::Postgres)).await.map_err(fault)?;
    if statement.params().len() != params.0.len() {
        let text = format!("{} parameters given, {} expected", params.0.len(), statement.params().len());
        return Err(Failure::Other(StoreError::other(text, Some(sql))));
    }
    client.query_raw(&statement, &params.0).await.map_err(fault)
}

async fn rows(client: &Object, sql: Sql, params: &Params) -> Result<Vec<Row>, Failure> {
    let stream = query(client, sql, params).await?;
    let rows = stream.map_ok(|row| Row::postgres(sql, row)).try_collect().await;
    rows.map_err(|e| Failure::of(client, &e, sql))
}
