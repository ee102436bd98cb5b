//! `kill -9` at random points of every kind of write: what was answered is there, once, and nothing is half there.
//!
//! The process that is killed is this test itself, started again as [`child`]: the whole server on a real port, and clients that
//! write beside it and say what was acknowledged. `make crash-matrix` kills it 10,000 times (`SECONDME_CRASHES`, `SECONDME_SEED`).

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secondme_kit::Entropy;
use secondme_server::migrations;
use secondme_store::{Location, Store, Synchronous, params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, Setup, World, data};

const WRITERS: u64 = 4;
/// So many kills meet the same database before it begins anew.
const LIVES: u64 = 25;

#[expect(clippy::disallowed_methods, reason = "how long to run is the environment's to say")]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn location(dir: &Path) -> Location {
    Location::Sqlite { path: dir.join("crash.db"), readers: 2, synchronous: Synchronous::Full }
}

async fn open(dir: &Path) -> Store {
    let store = Store::open(&location(dir)).await.unwrap();
    store.migrate(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await.unwrap();
    store
}

/// What is written, by the first word of its text.
const KINDS: [&str; 9] = ["chat", "note", "event", "fact", "post", "comment", "profile", "app", "visit"];

/// What the writes of one life have in common.
struct Known {
    /// The post under which comments are written.
    post: String,
    /// The app that brings visitors.
    app_token: String,
}

/// One write of a kind; whether it was acknowledged.
async fn write(world: &World, kind: &str, unique: &str, known: &Known) -> bool {
    let post = async |path: &str, body: Value| {
        let token = if kind == "visit" { &known.app_token } else { ADA };
        let sent = world.request(reqwest::Method::POST, path, token).json(&body).send().await;
        let answer: Option<Value> = match sent {
            Ok(answer) => answer.json().await.ok(),
            Err(_) => None,
        };
        answer.is_some_and(|answer| answer["code"] == 0)
    };
    match kind {
        "chat" => {
            let body = json!({"message": unique});
            let request = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA).json(&body);
            let Ok(answer) = request.send().await else { return false };
            answer.text().await.is_ok_and(|text| text.ends_with("data: [DONE]\n\n") && !text.contains("event: error"))
        }
        "note" => post("secondme/note/add", json!({"memoryType": "TEXT", "content": unique})).await,
        "event" => {
            let event = json!({"channel": {"kind": "thread"}, "action": "post", "display_text": unique,
                "refs": [{"object_type": "thread", "object_id": unique}]});
            post("secondme/agent_memory/ingest", event).await
        }
        "fact" => post("secondme/memory/key", json!({"content": unique})).await,
        "post" => post("secondme/plaza/posts/create", json!({"type": "public", "content": unique})).await,
        "comment" => post("secondme/plaza/posts/comment", json!({"postId": known.post, "content": unique})).await,
        "profile" => post("secondme/user/profile", json!({"selfIntroduction": unique})).await,
        "app" => {
            let app =
                json!({"appName": unique, "redirectUris": ["http://localhost:4000/cb"], "allowedScopes": ["chat"]});
            post("applications/external/create", app).await
        }
        _ => {
            let visit = json!({"apiKey": AVATAR_KEY, "visitorId": unique, "visitorName": unique});
            post("secondme/visitor-chat/init", visit).await
        }
    }
}

/// The server, and clients that write until they are killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of what_was_answered_survives_a_kill_at_any_point"]
async fn child() {
    let Some(dir) = std::env::var_os("CRASH_DIR") else { return };
    let mut setup = Setup::default();
    setup.config.visitor.inits_per_minute = 0;
    let world = Arc::new(World::with_store(open(Path::new(&dir)).await, setup).await);
    let body = json!({"type": "public", "content": "under which others write"});
    let post = data(world.post("secondme/plaza/posts/create", ADA, &body).await)["postId"].as_str().unwrap().to_owned();
    let known = Arc::new(Known { post, app_token: world.app_token().await });
    let runner = world.app.clone();
    world.app.spawn(async move { secondme_server::cli::jobs(&runner).run(runner.stopping().clone()).await });
    let (round, seed) = (number("CRASH_ROUND", 0), number("CRASH_SEED", 0));
    println!("begun");
    let writers = (0..WRITERS).map(|writer| {
        let (world, known) = (Arc::clone(&world), Arc::clone(&known));
        async move {
            let entropy = Entropy::seeded(seed * WRITERS + writer);
            for n in 0.. {
                let kind = KINDS[entropy.below(KINDS.len() as u64) as usize];
                let unique = format!("{kind} {round}-{writer}-{n}.");
                if write(&world, kind, &unique, &known).await {
                    println!("ack {unique}");
                }
            }
        }
    });
    futures::future::join_all(writers).await;
}

/// Everything that was acknowledged is there, once; and what is there is whole.
async fn check(store: &Store, acknowledged: &[String], round: u64) {
    let mut there: HashMap<String, usize> = HashMap::new();
    for find in [
        sql!("SELECT content AS text FROM chat_messages WHERE role = 'user'"),
        sql!("SELECT content AS text FROM notes"),
        // What the server itself notes of a chat or a post has their words.
        sql!("SELECT display_text AS text FROM memory_events WHERE app_id <> 'secondme'"),
        sql!("SELECT content AS text FROM key_memories"),
        sql!("SELECT content AS text FROM plaza_posts"),
        sql!("SELECT content AS text FROM plaza_comments"),
        sql!("SELECT name AS text FROM apps"),
        sql!("SELECT visitor_name AS text FROM visitor_sessions"),
    ] {
        for row in store.all(find, params![]).await.unwrap() {
            *there.entry(row.get::<Option<String>>("text").unwrap().unwrap_or_default()).or_default() += 1;
        }
    }
    for text in acknowledged.iter().filter(|text| !text.starts_with("profile")) {
        assert_eq!(there.get(text).copied().unwrap_or(0), 1, "round {round}: {text}");
    }
    // The halves of what is one transaction, or an answer that was told to be complete without its question.
    for (what, half) in [
        (
            "an answer without its question",
            sql!(
                "SELECT COUNT(*) AS n FROM chat_messages a WHERE a.role = 'assistant' AND NOT EXISTS (SELECT 1 FROM chat_messages q WHERE q.session_id = a.session_id AND q.id < a.id AND q.role = 'user')"
            ),
        ),
        (
            "an acknowledged chat without its answer",
            sql!("SELECT COUNT(*) AS n FROM chat_messages a WHERE a.role = 'assistant' AND a.content = ''"),
        ),
        (
            "a note that cannot be recalled",
            sql!(
                "SELECT COUNT(*) AS n FROM notes WHERE NOT EXISTS (SELECT 1 FROM memory_entries e WHERE e.user_id = notes.user_id AND e.kind = 'note' AND e.item_id = CAST(notes.id AS TEXT))"
            ),
        ),
        (
            "a post that cannot be found",
            sql!(
                "SELECT COUNT(*) AS n FROM plaza_posts WHERE NOT EXISTS (SELECT 1 FROM memory_entries e WHERE e.kind = 'post' AND e.item_id = plaza_posts.post_id)"
            ),
        ),
        (
            "a post whose comments are miscounted",
            sql!(
                "SELECT COUNT(*) AS n FROM plaza_posts WHERE comment_count <> (SELECT COUNT(*) FROM plaza_comments c WHERE c.post_seq = plaza_posts.seq)"
            ),
        ),
        (
            "a count of posts that is wrong",
            sql!(
                "SELECT COUNT(*) AS n FROM plaza_post_counts c WHERE author_id <> 0 AND posts <> (SELECT COUNT(*) FROM plaza_posts p WHERE p.author_id = c.author_id AND p.content_type = c.content_type AND p.state = 'visible')"
            ),
        ),
    ] {
        let n: i64 = store.opt(half, params![]).await.unwrap().unwrap().get("n").unwrap();
        assert_eq!(n, 0, "round {round}: {what}");
    }
    let chats = sql!(
        "SELECT COUNT(*) AS n FROM chat_messages q WHERE q.content = $1 AND EXISTS (SELECT 1 FROM chat_messages a WHERE a.session_id = q.session_id AND a.role = 'assistant' AND a.status = 'complete')"
    );
    for text in acknowledged.iter().filter(|text| text.starts_with("chat")) {
        let n: i64 = store.opt(chats, params![text]).await.unwrap().unwrap().get("n").unwrap();
        assert_eq!(n, 1, "round {round}: {text} has its answer");
    }
    assert_eq!(store.damages().await.unwrap(), Vec::<String>::new(), "round {round}");
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_at_any_point() {
    let (kills, seed) = (number("SECONDME_CRASHES", 6), number("SECONDME_SEED", 1));
    let entropy = Entropy::seeded(seed);
    let mut dir = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut fresh) = (Vec::new(), Vec::new());
    let mut all = 0;
    for round in 0..kills {
        if round.is_multiple_of(LIVES) {
            dir = tempfile::tempdir().unwrap();
            acknowledged.clear();
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash_matrix::child", "--ignored", "--nocapture"])
            .env("CRASH_DIR", dir.path())
            .envs(
                [("CRASH_ROUND", round), ("CRASH_SEED", seed * 1_000_000 + round)]
                    .map(|(name, n)| (name, n.to_string())),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // Now and then while it starts: in the middle of migrations, or of replaying the log of the one before it.
        let early = entropy.below(20) == 0;
        while !early && !line.ends_with("begun\n") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "round {round}: the server does not start again");
        }
        let pause = if early { entropy.below(60_000) } else { entropy.below(80_000) };
        std::thread::sleep(Duration::from_micros(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        out.read_to_string(&mut said).unwrap();
        fresh.clear();
        fresh.extend(
            said.lines()
                .filter_map(|line| line.strip_prefix("ack "))
                .filter(|text| text.ends_with('.'))
                .map(str::to_owned),
        );
        all += fresh.len();
        acknowledged.append(&mut fresh);
        let store = open(dir.path()).await;
        check(&store, &acknowledged, round).await;
    }
    println!("{kills} kills, {all} writes acknowledged, all there once and whole (seed {seed})");
    assert!(all > 0);
}
