//! Group commit on SQLite: who queues up together is committed together, and each keeps its own rollback.

use std::time::Duration;

use futures::future::join_all;
use secondme_store::testing::{TestDb, run};
use secondme_store::{Dialect, Migration, MigrationSet, Store, StoreError, params, sql};
use tokio::runtime::Handle;

use crate::schema::{SET, pairs};

static DEFERRED: MigrationSet = MigrationSet {
    name: "deferred",
    migrations: &[Migration {
        name: "0001",
        sql: "",
        sqlite: Some(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);",
        ),
        postgres: None,
    }],
};

async fn insert_pair(store: &Store, key: &str) -> secondme_store::Tx {
    let mut tx = store.write().await.unwrap();
    tx.run(sql!("INSERT INTO pair (key, half) VALUES ($1, 1), ($1, 2)"), params![key]).await.unwrap();
    tx
}

/// Lets everybody queue behind `first`, which then starts the group.
async fn queue_behind<T: Send + 'static>(
    first: secondme_store::Tx,
    others: Vec<impl Future<Output = T> + Send + 'static>,
) -> (Result<(), StoreError>, Vec<T>) {
    let tasks: Vec<_> = others.into_iter().map(|other| Handle::current().spawn(other)).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let first = first.commit().await;
    (first, join_all(tasks).await.into_iter().map(Result::unwrap).collect())
}

#[test]
fn members_roll_back_alone() {
    run(Dialect::Sqlite, async |db: TestDb| {
        let store = db.store(&[&SET]).await;
        let first = insert_pair(&store, "00").await;
        let others = (1..=20).map(|n| {
            let store = store.clone();
            async move {
                let tx = insert_pair(&store, &format!("{n:02}")).await;
                if n % 2 == 0 {
                    tx.commit().await.unwrap();
                }
            }
        });
        let (first, _) = queue_behind(first, others.collect()).await;
        first.unwrap();
        let expected: Vec<_> = (0..=20).filter(|n| n % 2 == 0).map(|n| format!("{n:02}")).collect();
        assert_eq!(pairs(&store).await, expected);
    });
}

#[test]
fn when_the_commit_fails_everyone_is_told_and_nothing_is_kept() {
    run(Dialect::Sqlite, async |db: TestDb| {
        let store = db.store(&[&SET, &DEFERRED]).await;
        let first = insert_pair(&store, "first").await;
        let others = (0..3).map(|n| {
            let store = store.clone();
            async move {
                let mut tx = insert_pair(&store, &format!("other-{n}")).await;
                if n == 1 {
                    tx.run(sql!("INSERT INTO child (parent) VALUES (404)"), params![]).await.unwrap();
                }
                tx.after_commit(|| panic!("it was not committed"));
                tx.commit().await
            }
        });
        let (first, others) = queue_behind(first, others.collect()).await;
        assert!(first.is_err() && others.iter().all(Result::is_err), "{first:?} {others:?}");
        assert!(pairs(&store).await.is_empty());
        insert_pair(&store, "later").await.commit().await.unwrap();
        assert_eq!(pairs(&store).await, ["later"]);
    });
}

#[test]
fn a_full_disk_is_told_to_whom_it_concerns() {
    run(Dialect::Sqlite, async |db: TestDb| {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        tx.all(sql!("PRAGMA max_page_count = 60"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        let first = insert_pair(&store, "first").await;
        let greedy = {
            let store = store.clone();
            async move {
                let mut tx = insert_pair(&store, "greedy").await;
                tx.run(sql!("INSERT INTO thing (raw) VALUES ($1)"), params![vec![7_u8; 1_000_000]]).await.map(|_| ())
            }
        };
        let (first, others) = queue_behind(first, vec![greedy]).await;
        assert!(matches!(others[0], Err(StoreError::DiskFull)), "{others:?}");
        // The other member was either kept or told that it was not.
        assert_eq!(pairs(&store).await.len(), usize::from(first.is_ok()), "{first:?}");
        insert_pair(&store, "later").await.commit().await.unwrap();
        assert!(pairs(&store).await.contains(&"later".to_owned()));
    });
}
