//! Two versions of the server on one database, side by side, as they are while nodes are replaced one by one: the newer one has
//! extended the tables, the older one goes on, and starts again if it has to.

use std::time::Duration;

use reqwest::Method;
use secondme_server::migrations;
use secondme_store::testing::taking_away;
use secondme_store::{
    CONTRACTS, Dialect, Location, Migration, MigrationSet, Store, StoreError, Synchronous, both, params, sql,
};
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, Setup, Socket, TestDb, World, answer, assembled, data, events};

const LIST: &str = "secondme/note/list";

/// What the next version may bring: columns in tables that are read as a whole and written all the time, an index, a table of its
/// own that refers to the old ones.
const FUTURE: Migration = Migration {
    name: "9999_future",
    sql: "ALTER TABLE notes ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm';
          ALTER TABLE chat_messages ADD COLUMN seen BOOLEAN NOT NULL DEFAULT FALSE;
          ALTER TABLE chat_sessions ADD COLUMN pinned_at BIGINT;
          ALTER TABLE users ADD COLUMN pronouns TEXT;
          ALTER TABLE key_memories ADD COLUMN strength DOUBLE PRECISION NOT NULL DEFAULT 0.5;
          ALTER TABLE avatars ADD COLUMN colour TEXT NOT NULL DEFAULT '';
          ALTER TABLE memory_events ADD COLUMN weight BIGINT NOT NULL DEFAULT 1;
          ALTER TABLE tokens ADD COLUMN device TEXT;
          ALTER TABLE plaza_posts ADD COLUMN mood TEXT NOT NULL DEFAULT '';
          CREATE TABLE reactions (user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE, message_id TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (user_id, message_id));
          CREATE INDEX notes_by_mood ON notes (user_id, mood);",
    sqlite: None,
    postgres: None,
};

/// The server's migrations with one more.
fn newer(last: Migration) -> &'static MigrationSet {
    let mut all = migrations::MIGRATIONS.migrations.to_vec();
    all.push(last);
    Box::leak(Box::new(MigrationSet { name: migrations::MIGRATIONS.name, migrations: Vec::leak(all) }))
}

/// The first so many migrations of a set: an older version.
fn older(set: &MigrationSet, count: usize) -> &'static MigrationSet {
    let first = set.migrations[..count].to_vec();
    Box::leak(Box::new(MigrationSet { name: set.name, migrations: Vec::leak(first) }))
}

/// Asks until it is answered: where a statement was prepared for the tables of before, in a transaction, it is told to come back.
async fn patient(world: &World, method: Method, path: &str, token: &str, body: &Value) -> Value {
    for _ in 0..20 {
        let answer = answer(world.request(method.clone(), path, token).json(body).send().await.unwrap()).await;
        // Agent memory has codes of its own for this.
        let again = ["connection.error", "agent_memory.list.failed", "agent_memory.ingest.failed"];
        if !again.iter().any(|code| answer.1["subCode"] == *code) {
            return data(answer);
        }
    }
    panic!("{path} does not recover");
}

/// The same for a chat: what was said.
async fn chat(world: &World, text: &str) -> String {
    for _ in 0..20 {
        let request = world.request(Method::POST, "secondme/chat/stream", ADA).json(&json!({"message": text}));
        let answer = request.send().await.unwrap();
        if answer.status() == 200 {
            return events(&answer.text().await.unwrap()).iter().filter_map(|event| event.delta()).collect();
        }
        assert_eq!(answer.status(), 503);
    }
    panic!("chats do not recover");
}

/// A visitor says something; a reply that met the change is taken up by its job.
async fn visit(world: &World, n: usize) {
    let token = world.app_token().await;
    let body = json!({"apiKey": AVATAR_KEY, "visitorId": format!("v{n}"), "visitorName": "John"});
    let session = patient(world, Method::POST, "secondme/visitor-chat/init", &token, &body).await;
    let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
    let body = json!({"sessionId": session["sessionId"], "apiKey": AVATAR_KEY, "message": "hello"});
    patient(world, Method::POST, "secondme/visitor-chat/send", &token, &body).await;
    let taking_up = async {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            world.clock.advance(10_000);
            world.run_jobs().await;
        }
    };
    tokio::select! {
        frames = socket.replies(1) => assert_eq!(assembled(&frames), ["You said: hello"]),
        () = taking_up => {}
    }
}

/// A bit of everything that is written, and read again; what `n` marks is new.
async fn works(world: &World, n: usize) {
    let text = format!("Something to remember, number {n}");
    let event = json!({"channel": {"kind": "thread"}, "action": "post", "display_text": text,
        "refs": [{"object_type": "thread", "object_id": text}]});
    for (path, body) in [
        ("secondme/note/add", json!({"memoryType": "TEXT", "content": text})),
        ("secondme/memory/key", json!({"content": text})),
        ("secondme/user/profile", json!({"selfIntroduction": text})),
        ("secondme/agent_memory/ingest", event),
        ("secondme/plaza/posts/create", json!({"content": text, "type": "public", "contentType": "discussion"})),
    ] {
        patient(world, Method::POST, path, ADA, &body).await;
    }
    assert_eq!(chat(world, &text).await, format!("You said: {text}"));
    visit(world, n).await;
    for path in [
        "secondme/chat/session/list",
        "secondme/user/info",
        "secondme/avatar/list",
        "secondme/agent_memory/list",
        "secondme/plaza/feed",
        "secondme/memory/key/search?keyword=number",
    ] {
        patient(world, Method::GET, path, ADA, &Value::Null).await;
    }
    let notes = patient(world, Method::POST, LIST, ADA, &json!({"pageSize": 100})).await.to_string();
    assert!(notes.contains(&text), "{notes}");
    while world.run_jobs().await > 0 {}
    assert!(secondme_jobs::counts(world.app.store()).await.unwrap().iter().all(|count| count.dead == 0));
}

#[test]
fn no_migration_takes_away_what_the_version_before_it_uses() {
    let all = secondme_jobs::MIGRATIONS.migrations.iter().chain(migrations::MIGRATIONS.migrations);
    let found: Vec<String> = all.flat_map(taking_away).collect();
    assert!(found.is_empty(), "write `{CONTRACTS} <why>` above it when no version needs it any more: {found:#?}");
    assert!(taking_away(&FUTURE).is_empty());
}

both! {
    async fn every_version_so_far_works_on_what_the_next_ones_made_of_its_tables(db: TestDb) {
        let store = db.store(&[]).await;
        let (jobs, server) = (&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS);
        for n in 1..=server.migrations.len() {
            store.migrate(&[jobs, older(server, n)]).await.unwrap();
            // All that came before may start again beside it.
            for before in 1..n {
                let unknown = store.migrate_beside_newer(&[older(jobs, 1), older(server, before)]).await.unwrap();
                assert_eq!(unknown.len(), jobs.migrations.len() - 1 + n - before);
            }
        }
        assert_eq!(store.migrate_beside_newer(&[jobs, server]).await.unwrap(), Vec::<String>::new());
    }

    async fn a_node_goes_on_while_a_newer_one_extends_the_tables(db: TestDb) {
        let world = World::new(db.clone()).await;
        // Everything has been prepared, on several connections, for the tables as they are.
        works(&world, 0).await;
        let nothing = json!({});
        futures::future::join_all((0..8).map(|_| world.post(LIST, ADA, &nothing))).await;
        let newer_node = match db.dialect() {
            Dialect::Sqlite => world.app.store().clone(),
            Dialect::Postgres => Store::open(&db.location()).await.unwrap(),
        };
        newer_node.migrate(&[&secondme_jobs::MIGRATIONS, newer(FUTURE)]).await.unwrap();
        works(&world, 1).await;
        works(&world, 2).await;
        // The newer node wrote something that the older one passes on without knowing it.
        let mut tx = newer_node.write().await.unwrap();
        tx.run(sql!("UPDATE notes SET mood = 'merry' WHERE user_id = $1"), params![1_i64]).await.unwrap();
        tx.commit().await.unwrap();
        works(&world, 3).await;
        let merry = newer_node.all(sql!("SELECT id FROM notes WHERE user_id = 1 AND mood = 'merry'"), params![]).await.unwrap();
        assert!(merry.len() >= 3, "{}", merry.len());
    }

    async fn an_older_node_starts_again_beside_newer_ones(db: TestDb) {
        let store = db.store(&[&secondme_jobs::MIGRATIONS, newer(FUTURE)]).await;
        let unknown = store.migrate_beside_newer(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await.unwrap();
        assert_eq!(unknown, ["server/9999_future"]);
        let world = World::with_store(store, Setup::default()).await;
        works(&world, 0).await;
        // It cannot copy what it does not know, and says so.
        let refused = world.app.store().migrate(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await;
        assert!(matches!(refused, Err(StoreError::NewerDatabase { .. })), "{refused:?}");
    }

    async fn from_a_database_that_lost_something_an_older_node_stays_away(db: TestDb) {
        let gone = Migration { name: "9999_gone", sql: "-- contracts: shades are read from elsewhere since 0.9\nDROP TABLE shades;", sqlite: None, postgres: None };
        let store = db.store(&[]).await;
        store.migrate(&[&secondme_jobs::MIGRATIONS, newer(gone)]).await.unwrap();
        let refused = store.migrate_beside_newer(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await;
        assert!(matches!(&refused, Err(StoreError::NewerDatabase { name, .. }) if name == "9999_gone"), "{refused:?}");
    }
}

/// The binary itself on a database that a newer version extended, and on one from which it took something.
#[test]
fn the_binary_starts_beside_a_newer_version_and_refuses_what_it_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    drop(crate::process::start(dir.path(), &[]));
    let note = |table: &str| {
        let path = dir.path().join("secondme.db");
        let file = Location::Sqlite { path, readers: 1, synchronous: Synchronous::Full };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&file).await.unwrap();
            let mut tx = store.write().await.unwrap();
            let applied = sql!("INSERT INTO schema_migrations (set_name, name) VALUES ('server', '9999_future')");
            let contracted = sql!("INSERT INTO schema_contracts (set_name, name) VALUES ('server', '9999_future')");
            tx.run(if table == "schema_migrations" { applied } else { contracted }, params![]).await.unwrap();
            tx.commit().await.unwrap();
        });
    };
    let run = |args: &[&str]| {
        let output = crate::process::secondme(dir.path()).args(args).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    };
    note("schema_migrations");
    let server = crate::process::start(dir.path(), &[]);
    let body = json!({"memoryType": "TEXT", "content": "beside"}).to_string();
    assert_eq!(crate::process::post(&server.url, "/gate/lab/api/secondme/note/add", &body), "200");
    drop(server);
    let aside = tempfile::tempdir().unwrap();
    let (ok, said) = run(&["backup", "--to", &aside.path().join("b").display().to_string()]);
    assert!(!ok && said.contains("9999_future") && said.contains("newer version"), "{said}");
    let (_, said) = run(&["doctor"]);
    assert!(said.contains("9999_future") && said.contains("finish the upgrade"), "{said}");

    note("schema_contracts");
    let (ok, said) = run(&["serve", "--model", "echo", "--listen", "127.0.0.1:0"]);
    assert!(!ok && said.contains("9999_future") && said.contains("newer version"), "{said}");
    let (_, said) = run(&["doctor"]);
    assert!(said.contains("use the newer binary"), "{said}");
}
