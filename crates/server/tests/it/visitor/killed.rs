//! The proof: clients that drop their connection, servers that are killed, two servers on one database. Every reply arrives
//! whole, in order, once.
//!
//! `SECONDME_TEST_TURNS` (default 60) and `SECONDME_TEST_KILLS` (default 5) set the size: 500 and 50 for the full proof.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use futures::StreamExt;
use secondme_store::{Dialect, Location};
use serde_json::{Value, json};

use crate::harness::{AVATAR_KEY, LIN, Nats, Socket, TestDb, assembled, free_port};

fn size(name: &str, default: usize) -> usize {
    std::env::var_os(name).and_then(|n| n.to_str()?.parse().ok()).unwrap_or(default)
}

/// What the model answers: known in advance, a word every few milliseconds.
fn reply_to(message: &str) -> String {
    (0..14).fold(format!("reply to {message}:"), |text, n| format!("{text} word{n}"))
}

/// An OpenAI-compatible server that answers so.
pub async fn upstream() -> String {
    let answer = |body: axum::Json<Value>| async move {
        let message = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
        let mut words: Vec<String> = reply_to(&message).split_inclusive(' ').map(str::to_owned).collect();
        words.push(String::new());
        let pieces = futures::stream::iter(words).then(|word| async move {
            tokio::time::sleep(Duration::from_millis(8)).await;
            let finish = if word.is_empty() { json!("stop") } else { Value::Null };
            let data = json!({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": finish}]});
            Ok::<_, std::io::Error>(format!(
                "data: {data}\n\n{}",
                if word.is_empty() { "data: [DONE]\n\n" } else { "" }
            ))
        });
        ([("content-type", "text/event-stream")], Body::from_stream(pieces))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/chat/completions", post(answer));
    serve(listener, router);
    url
}

#[expect(clippy::disallowed_methods, reason = "the model is another machine, not a part of the server")]
fn serve(listener: tokio::net::TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// A server process; killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How the processes of one server are started.
#[derive(Clone)]
struct Launch {
    data: std::path::PathBuf,
    port: u16,
    environment: Vec<(String, String)>,
}

/// The settings of a server that answers by this upstream, and whose visitors may say as much as they like.
pub fn settings(upstream: &str) -> Vec<(String, String)> {
    [
        ("SECONDME_MODELS__NANO__KIND", "openai"),
        ("SECONDME_MODELS__NANO__MODEL", "scripted"),
        ("SECONDME_MODELS__NANO__BASE_URL", upstream),
        ("SECONDME_VISITOR__VISITOR_PER_MINUTE", "0"),
        ("SECONDME_VISITOR__AVATAR_PER_MINUTE", "0"),
        ("SECONDME_VISITOR__FREE_USER_PER_DAY", "0"),
        ("SECONDME_VISITOR__LEASE_MS", "600"),
        ("SECONDME_VISITOR__ATTEMPTS_MAX", "1000"),
        ("SECONDME_LOG__FILTER", "error"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .to_vec()
}

impl Launch {
    fn new(data: &Path, upstream: &str, more: &[(&str, &str)]) -> Self {
        let mut environment = settings(upstream);
        environment.extend(more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        Self { data: data.to_owned(), port: free_port(), environment }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn start(&self) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_secondme"))
            .args(["serve", "--demo", "--listen", &format!("127.0.0.1:{}", self.port), "--data-dir"])
            .arg(&self.data)
            .envs(self.environment.iter().map(|(n, v)| (n, v)))
            .current_dir(&self.data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.starts_with("SecondMe is ready: "));
        assert!(ready, "the server ended before it was ready");
        Server(child)
    }
}

/// A visitor who is Lin, whose server may be away at any moment.
pub struct Visitor {
    http: reqwest::Client,
    url: String,
}

impl Visitor {
    pub fn new(url: String) -> Self {
        secondme_llm::install_tls();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        Self { http, url }
    }

    /// Asks until there is an answer.
    async fn post(&self, path: &str, body: &Value) -> Value {
        loop {
            if let Some(answer) = self.try_post(path, body).await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn try_post(&self, path: &str, body: &Value) -> Option<Value> {
        let url = format!("{}/gate/lab/api/secondme/{path}", self.url);
        let answer: Value = self.http.post(url).bearer_auth(LIN).json(body).send().await.ok()?.json().await.ok()?;
        (answer["code"] == 0).then(|| answer["data"].clone())
    }

    async fn init(&self) -> Value {
        self.post("visitor-chat/init", &json!({"apiKey": AVATAR_KEY})).await
    }
}

/// Reads frames as a client with a cursor does, through connections that break at random moments, until `count` replies
/// have ended. Panics on a gap, a repetition, or a frame out of place.
pub async fn read_all(visitor: &Visitor, count: usize, ended: &AtomicUsize, drops: &AtomicUsize) -> Vec<Value> {
    let begun = Instant::now();
    let (mut frames, mut cursor): (Vec<Value>, i64) = (Vec::new(), 0);
    let mut random = 0x9e37_79b9_u64;
    while ended.load(Ordering::Relaxed) < count {
        assert!(
            begun.elapsed() < Duration::from_secs(60 + count as u64 * 3),
            "stuck at {} of {count}",
            ended.load(Ordering::Relaxed)
        );
        let session = visitor.init().await;
        let url = format!("{}&cursor={cursor}", session["wsUrl"].as_str().unwrap());
        let url = url.replace("ws://localhost", "ws://127.0.0.1");
        let Ok((socket, _)) = tokio_tungstenite::connect_async(&url).await else {
            tokio::time::sleep(Duration::from_millis(30)).await;
            continue;
        };
        let mut socket = Socket(socket);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = tokio::time::sleep(Duration::from_millis(20 + (random >> 33) % 400));
        tokio::pin!(moment);
        while ended.load(Ordering::Relaxed) < count {
            let frame = tokio::select! {
                frame = socket.frame() => frame,
                () = &mut moment => None,
            };
            let Some(frame) = frame else { break };
            assert_eq!(frame["cursor"], cursor + 1, "a gap or a repetition");
            cursor += 1;
            if frame["index"] == -1 {
                ended.fetch_add(1, Ordering::Relaxed);
            }
            frames.push(frame);
        }
        drops.fetch_add(1, Ordering::Relaxed);
    }
    frames
}

/// Says everything, in order, each message once, a few at a time.
pub async fn say_all(visitor: &Visitor, turns: usize, ended: &AtomicUsize) -> Vec<String> {
    let session = visitor.init().await;
    let hub = format!(
        "{}/gate/lab/api/secondme/visitor-chat/hub/messages?pageSize=100&sessionId={}",
        visitor.url,
        session["sessionId"].as_str().unwrap()
    );
    let mut said = Vec::new();
    for n in 0..turns {
        let text = format!("turn {n}");
        let body = json!({"sessionId": session["sessionId"], "apiKey": AVATAR_KEY, "message": text});
        // An answer that was lost with its connection: was the message stored?
        while visitor.try_post("visitor-chat/send", &body).await.is_none() {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let stored = visitor.http.get(&hub).bearer_auth(crate::harness::ADA).send().await;
            let stored: Value = match stored {
                Ok(response) => response.json().await.unwrap_or_default(),
                Err(_) => continue,
            };
            let messages = stored["data"]["messages"].as_array().cloned().unwrap_or_default();
            if messages.iter().any(|m| m["content"] == text.as_str()) {
                break;
            }
        }
        said.push(text);
        // Up to three messages wait at a time.
        while n + 1 >= ended.load(Ordering::Relaxed) + 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    said
}

pub fn check(frames: &[Value], said: &[String]) {
    let expected: Vec<String> = said.iter().map(|text| reply_to(text)).collect();
    assert_eq!(assembled(frames), expected, "every reply whole, in order, once");
    let asked: Vec<&str> = frames
        .iter()
        .filter(|f| f["sender"] == "visitor")
        .map(|f| f["multipleData"][0]["modal"]["answer"].as_str().unwrap())
        .collect();
    assert_eq!(asked, said.iter().map(String::as_str).collect::<Vec<_>>(), "every message once");
    let mut next = 0;
    for frame in frames.iter().filter(|f| f["sender"] == "umm") {
        let index = frame["index"].as_i64().unwrap();
        assert!(index == -1 || index == next, "{index} where {next} belongs");
        next = if index == -1 { 0 } else { next + 1 };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_clients_drop_and_the_server_is_killed() {
    let (turns, kills) = (size("SECONDME_TEST_TURNS", 60), size("SECONDME_TEST_KILLS", 5));
    let dir = tempfile::tempdir().unwrap();
    let launch = Launch::new(dir.path(), &upstream().await, &[]);
    let mut server = Some(launch.start());
    let (ended, drops, over) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let killer = {
        let (launch, ended, over) = (launch.clone(), Arc::clone(&ended), Arc::clone(&over));
        tokio::task::spawn_blocking(move || {
            for n in 1..=kills {
                // Spread over the turns, in the middle of replies.
                while ended.load(Ordering::Relaxed) < n * turns / (kills + 1) && !over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(7));
                }
                std::thread::sleep(Duration::from_millis((n as u64 * 37) % 90));
                drop(server.take());
                server = Some(launch.start());
            }
            server
        })
    };
    let (reader, speaker) = (Visitor::new(launch.url()), Visitor::new(launch.url()));
    let (frames, said) = tokio::join!(read_all(&reader, turns, &ended, &drops), say_all(&speaker, turns, &ended));
    over.store(true, Ordering::Relaxed);
    drop(killer.await.unwrap());
    check(&frames, &said);
    assert!(drops.load(Ordering::Relaxed) > turns / 10, "the connection dropped {drops:?} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_one_database_and_tell_each_other() {
    let Some(db) = TestDb::new(Dialect::Postgres) else { return };
    drop(db.store(&[&secondme_jobs::MIGRATIONS, &secondme_server::migrations::MIGRATIONS]).await);
    let Location::Postgres { url, .. } = db.location() else { return };
    let Some(nats) = Nats::start().await else { return };
    let key = "07".repeat(32);
    let shared = [
        ("SECONDME_DATABASE__URL", url.expose()),
        ("SECONDME_SERVER__SECRET_KEY", &key),
        ("SECONDME_BUS__URL", &nats.url),
    ];
    let upstream = upstream().await;
    let (dir_a, dir_b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (Launch::new(dir_a.path(), &upstream, &shared), Launch::new(dir_b.path(), &upstream, &shared));
    let (mut server_a, server_b) = (Some(a.start()), b.start());
    let turns = size("SECONDME_TEST_TURNS", 60) / 2;
    let (ended, drops) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    // The visitor reads on one and speaks on the other, which is killed in the middle of a reply.
    let (reader, speaker) = (Visitor::new(b.url()), Visitor::new(a.url()));
    let killer = {
        let (a, ended) = (a.clone(), Arc::clone(&ended));
        tokio::task::spawn_blocking(move || {
            while ended.load(Ordering::Relaxed) < turns / 2 {
                std::thread::sleep(Duration::from_millis(7));
            }
            drop(server_a.take());
            a.start()
        })
    };
    let (frames, said) = tokio::join!(read_all(&reader, turns, &ended, &drops), say_all(&speaker, turns, &ended));
    check(&frames, &said);
    drop((killer.await.unwrap(), server_b));
    db.remove().await;
}
