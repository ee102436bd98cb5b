use futures::future::join_all;
use secondme_store::testing::{PrivatePostgres, TestDb};
use secondme_store::{Dialect, Location, Migration, MigrationSet, Store, StoreError, both, params, sql};

const fn common(name: &'static str, sql: &'static str) -> Migration {
    Migration { name, sql, sqlite: None, postgres: None }
}

const FIRST: Migration = common("0001", "CREATE TABLE a (id BIGINT PRIMARY KEY);");
static ONE: MigrationSet = MigrationSet { name: "app", migrations: &[FIRST] };
static TWO: MigrationSet = MigrationSet {
    name: "app",
    migrations: &[
        FIRST,
        Migration {
            name: "0002",
            sql: "ALTER TABLE a ADD COLUMN b BOOLEAN;",
            sqlite: Some("INSERT INTO a (id, b) VALUES (1, 1);"),
            postgres: Some("INSERT INTO a (id, b) VALUES (2, TRUE);"),
        },
    ],
};
static OTHER: MigrationSet =
    MigrationSet { name: "other", migrations: &[common("0001", "CREATE TABLE o (id BIGINT PRIMARY KEY);")] };
static BROKEN: MigrationSet = MigrationSet {
    name: "app",
    migrations: &[
        FIRST,
        common("0002", "CREATE TABLE half (id BIGINT PRIMARY KEY);"),
        common("0003", "CREATE TABEL x;"),
    ],
};

async fn count(store: &Store) -> i64 {
    let row = store.opt(sql!("SELECT COUNT(*) AS n FROM a"), params![]).await.unwrap().unwrap();
    row.get("n").unwrap()
}

both! {
    async fn migrations_are_applied_once_and_added_later(db: TestDb) {
        let store = db.store(&[&ONE]).await;
        store.migrate(&[&ONE]).await.unwrap();
        assert_eq!(count(&store).await, 0);
        for _ in 0..2 {
            store.migrate(&[&TWO, &OTHER]).await.unwrap();
            assert_eq!(count(&store).await, 1);
        }
        let row = store.opt(sql!("SELECT id FROM a WHERE b"), params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("id").unwrap(), if store.dialect() == Dialect::Sqlite { 1 } else { 2 });
    }

    async fn an_older_binary_refuses_a_newer_database(db: TestDb) {
        let store = db.store(&[&TWO]).await;
        let refused = store.migrate(&[&ONE]).await;
        assert!(matches!(&refused, Err(StoreError::NewerDatabase { set, name }) if set == "app" && name == "0002"), "{refused:?}");
        store.migrate(&[&TWO, &OTHER]).await.unwrap();
        assert!(matches!(store.migrate(&[&TWO]).await, Err(StoreError::NewerDatabase { .. })), "a whole set is missing");
    }

    async fn a_failing_migration_leaves_nothing_and_is_named(db: TestDb) {
        let store = db.store(&[&ONE]).await;
        let error = store.migrate(&[&BROKEN]).await.unwrap_err().to_string();
        assert!(error.contains("migration app/0003"), "{error}");
        store.migrate(&[&TWO]).await.unwrap();
        assert!(store.all(sql!("SELECT id FROM half"), params![]).await.is_err());
    }

    async fn nodes_that_start_together_migrate_once(db: TestDb) {
        let store = db.store(&[]).await;
        let mut nodes = vec![store.clone(), store.clone()];
        if store.dialect() == Dialect::Postgres {
            nodes.push(Store::open(&db.location()).await.unwrap());
        }
        for outcome in join_all(nodes.iter().map(async |node| node.migrate(&[&TWO, &OTHER]).await)).await {
            outcome.unwrap();
        }
        assert_eq!(count(&store).await, 1);
    }
}

#[tokio::test]
async fn a_server_of_ones_own_starts_and_answers() {
    let Some(server) = PrivatePostgres::start(true).unwrap() else { return };
    let store = Store::open(&Location::Postgres { url: server.url("postgres"), pool: 1 }).await.unwrap();
    let row =
        store.opt(sql!(sqlite: "SELECT 1", postgres: "SELECT current_setting('fsync') AS fsync"), params![]).await;
    assert_eq!(row.unwrap().unwrap().get::<String>("fsync").unwrap(), "on");
}
