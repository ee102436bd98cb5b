use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use secondme_store::testing::TestDb;
use secondme_store::{Dialect, Location, Store, both, params, sql};
use tokio::runtime::Handle;

use crate::schema::{SET, pairs, write_pair};

/// Drops the future at its `polls`-th await that has to wait.
async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// The same database with a single connection, so that a leaked one is noticed at once.
async fn narrow(db: &TestDb) -> Store {
    let location = match db.location() {
        Location::Sqlite { path, synchronous, .. } => Location::Sqlite { path, readers: 1, synchronous },
        Location::Postgres { url, .. } => Location::Postgres { url, pool: 1 },
    };
    Store::open(&location).await.unwrap()
}

both! {
    async fn a_caller_that_goes_away_anywhere_wedges_nothing(db: TestDb) {
        drop(db.store(&[&SET]).await);
        let store = narrow(&db).await;
        let mut acknowledged = Vec::new();
        for polls in 0..12 {
            for round in 0..15 {
                let key = format!("{polls:02}-{round:02}");
                if let Some(done) = give_up_after(polls, write_pair(&store, &key)).await {
                    done.unwrap();
                    acknowledged.push(key);
                }
                let read = async { store.read().await.unwrap().all(sql!("SELECT key FROM pair"), params![]).await.unwrap() };
                give_up_after(polls, read).await;
            }
        }
        let last = tokio::time::timeout(Duration::from_secs(5), write_pair(&store, "last")).await;
        last.expect("the store is wedged").unwrap();
        let there = pairs(&store).await;
        assert!(acknowledged.iter().all(|key| there.contains(key)));
        assert!(!acknowledged.is_empty() && acknowledged.len() < 12 * 15, "some were given up, some went through");
        let open = sql!(sqlite: "SELECT 0 AS n", postgres: "SELECT COUNT(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'");
        assert_eq!(store.opt(open, params![]).await.unwrap().unwrap().get::<i64>("n").unwrap(), 0);
    }

    async fn a_crowd_that_loses_patience_wedges_nothing(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let tasks = (0..24).map(|task| {
            let (store, acknowledged) = (store.clone(), acknowledged.clone());
            Handle::current().spawn(async move {
                for n in 0..40 {
                    let key = format!("{task:02}-{n:02}");
                    if let Some(done) = give_up_after((task + n) % 9, write_pair(&store, &key)).await {
                        done.unwrap();
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        });
        for done in join_all(tasks).await {
            done.unwrap();
        }
        tokio::time::timeout(Duration::from_secs(5), write_pair(&store, "last")).await.expect("wedged").unwrap();
        // What was released and then given up may be there or not; what was acknowledged is.
        assert!(pairs(&store).await.len() > acknowledged.load(Ordering::SeqCst));
    }

    async fn a_commit_goes_through_without_its_caller(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut tx = store.write().await.unwrap();
        tx.run(sql!("INSERT INTO pair (key, half) VALUES ('a', 1), ('a', 2)"), params![]).await.unwrap();
        tx.after_commit(move || told.send(()).unwrap());
        give_up_after(0, tx.commit()).await;
        tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(pairs(&store).await, ["a"]);
    }

    async fn a_statement_that_was_given_up_spoils_its_transaction(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        let insert = sql!("INSERT INTO pair (key, half) VALUES ('a', 1), ('a', 2)");
        let given_up = give_up_after(0, tx.run(insert, params![])).await.is_none();
        // SQLite runs it inline: there is nothing to give up.
        assert_eq!(given_up, store.dialect() == Dialect::Postgres);
        assert_eq!(tx.commit().await.is_err(), given_up);
        tokio::time::timeout(Duration::from_secs(5), write_pair(&store, "b")).await.expect("wedged").unwrap();
    }
}
