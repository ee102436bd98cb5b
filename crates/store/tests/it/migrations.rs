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
static CONTRACTED: MigrationSet = MigrationSet {
    name: "app",
    migrations: &[
        FIRST,
        common("0002", "-- contracts: b is read by nobody since 0.3\nALTER TABLE a ADD COLUMN b TEXT;"),
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

    async fn an_older_binary_works_beside_a_newer_one_that_only_added(db: TestDb) {
        let store = db.store(&[&TWO, &OTHER]).await;
        let unknown = store.migrate_beside_newer(&[&ONE]).await.unwrap();
        assert_eq!(unknown, ["app/0002", "other/0001"]);
        assert_eq!(store.migrate_beside_newer(&[&TWO, &OTHER]).await.unwrap(), Vec::<String>::new());
        // It may even bring migrations of its own, such as those of a branch.
        static ITS_OWN: MigrationSet =
            MigrationSet { name: "its-own", migrations: &[common("0001", "CREATE TABLE own (id BIGINT PRIMARY KEY);")] };
        assert_eq!(store.migrate_beside_newer(&[&ONE, &ITS_OWN]).await.unwrap().len(), 2);
        store.all(sql!("SELECT id FROM own"), params![]).await.unwrap();
    }

    async fn an_older_binary_refuses_a_database_from_which_something_was_taken(db: TestDb) {
        let store = db.store(&[&CONTRACTED]).await;
        let refused = store.migrate_beside_newer(&[&ONE]).await;
        assert!(matches!(&refused, Err(StoreError::NewerDatabase { name, .. }) if name == "0002"), "{refused:?}");
        assert_eq!(store.migrate_beside_newer(&[&CONTRACTED]).await.unwrap(), Vec::<String>::new());
    }

    async fn what_was_prepared_before_a_column_was_added_is_prepared_anew(db: TestDb) {
        let store = db.store(&[&ONE]).await;
        // The other node: PostgreSQL refuses to run what was prepared for other columns, for as long as a connection lives.
        let newer = if store.dialect() == Dialect::Postgres { Store::open(&db.location()).await.unwrap() } else { store.clone() };
        let all = sql!("SELECT * FROM a ORDER BY id");
        let insert = sql!("INSERT INTO a (id) VALUES ($1) RETURNING *");
        let mut tx = store.write().await.unwrap();
        tx.all(insert, params![7]).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..20 {
            assert_eq!(store.all(all, params![]).await.unwrap().len(), 1);
        }
        newer.migrate(&[&TWO]).await.unwrap();
        for _ in 0..20 {
            assert_eq!(store.all(all, params![]).await.unwrap().len(), 2, "a read that stands alone does not fail at all");
        }
        // One in a transaction may be told to come back, once.
        let mut refused = 0;
        for n in 0..20 {
            let mut tx = store.write().await.unwrap();
            match tx.all(insert, params![100 + n]).await {
                Ok(_) => tx.commit().await.unwrap(),
                Err(StoreError::Busy(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(refused <= 1, "{refused}");
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
