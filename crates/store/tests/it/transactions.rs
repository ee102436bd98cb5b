use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secondme_store::testing::{TestDb, prepare_all};
use secondme_store::{StoreError, both, params, sql};

use crate::schema::{SET, pairs, write_pair};

both! {
    async fn a_dropped_transaction_never_happened(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        assert_eq!(tx.run(sql!("INSERT INTO pair (key, half) VALUES ('a', 1)"), params![]).await.unwrap(), 1);
        drop(tx);
        assert!(pairs(&store).await.is_empty());
        write_pair(&store, "b").await.unwrap();
        assert_eq!(pairs(&store).await, ["b"]);
    }

    async fn a_transaction_sees_its_own_writes_and_others_do_not(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        let (count, insert) = (sql!("SELECT COUNT(*) AS n FROM pair"), sql!("INSERT INTO pair (key, half) VALUES ($1, $2), ($1, 2)"));
        assert_eq!(tx.run(insert, params!["a", 1]).await.unwrap(), 2);
        assert_eq!(tx.opt(count, params![]).await.unwrap().unwrap().get::<i64>("n").unwrap(), 2);
        assert!(pairs(&store).await.is_empty());
        tx.commit().await.unwrap();
        assert_eq!(pairs(&store).await, ["a"]);
    }

    async fn a_read_transaction_keeps_its_snapshot_and_cannot_write(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let count = sql!("SELECT COUNT(*) AS n FROM pair");
        let mut snapshot = store.read().await.unwrap();
        for key in ["a", "b", "c"] {
            let row = snapshot.opt(count, params![]).await.unwrap().unwrap();
            assert_eq!(row.get::<i64>("n").unwrap(), 0);
            write_pair(&store, key).await.unwrap();
        }
        assert!(snapshot.run(sql!("DELETE FROM pair"), params![]).await.is_err());
        drop(snapshot);
        let mut fresh = store.read().await.unwrap();
        assert_eq!(fresh.opt(count, params![]).await.unwrap().unwrap().get::<i64>("n").unwrap(), 6);
        fresh.commit().await.unwrap();
    }

    async fn counts_are_of_changed_rows(db: TestDb) {
        let store = db.store(&[&SET]).await;
        write_pair(&store, "a").await.unwrap();
        let mut tx = store.write().await.unwrap();
        let again = sql!("INSERT INTO pair (key, half) VALUES ($1, 1) ON CONFLICT (key, half) DO NOTHING");
        assert_eq!(tx.run(again, params!["a"]).await.unwrap(), 0);
        assert_eq!(tx.run(sql!("UPDATE pair SET half = half + 10 WHERE key = $1"), params!["a"]).await.unwrap(), 2);
        assert_eq!(tx.run(sql!("DELETE FROM pair WHERE half = $1"), params![11]).await.unwrap(), 1);
        assert_eq!(tx.all(sql!("DELETE FROM pair RETURNING half"), params![]).await.unwrap().len(), 1);
    }

    async fn after_a_failed_statement_nothing_else_goes_through(db: TestDb) {
        let store = db.store(&[&SET]).await;
        write_pair(&store, "a").await.unwrap();
        let mut tx = store.write().await.unwrap();
        let insert = sql!("INSERT INTO pair (key, half) VALUES ($1, $2)");
        tx.run(insert, params!["b", 1]).await.unwrap();
        assert!(matches!(tx.run(insert, params!["a", 1]).await, Err(StoreError::Conflict)));
        assert!(matches!(tx.run(insert, params!["b", 2]).await, Err(StoreError::Aborted)));
        assert!(matches!(tx.all(sql!("SELECT 1 AS one"), params![]).await, Err(StoreError::Aborted)));
        assert!(matches!(tx.commit().await, Err(StoreError::Aborted)));
        assert_eq!(pairs(&store).await, ["a"]);
    }

    async fn hooks_run_after_success_only(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let ran = Arc::new(AtomicUsize::new(0));
        let hook = |ran: &Arc<AtomicUsize>| { let ran = ran.clone(); move || { ran.fetch_add(1, Ordering::SeqCst); } };
        let insert = sql!("INSERT INTO pair (key, half) VALUES ('a', 1), ('a', 2)");

        let mut dropped = store.write().await.unwrap();
        dropped.after_commit(hook(&ran));
        drop(dropped);
        let mut tx = store.write().await.unwrap();
        tx.after_commit(hook(&ran));
        tx.run(insert, params![]).await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        let spawned = Arc::clone(&ran);
        tx.after_commit(move || panic!("stays here {}", spawned.load(Ordering::SeqCst)));
        tx.after_commit(|| drop(tokio::runtime::Handle::current()));
        tx.after_commit(hook(&ran));
        tx.commit().await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 2);

        let mut failed = store.write().await.unwrap();
        failed.after_commit(hook(&ran));
        assert!(failed.run(insert, params![]).await.is_err());
        assert!(failed.commit().await.is_err());
        assert_eq!(ran.load(Ordering::SeqCst), 2);
    }

    async fn foreign_keys_hold(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        assert!(matches!(tx.run(sql!("INSERT INTO part (thing) VALUES (77)"), params![]).await, Err(StoreError::Other(_))));
    }

    async fn every_text_of_this_crate_is_valid(db: TestDb) {
        let store = db.store(&[&SET]).await;
        assert_eq!(prepare_all(&store, concat!(env!("CARGO_MANIFEST_DIR"), "/src")).await, Vec::<String>::new());
        store.ping().await.unwrap();
        // And the check can fail.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bad.rs"), r#"fn f() { sql!("SELECT nothing FROM pair"); sql!("SELECT 1") }"#).unwrap();
        let failures = prepare_all(&store, folder.path().to_str().unwrap()).await;
        assert!(failures.len() == 1 && failures[0].contains("bad.rs:1: "), "{failures:?}");
    }
}
