//! Backups: what is restored is what there was at one moment, and damage is found.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use secondme_server::app::App;
use secondme_server::memory::audience::Audience;
use secondme_server::memory::index::{self, Entry, Kind};
use secondme_server::migrations;
use secondme_server::platform::backup::{self, BackupError, Manifest, Source, Target};
use secondme_store::{Dialect, Location, Store, Synchronous, params, sql};

use crate::harness::{START, TestDb, World, both};
use crate::process::{secondme, start};

/// Two rows in one transaction, with a number that only ever grows by one: the state of a moment is a prefix of them.
async fn write(store: &Store) -> i64 {
    let mut tx = store.write().await.unwrap();
    let count = sql!("UPDATE users SET updated_at = updated_at + 1 WHERE id = 1 RETURNING updated_at");
    let n: i64 = tx.opt(count, params![]).await.unwrap().unwrap().get("updated_at").unwrap();
    let insert = sql!("INSERT INTO shades (user_id, name, confidence_level, created_at) VALUES (1, 'load', 'LOW', $1)");
    tx.run(insert, params![n]).await.unwrap();
    tx.commit().await.unwrap();
    n
}

/// The number of the last write; every one before it must be there, and none after it.
async fn last_write(store: &Store) -> i64 {
    let last = sql!("SELECT updated_at FROM users WHERE id = 1");
    let last: i64 = store.opt(last, params![]).await.unwrap().unwrap().get("updated_at").unwrap();
    let rows =
        store.all(sql!("SELECT created_at FROM shades WHERE name = 'load' ORDER BY created_at"), params![]).await;
    let there: Vec<i64> = rows.unwrap().iter().map(|row| row.get("created_at").unwrap()).collect();
    assert_eq!(there, (START + 1..=last).collect::<Vec<_>>());
    last
}

async fn reopened(data_dir: &Path) -> Store {
    let path = data_dir.join("secondme.db");
    Store::open(&Location::Sqlite { path, readers: 2, synchronous: Synchronous::Full }).await.unwrap()
}

/// Whether the memory is in the full text; if not, it must wait for the server to put it there.
async fn finds_the_note(store: &Store) -> bool {
    let words = sql!(
        sqlite: "SELECT COUNT(*) AS n FROM memory_words WHERE memory_words MATCH $1",
        postgres: "SELECT COUNT(*) AS n FROM memory_words WHERE words @@ to_tsquery('simple', $1)",
    );
    // The key of the word "xylo" for user 1.
    let bytes = 1_i64.to_le_bytes().into_iter().chain("xylo".bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let found: i64 = store.opt(words, params![format!("k{hash:016x}")]).await.unwrap().unwrap().get("n").unwrap();
    let worded = store.all(sql!("SELECT worded FROM memory_entries WHERE item_id = 'n1'"), params![]).await.unwrap();
    let worded: Vec<bool> = worded.iter().map(|row| row.get("worded").unwrap()).collect();
    assert_eq!(worded, [found == 1]);
    found == 1
}

async fn remember(app: &App) {
    let store = app.store();
    let entry = Entry {
        user_id: 1,
        kind: Kind::Note,
        item_id: "n1".to_owned(),
        text: "xylo",
        speaker: None,
        conversation: None,
        position: 0,
        happened_at: START,
        importance: 0.5,
        audience: &Audience::OwnerOnly,
        app_id: None,
    };
    let mut tx = store.write().await.unwrap();
    index::put(&mut tx, &entry).await.unwrap();
    tx.commit().await.unwrap();
    index::waiting::pass(app).await.unwrap();
}

async fn check_restored(folder: &Path, manifest: &Manifest, at_least: i64, at_most: i64) {
    let target_dir = tempfile::tempdir().unwrap();
    let target = Target { data_dir: target_dir.path(), configured_key: None, force: false };
    let restored = backup::restore(folder, &target, None).await.unwrap();
    assert_eq!((&restored.manifest, restored.same_key), (manifest, true));
    assert_eq!(std::fs::read(target_dir.path().join("uploads/deep/a.bin")).unwrap(), [1, 2, 3]);
    assert_eq!(std::fs::read_to_string(target_dir.path().join("server.key")).unwrap(), "07".repeat(32));
    let store = reopened(target_dir.path()).await;
    let last = last_write(&store).await;
    assert!((at_least..=at_most).contains(&last), "{at_least} <= {last} <= {at_most}");
    assert_eq!(finds_the_note(&store).await, manifest.from == "sqlite");
    drop(store);
    // A second time only by force, and then the old database is put aside.
    let again = backup::restore(folder, &target, None).await;
    assert!(matches!(again, Err(BackupError::Refused(_))), "{again:?}");
    backup::restore(folder, &Target { force: true, ..target }, None).await.unwrap();
    assert!(target_dir.path().join("secondme.db.before-restore-1").exists());

    let Some(db) = TestDb::new(Dialect::Postgres) else { return };
    let postgres = db.store(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await;
    let other_dir = tempfile::tempdir().unwrap();
    let target = Target { data_dir: other_dir.path(), configured_key: Some("00"), force: false };
    assert!(!backup::restore(folder, &target, Some(&postgres)).await.unwrap().same_key);
    assert_eq!(last_write(&postgres).await, last);
    assert!(!finds_the_note(&postgres).await);
    // Numbers go on where they were.
    assert_eq!(write(&postgres).await, last + 1);
    db.remove().await;
}

both! {
    async fn a_backup_under_load_is_the_state_of_its_moment(db: TestDb) {
        let world = World::new(db).await;
        let store = world.app.store();
        begin_counting(store).await;
        remember(&world.app).await;
        assert!(finds_the_note(store).await);
        let data_dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(data_dir.path().join("uploads/deep")).unwrap();
        std::fs::write(data_dir.path().join("uploads/deep/a.bin"), [1, 2, 3]).unwrap();
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(START)));
        let writers: Vec<_> = (0..4).map(|_| {
            let (store, stop, acknowledged) = (store.clone(), stop.clone(), acknowledged.clone());
            tokio::runtime::Handle::current().spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    acknowledged.fetch_max(write(&store).await, Ordering::SeqCst);
                }
            })
        }).collect();
        let backups = tempfile::tempdir().unwrap();
        let mut made = Vec::new();
        for round in 0..3 {
            while acknowledged.load(Ordering::SeqCst) < START + 40 * (round + 1) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let folder = backups.path().join(format!("b{round}"));
            let before = acknowledged.load(Ordering::SeqCst);
            let key = "07".repeat(32);
            let source = Source { data_dir: data_dir.path(), key: Some(&key), now: START };
            let manifest = backup::make(store, source, &folder).await.unwrap();
            made.push((folder, manifest, before, acknowledged.load(Ordering::SeqCst) + 4));
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        for (folder, manifest, before, after) in &made {
            assert_eq!(&backup::verify(folder).await.unwrap(), manifest);
            check_restored(folder, manifest, *before, *after).await;
        }
    }

    async fn damage_is_found(db: TestDb) {
        let world = World::new(db).await;
        let (data_dir, backups) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let source = Source { data_dir: data_dir.path(), key: None, now: START };
        let inside = data_dir.path().join("b");
        assert!(matches!(backup::make(world.app.store(), source, &inside).await, Err(BackupError::Refused(_))));
        let folder = backups.path().join("b");
        backup::make(world.app.store(), source, &folder).await.unwrap();
        assert!(matches!(backup::make(world.app.store(), source, &folder).await, Err(BackupError::Refused(_))));
        let damaged = async |what: &str| {
            let error = backup::verify(&folder).await.unwrap_err();
            assert!(matches!(&error, BackupError::Damaged(why) if why.contains(what)), "{error}");
            let target = Target { data_dir: data_dir.path(), configured_key: None, force: true };
            assert!(backup::restore(&folder, &target, None).await.is_err(), "what is damaged is not restored");
            assert!(!data_dir.path().join("secondme.db").exists());
        };
        std::fs::write(folder.join("extra"), "x").unwrap();
        damaged("extra is not listed").await;
        std::fs::remove_file(folder.join("extra")).unwrap();
        backup::verify(&folder).await.unwrap();

        // One bit.
        let path = folder.join("secondme.db");
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        damaged("secondme.db has changed").await;
        // A manifest that agrees with the file does not help when the rows are others.
        std::fs::write(&path, &good).unwrap();
        let manifest = folder.join("manifest.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, text.replacen("\"rows\": 2", "\"rows\": 3", 1)).unwrap();
        damaged("where there were 3").await;
        std::fs::remove_file(&path).unwrap();
        damaged("secondme.db is missing").await;
    }
}

/// The numbers of [`write`] begin here.
async fn begin_counting(store: &Store) {
    let mut tx = store.write().await.unwrap();
    tx.run(sql!("UPDATE users SET updated_at = $1 WHERE id = 1"), params![START]).await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn the_commands_move_a_server() {
    let (old, new, elsewhere) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = {
        let server = start(old.path(), &[]);
        let args = ["key", "create", "--email", "ada@demo.local", "--name", "k"];
        let output = secondme(old.path()).args(args).output().unwrap();
        let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        // While the server runs.
        let output = secondme(old.path()).args(["backup", "--to"]).arg(elsewhere.path().join("b")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        drop(server);
        key
    };
    assert!(key.starts_with("lba_ak_"), "{key}");
    let ok = |data: &Path, args: &[&str]| {
        let output = secondme(data).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let folder = elsewhere.path().join("b").display().to_string();
    ok(new.path(), &["verify", &folder]);
    ok(new.path(), &["restore", &folder]);
    let refused = secondme(new.path()).args(["restore", &folder]).output().unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("--force"), "{refused:?}");
    let server = start(new.path(), &[]);
    let output = std::process::Command::new("curl")
        .args(["-s", "-H", &format!("Authorization: Bearer {key}")])
        .arg(format!("{}/gate/lab/api/secondme/user/info", server.url))
        .output()
        .unwrap();
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(info["data"]["userId"], "1", "{info}");
    let running = secondme(new.path()).args(["restore", "--force", &folder]).output().unwrap();
    assert!(!running.status.success() && String::from_utf8_lossy(&running.stderr).contains("stop the server"));
    // From one file to another, twice.
    let from = format!("sqlite:{}", new.path().join("secondme.db").display());
    let to = format!("sqlite:{}", elsewhere.path().join("moved.db").display());
    for _ in 0..2 {
        ok(new.path(), &["migrate-store", "--from", &from, "--to", &to]);
    }
}
