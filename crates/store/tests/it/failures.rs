use secondme_kit::Secret;
use secondme_store::testing::{TestDb, run};
use secondme_store::{Dialect, Location, Store, StoreError, both, params, sql};

use crate::schema::SET;

const SECRET: &str = "s3cret-value";

both! {
    async fn messages_never_contain_values(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        tx.run(sql!("INSERT INTO thing (name) VALUES ($1)"), params![SECRET]).await.unwrap();
        tx.commit().await.unwrap();
        let not_null = sql!("INSERT INTO pair (key, half) VALUES ($1, $2)");
        let failing = [
            (sql!("INSERT INTO thing (name) VALUES ($1)"), params![SECRET]),
            (not_null, params![SECRET, None::<i64>]),
            (sql!("INSERT INTO thing (n) VALUES ($1)"), params![SECRET]),
            (sql!("SELECT CAST(1 AS BIGINT) + $1 AS sum FROM missing"), params![SECRET]),
            (sql!(sqlite: "SELECT json($1)", postgres: "SELECT CAST(CAST($1 AS TEXT) AS BIGINT)"), params![SECRET]),
        ];
        for (sql, params) in failing {
            let shown = format!("{params:?}");
            let mut tx = store.write().await.unwrap();
            let error = tx.all(sql, params).await.unwrap_err();
            for text in [error.to_string(), format!("{error:?}"), shown] {
                assert!(!text.contains(SECRET), "{text}");
            }
        }
    }

    async fn an_error_names_the_statement(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let error = store.all(sql!("SELECT missing FROM pair"), params![]).await.unwrap_err().to_string();
        assert!(error.contains("store/tests/it/failures.rs:") && error.contains("missing"), "{error}");
    }
}

#[test]
fn a_second_process_cannot_open_the_file_by_mistake() {
    run(Dialect::Sqlite, async |db: TestDb| {
        let store = db.store(&[&SET]).await;
        let second = Store::open(&db.location()).await.err();
        assert!(matches!(&second, Some(StoreError::InUse { path }) if path.ends_with("test.db")), "{second:?}");
        // A tool may, on purpose, and both can write.
        let tool = Store::open_beside(&db.location()).await.unwrap();
        crate::schema::write_pair(&tool, "tool").await.unwrap();
        crate::schema::write_pair(&store, "server").await.unwrap();
        assert_eq!(crate::schema::pairs(&store).await, ["server", "tool"]);
        drop(store);
        Store::open(&db.location()).await.unwrap();
    });
}

#[test]
fn a_missing_folder_is_unavailable() {
    run(Dialect::Sqlite, async |db: TestDb| {
        let Location::Sqlite { path, readers, synchronous } = db.location() else { return };
        let path = path.with_file_name("nowhere").join("a.db");
        let missing = Store::open(&Location::Sqlite { path, readers, synchronous }).await.err();
        assert!(
            matches!(&missing, Some(StoreError::Unavailable(fault)) if fault.message.contains("nowhere")),
            "{missing:?}"
        );
    });
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable_and_its_password_is_not_told() {
    for url in [
        "postgresql://u:s3cret-value@127.0.0.1:1/x",
        "postgresql://u:s3cret-value@%%%/x",
        "host=/nowhere password=s3cret-value user=u",
    ] {
        let error = Store::open(&Location::Postgres { url: Secret::new(url), pool: 1 }).await.err().unwrap();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(SECRET));
    }
}
