//! A fresh, migrated database per test.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secondme_kit::Secret;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::PrivatePostgres;
use crate::{Dialect, Location, MigrationSet, Store, Synchronous};

/// A database of a test's own, on one of the two engines. SQLite: a file in a temporary folder. PostgreSQL: a database on
/// the shared private server, copied from a template that was migrated once.
#[derive(Clone)]
pub struct TestDb(Arc<Inner>);

enum Inner {
    Sqlite(TempDir),
    Postgres { server: &'static PrivatePostgres, name: String },
}

impl TestDb {
    /// A database that does not exist yet; `None` (said on stderr) where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it is not installed although `CI` or `SECONDME_REQUIRE_SERVICES` is set, or when it does not start.
    pub fn new(dialect: Dialect) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Some(Self(Arc::new(match dialect {
            Dialect::Sqlite => Inner::Sqlite(tempfile::tempdir().expect("a temporary folder")),
            Dialect::Postgres => Inner::Postgres {
                server: shared()?,
                name: format!("t_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
            },
        })))
    }

    /// Which engine this is.
    pub fn dialect(&self) -> Dialect {
        match &*self.0 {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// Where the database is, to open it once more (on PostgreSQL also beside the first store, as another node would).
    pub fn location(&self) -> Location {
        match &*self.0 {
            Inner::Sqlite(dir) => {
                Location::Sqlite { path: dir.path().join("test.db"), readers: 4, synchronous: Synchronous::Normal }
            }
            Inner::Postgres { server, name } => Location::Postgres { url: server.url(name), pool: 8 },
        }
    }

    /// Creates the database with these migrations and opens it.
    pub async fn store(&self, sets: &[&'static MigrationSet]) -> Store {
        if let Inner::Postgres { server, name } = &*self.0 {
            create(server, name, sets).await;
        }
        let store = Store::open(&self.location()).await.expect("open the test database");
        store.migrate(sets).await.expect("migrate the test database");
        store
    }

    /// Removes the database. SQLite's folder goes with the last handle.
    pub async fn remove(&self) {
        if let Inner::Postgres { server, name } = &*self.0 {
            let admin = connect(&server.url("postgres")).await;
            admin
                .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                .await
                .expect("drop the test database");
        }
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn shared() -> Option<&'static PrivatePostgres> {
    static SHARED: OnceLock<Option<PrivatePostgres>> = OnceLock::new();
    let server = SHARED.get_or_init(|| PrivatePostgres::shared().expect("start PostgreSQL"));
    if server.is_none() {
        let required = ["CI", "SECONDME_REQUIRE_SERVICES"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!required, "PostgreSQL is required here, but initdb was not found");
        eprintln!("SKIPPED: PostgreSQL is not installed (initdb was not found in PATH or SECONDME_PG_BIN)");
    }
    server.as_ref()
}

async fn connect(url: &Secret) -> Client {
    let (client, connection) = tokio_postgres::connect(url.expose(), NoTls).await.expect("connect to the test server");
    tokio::runtime::Handle::current().spawn(connection);
    client
}

/// Copies the database from the template with these migrations, which the first test to come makes.
async fn create(server: &PrivatePostgres, name: &str, sets: &[&'static MigrationSet]) {
    let mut hash = DefaultHasher::new();
    for migration in sets.iter().flat_map(|set| set.migrations) {
        (migration.name, migration.sql, migration.postgres).hash(&mut hash);
    }
    let template = format!("template_{:016x}", hash.finish());
    let admin = connect(&server.url("postgres")).await;
    let run = async |text: String| admin.batch_execute(&text).await;
    run("SELECT pg_advisory_lock(7)".to_owned()).await.expect("lock");
    let known = admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]).await.expect("look up");
    if known.is_none() {
        let draft = format!("draft_{template}");
        run(format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await.expect("drop");
        run(format!("CREATE DATABASE {draft}")).await.expect("create");
        let location = Location::Postgres { url: server.url(&draft), pool: 1 };
        let store = Store::open(&location).await.expect("open the template");
        store.migrate(sets).await.expect("migrate the template");
        drop(store);
        // The server needs a moment to notice that the connection is closed.
        while run(format!("ALTER DATABASE {draft} RENAME TO {template}")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    run("SELECT pg_advisory_unlock(7)".to_owned()).await.expect("unlock");
    run(format!("CREATE DATABASE {name} TEMPLATE {template}")).await.expect("create the test database");
}
