//! What others do to a server: connections cut, a database that only reads, a disk that is full. Nothing acknowledged is lost,
//! the client is told to come back, and the server recovers by itself.

use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use secondme_store::{Dialect, Location, Store, Synchronous, params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, Setup, TestDb, World, answer, both};

/// Ends every connection to the database but our own, as a restart does.
async fn cut(admin: &Store) {
    let all = sql!(
        sqlite: "SELECT 1",
        postgres: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    admin.all(all, params![]).await.unwrap();
}

async fn read_only(admin: &Store, on: bool) {
    let mut tx = admin.write().await.unwrap();
    tx.run(sql!("SET TRANSACTION READ WRITE"), params![]).await.unwrap();
    let set = if on {
        sql!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
        )
    } else {
        sql!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$"
        )
    };
    tx.run(set, params![]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn write(world: &World, name: &str) -> (StatusCode, Value) {
    let request = world.request(reqwest::Method::POST, "secondme/user/profile", ADA);
    answer(request.json(&json!({"name": name})).send().await.unwrap()).await
}

/// The answer to a client that should try again.
fn come_back(answer: &(StatusCode, Value)) {
    assert_eq!((answer.0.as_u16(), &answer.1["subCode"]), (503, &json!("connection.error")), "{answer:?}");
}

both! {
    async fn cut_connections_are_replaced(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let world = World::new(db.clone()).await;
        let admin = Store::open(&db.location()).await.unwrap();
        for round in 0..5 {
            cut(&admin).await;
            let mut tries = 0;
            loop {
                let name = format!("round {round}");
                let answer = write(&world, &name).await;
                if answer.0 == 200 {
                    break;
                }
                come_back(&answer);
                tries += 1;
                assert!(tries < 40, "the pool does not recover");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let (_, info) = world.get("secondme/user/info", ADA).await;
            assert_eq!(info["data"]["name"], format!("round {round}"));
        }
    }

    async fn a_database_that_only_reads_still_answers_reads(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let world = World::new(db.clone()).await;
        let admin = Store::open(&db.location()).await.unwrap();
        assert_eq!(write(&world, "before").await.0, 200);
        read_only(&admin, true).await;
        cut(&admin).await;
        // The first answers may still meet cut connections.
        let mut refused = 0;
        for _ in 0..30 {
            let answer = write(&world, "during").await;
            come_back(&answer);
            refused += 1;
        }
        assert_eq!(refused, 30);
        let (status, info) = world.get("secondme/user/info", ADA).await;
        assert_eq!((status.as_u16(), &info["data"]["name"]), (200, &json!("before")));
        read_only(&admin, false).await;
        cut(&admin).await;
        let mut recovered = false;
        for _ in 0..40 {
            recovered |= write(&world, "after").await.0 == 200;
        }
        assert!(recovered);
    }

    async fn a_server_without_a_connection_left_is_told_to_wait(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let admin = db.store(&[&secondme_jobs::MIGRATIONS, &secondme_server::migrations::MIGRATIONS]).await;
        // A user of its own, whose connections can be limited: the tests' own may always connect.
        let user = format!("u_{}", secondme_kit::Entropy::system().hex(16));
        let Location::Postgres { url, .. } = db.location() else { unreachable!() };
        let url = url.expose().replace("user=postgres", &format!("user={user}"));
        let run = async |text: String| {
            let mut tx = admin.write().await.unwrap();
            // The name is made of letters; it cannot be a parameter.
            let run = sql!("SELECT set_config('test.run', $1, TRUE)");
            tx.all(run, params![text]).await.unwrap();
            tx.run(sql!("DO $$ BEGIN EXECUTE current_setting('test.run'); END $$"), params![]).await.unwrap();
            tx.commit().await.unwrap();
        };
        run(format!("CREATE ROLE {user} LOGIN")).await;
        run(format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}")).await;
        run(format!("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}")).await;
        let location = Location::Postgres { url: secondme_kit::Secret::new(url), pool: 4 };
        let world = World::with_store(Store::open(&location).await.unwrap(), Setup::default()).await;
        assert_eq!(write(&world, "before").await.0, 200);
        let busy = secondme_store::troubles().busy;
        run(format!("ALTER ROLE {user} CONNECTION LIMIT 0")).await;
        cut(&admin).await;
        for _ in 0..10 {
            come_back(&write(&world, "during").await);
        }
        assert!(secondme_store::troubles().busy > busy);
        let ready = world.http.get(format!("{}/readyz", world.url)).send().await.unwrap();
        assert_eq!(ready.status(), 503);
        run(format!("ALTER ROLE {user} CONNECTION LIMIT -1")).await;
        assert_eq!(write(&world, "after").await.0, 200, "the first request finds its connection");
        drop(world);
        cut(&admin).await;
        run(format!("DROP OWNED BY {user}")).await;
        run(format!("DROP ROLE {user}")).await;
    }

    async fn a_database_that_is_slow_makes_wait_and_loses_nothing(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let world = World::new(db.clone()).await;
        let admin = Store::open(&db.location()).await.unwrap();
        // Everything that touches notes hangs.
        let mut tx = admin.write().await.unwrap();
        tx.run(sql!("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"), params![]).await.unwrap();
        let add = async |n: usize| {
            let body = json!({"memoryType": "TEXT", "content": format!("slow {n}")});
            world.post("secondme/note/add", ADA, &body).await
        };
        // More than there are connections: some hang in the database, the others give up after a while.
        let asked = futures::future::join_all((0..24).map(add));
        let others = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let begun = std::time::Instant::now();
            let alive = world.http.get(format!("{}/healthz", world.url)).send().await.unwrap();
            assert_eq!(alive.status(), 200);
            assert!(begun.elapsed() < Duration::from_secs(1), "what needs no database does not wait for it");
            tokio::time::sleep(Duration::from_secs(11)).await;
            tx.commit().await.unwrap();
        };
        let (answers, ()) = tokio::join!(asked, others);
        let mut acknowledged = 0;
        for answer in &answers {
            if answer.0 == 200 { acknowledged += 1 } else { come_back(answer) }
        }
        assert!((1..24).contains(&acknowledged), "{acknowledged}");
        let there = admin.all(sql!("SELECT id FROM notes WHERE content LIKE 'slow %'"), params![]).await.unwrap();
        assert_eq!(there.len(), acknowledged, "what was refused is not there, what was acknowledged is");
        assert_eq!(add(99).await.0, 200);
    }
}

/// PostgreSQL loses its power under writes and comes back: a crash, not a polite restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_crash_of_postgresql() {
    let Some(postgres) = secondme_store::testing::PrivatePostgres::start(true).unwrap() else { return };
    let location = Location::Postgres { url: postgres.url("postgres"), pool: 4 };
    let store = Store::open(&location).await.unwrap();
    store.migrate(&[&secondme_jobs::MIGRATIONS, &secondme_server::migrations::MIGRATIONS]).await.unwrap();
    let world = World::with_store(store, Setup::default()).await;
    let add = async |n: usize| {
        let body = json!({"memoryType": "TEXT", "content": format!("note {n:04}")});
        world.post("secondme/note/add", ADA, &body).await
    };
    let mut acknowledged = Vec::new();
    let (mut n, mut refused) = (0, 0);
    let postgres = std::sync::Arc::new(postgres);
    for _ in 0..3 {
        let crashing = std::sync::Arc::clone(&postgres);
        let crash = tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(150));
            crashing.crash_and_start().unwrap();
        });
        while !crash.is_finished() {
            let answer = add(n).await;
            if answer.0 == 200 {
                acknowledged.push(n);
            } else {
                come_back(&answer);
                refused += 1;
            }
            n += 1;
        }
        crash.await.unwrap();
        let mut tries = 0;
        // Under another name each time: what was not acknowledged may have happened.
        while add(n).await.0 != 200 {
            n += 1;
            tries += 1;
            assert!(tries < 20, "the pool does not recover");
        }
        acknowledged.push(n);
        n += 1;
    }
    assert!(refused > 0 && acknowledged.len() > 3, "{refused} refused, {} acknowledged", acknowledged.len());
    let there = world.app.store().all(sql!("SELECT content FROM notes WHERE user_id = 1"), params![]).await.unwrap();
    let there: Vec<String> = there.iter().map(|row| row.get("content").unwrap()).collect();
    for n in acknowledged {
        assert_eq!(there.iter().filter(|text| **text == format!("note {n:04}")).count(), 1, "{n}");
    }
}

/// SQLite's file may not grow beyond a size: the same to it as a full disk.
#[test]
fn a_full_disk_stops_writes_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_secondme");
    // Demo world and migrations first, with all the room they want.
    drop(crate::process::start(dir.path(), &[]));
    // What is in the log yet has to fit into the file as well.
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).map_or(0, |file| file.len());
    let used = (size("secondme.db") + size("secondme.db-wal")) / 512;
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec {binary} --data-dir . serve --demo --model echo --listen 127.0.0.1:0",
        used + 800
    );
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(dir.path())
        .env("SECONDME_LOG__FILTER", "error")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let url = crate::process::ready_url(&mut child);
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for n in 0..400 {
        // Each takes room of its own, so it is the file that cannot grow, however often the log begins anew.
        let text = format!("note {n:04} {}", "x ".repeat(4_000));
        let body = json!({"memoryType": "TEXT", "content": text}).to_string();
        let status = crate::process::post(&url, "/gate/lab/api/secondme/note/add", &body);
        match status.as_str() {
            "200" => acknowledged.push(n),
            "503" => refused += 1,
            other => panic!("{other}"),
        }
        if refused > 5 {
            break;
        }
    }
    assert!(refused > 5 && !acknowledged.is_empty(), "{} written, {refused} refused", acknowledged.len());
    assert!(child.try_wait().unwrap().is_none(), "the server goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    // With room again, everything that was acknowledged is there, and a new write is.
    let server = crate::process::start(dir.path(), &[]);
    let body = json!({"memoryType": "TEXT", "content": "note room"}).to_string();
    assert_eq!(crate::process::post(&server.url, "/gate/lab/api/secondme/note/add", &body), "200");
    drop(server);
    let file = Location::Sqlite { path: dir.path().join("secondme.db"), readers: 1, synchronous: Synchronous::Full };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let there: Vec<String> = runtime.block_on(async {
        let store = Store::open(&file).await.unwrap();
        let notes = store.all(sql!("SELECT content FROM notes ORDER BY id"), params![]).await.unwrap();
        notes.iter().map(|row| row.get::<String>("content").unwrap().chars().take(9).collect()).collect()
    });
    for n in acknowledged {
        assert_eq!(there.iter().filter(|text| **text == format!("note {n:04}")).count(), 1, "{n} in {there:?}");
    }
    assert!(there.contains(&"note room".to_owned()));
}
