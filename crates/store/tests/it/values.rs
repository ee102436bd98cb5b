use secondme_store::testing::TestDb;
use secondme_store::{Dialect, StoreError, Value, both, params, sql};

use crate::schema::SET;

both! {
    async fn every_type_comes_back_as_it_went(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let raw = [0_u8, 255, 7];
        let mut tx = store.write().await.unwrap();
        let insert = sql!("INSERT INTO thing (name, n, x, flag, raw) VALUES ($1, $2, $3, $4, $5) RETURNING id, name, n, x, flag, raw");
        let row = tx.opt(insert, params!["名前 'q' $1", i64::MIN, 0.1, true, &raw]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("id").unwrap(), 1);
        assert_eq!(row.get::<String>("name").unwrap(), "名前 'q' $1");
        assert_eq!((row.get::<i64>("n").unwrap(), row.get::<f64>("x").unwrap()), (i64::MIN, 0.1));
        assert_eq!((row.get::<bool>("flag").unwrap(), row.get::<Option<bool>>("flag").unwrap()), (true, Some(true)));
        assert_eq!((row.get::<Vec<u8>>("raw").unwrap(), row.get::<[u8; 3]>("raw").unwrap()), (raw.to_vec(), raw));
        tx.commit().await.unwrap();
        let found = sql!("SELECT id FROM thing WHERE flag = $2 AND raw = $1 AND x < $3 AND flag AND flag = TRUE");
        assert!(store.opt(found, params![raw, true, 1.0]).await.unwrap().is_some());
        assert!(store.opt(found, params![raw, false, 1.0]).await.unwrap().is_none());
    }

    async fn absent_values_fit_every_type(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        let insert = sql!("INSERT INTO thing (name, n, x, flag, raw) VALUES ($1, $2, $3, $4, $5)");
        for nothing in [params![None::<i64>, None::<String>, None::<&[u8]>, None::<f64>, None::<bool>],
                        params![None::<bool>, None::<f64>, &None::<String>, Value::Null, None::<i64>]] {
            assert_eq!(tx.run(insert, nothing).await.unwrap(), 1);
        }
        let row = tx.opt(sql!("SELECT name, n, x, flag, raw FROM thing"), params![]).await.unwrap().unwrap();
        assert_eq!((row.get::<Option<String>>("name").unwrap(), row.get::<Option<i64>>("n").unwrap()), (None, None));
        assert_eq!((row.get::<Option<f64>>("x").unwrap(), row.get::<Option<bool>>("flag").unwrap()), (None, None));
        assert_eq!(row.get::<Option<Vec<u8>>>("raw").unwrap(), None);
        assert!(matches!(row.get::<i64>("n"), Err(StoreError::Decode { .. })), "absent is not a number");
    }

    async fn placeholders_are_numbers_not_positions(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let mut tx = store.write().await.unwrap();
        let swapped = sql!("INSERT INTO pair (half, key) VALUES ($2, $1)");
        tx.run(swapped, params!["a", 5]).await.unwrap();
        let twice = sql!("SELECT key FROM pair WHERE half = $2 AND key = $1 AND key = $1");
        assert!(tx.opt(twice, params!["a", 5]).await.unwrap().is_some());
    }

    async fn a_wrong_reading_names_its_place(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let row = store.opt(sql!("SELECT 'text' AS word, COUNT(*) AS count FROM thing"), params![]).await.unwrap().unwrap();
        for (error, column) in [(row.get::<i64>("word").err(), "word"), (row.get::<String>("count").err(), "count"),
                                (row.get::<bool>("missing").err(), "missing"), (row.get::<[u8; 2]>("word").err(), "word")] {
            let text = error.unwrap().to_string();
            assert!(text.contains(column) && text.contains("store/tests/it/values.rs:"), "{text}");
        }
        assert_eq!(row.get::<u32>("count").unwrap(), 0);
    }

    async fn a_wrong_number_of_parameters_is_an_error(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let one = sql!("SELECT n FROM thing WHERE n = $1");
        for wrong in [params![], params![1, 2]] {
            assert!(matches!(store.all(one, wrong).await, Err(StoreError::Other(_))));
        }
        assert!(store.all(one, params![1]).await.unwrap().is_empty());
    }

    async fn a_column_takes_its_own_type_only(db: TestDb) {
        let store = db.store(&[&SET]).await;
        let insert = sql!("INSERT INTO thing (n) VALUES ($1)");
        for wrong in [params!["secret-7"], params![vec![1_u8]]] {
            let mut tx = store.write().await.unwrap();
            assert!(tx.run(insert, wrong).await.is_err());
        }
        assert_eq!(store.dialect(), db.dialect());
        assert_ne!(Dialect::Sqlite, Dialect::Postgres);
    }
}
