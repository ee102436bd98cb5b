use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use secondme_store::testing::TestDb;
use secondme_store::{Location, Store, StoreError, both, params, sql};
use tokio::runtime::Handle;

use crate::schema::{SET, pairs, write_pair};

both! {
    async fn concurrent_writers_all_get_through(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let tasks = (0..40).map(|task| {
            let store = store.clone();
            Handle::current().spawn(async move {
                for n in 0..25 {
                    write_pair(&store, &format!("{task:02}-{n:02}")).await.unwrap();
                }
            })
        });
        for done in join_all(tasks).await {
            done.unwrap();
        }
        assert_eq!(pairs(&store).await.len(), 1_000);
    }

    async fn increments_are_not_lost(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        tx.run(sql!("INSERT INTO thing (name, n) VALUES ('counter', 0)"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        let tasks = (0..20).map(|_| {
            let store = store.clone();
            Handle::current().spawn(async move {
                for _ in 0..10 {
                    let mut tx = store.write().await.unwrap();
                    tx.run(sql!("UPDATE thing SET n = n + 1 WHERE name = 'counter'"), params![]).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        });
        join_all(tasks).await;
        let row = store.opt(sql!("SELECT n FROM thing"), params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 200);
    }

    async fn of_several_that_insert_the_same_key_one_wins(db: TestDb) {
        let store = Arc::new(db.store(&[&SET]).await);
        let tasks = (0..20).map(|_| {
            let store = store.clone();
            Handle::current().spawn(async move { write_pair(&store, "same").await })
        });
        let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Conflict))));
        assert_eq!(pairs(&store).await, ["same"]);
    }

    async fn readers_do_not_wait_for_a_writer(db: TestDb) {
        let store = db.store(&[&SET]).await;
        write_pair(&store, "a").await.unwrap();
        let mut tx = store.write().await.unwrap();
        tx.run(sql!("DELETE FROM pair"), params![]).await.unwrap();
        let read = tokio::time::timeout(Duration::from_secs(2), pairs(&store)).await;
        assert_eq!(read.unwrap(), ["a"]);
    }

    async fn a_short_pool_makes_readers_wait_not_fail(db: TestDb) {
        let store = db.store(&[&SET]).await;
        write_pair(&store, "a").await.unwrap();
        drop(store);
        let location = match db.location() {
            Location::Sqlite { path, synchronous, .. } => Location::Sqlite { path, readers: 1, synchronous },
            Location::Postgres { url, .. } => Location::Postgres { url, pool: 1 },
        };
        let store = Store::open(&location).await.unwrap();
        let tasks = (0..50).map(|_| {
            let store = store.clone();
            Handle::current().spawn(async move {
                let mut tx = store.read().await.unwrap();
                tx.all(sql!("SELECT key FROM pair"), params![]).await.unwrap().len()
            })
        });
        assert!(join_all(tasks).await.into_iter().all(|found| found.unwrap() == 2));
    }
}
