//! Three processes on one PostgreSQL and one NATS behind a proxy, killed and started again at random while clients write and a
//! visitor reads along: `make test-cluster`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use secondme_kit::Entropy;
use secondme_store::{Location, Store, params, sql};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::harness::cluster::{Cluster, NODES, proxy};
use crate::visitor::killed::{self, Visitor};

const WRITERS: usize = 6;
/// What the visitor says while nodes die.
const TURNS: usize = 40;

fn writes() -> usize {
    std::env::var_os("SECONDME_CLUSTER_WRITES").map_or(2_000, |n| n.into_string().unwrap().parse().unwrap())
}

/// What is written, and what was acknowledged of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Chat,
    Note,
    Event,
    Fact,
    Avatar,
}

impl Kind {
    fn any(entropy: &Entropy, avatars: usize) -> Self {
        match entropy.below(40) {
            // The server allows so many avatars only.
            0 if avatars < 8 => Self::Avatar,
            0..14 => Self::Chat,
            14..24 => Self::Note,
            24..34 => Self::Event,
            _ => Self::Fact,
        }
    }
}

struct Clients {
    http: Client,
    url: String,
    token: String,
    written: Mutex<HashMap<String, Kind>>,
    avatars: AtomicUsize,
    done: AtomicUsize,
    failed: AtomicUsize,
    taken: Mutex<Vec<Duration>>,
}

impl Clients {
    fn url(&self, path: &str) -> String {
        format!("{}/gate/lab/api/secondme/{path}", self.url)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<String, ()> {
        let sent = self.http.post(self.url(path)).bearer_auth(&self.token).json(body).send().await;
        let answer = sent.map_err(drop)?;
        let ok = answer.status() == 200;
        let text = answer.text().await.map_err(drop)?;
        if ok { Ok(text) } else { Err(()) }
    }

    /// One write that was acknowledged, or may have happened or not.
    async fn write(&self, unique: &str, kind: Kind) -> Result<(), ()> {
        let text = match kind {
            Kind::Chat => self.post("chat/stream", &json!({"message": unique})).await?,
            Kind::Note => self.post("note/add", &json!({"memoryType": "TEXT", "content": unique})).await?,
            Kind::Fact => self.post("memory/key", &json!({"content": unique})).await?,
            Kind::Avatar => self.post("avatar/create", &json!({"title": unique})).await?,
            Kind::Event => {
                let event = json!({
                    "channel": {"kind": "thread", "id": unique}, "action": "post", "display_text": unique,
                    "refs": [{"object_type": "thread", "object_id": unique}],
                });
                self.post("agent_memory/ingest", &event).await?
            }
        };
        let acknowledged = if kind == Kind::Chat {
            // An answer that ends with [DONE] is stored, and so is its question.
            text.ends_with("data: [DONE]\n\n") && !text.contains("event: error")
        } else {
            serde_json::from_str::<Value>(&text).is_ok_and(|answer| answer["code"] == 0)
        };
        if acknowledged { Ok(()) } else { Err(()) }
    }

    async fn writer(&self, number: usize, wanted: usize, entropy: Entropy) {
        let mut attempt = 0;
        while self.done.load(Ordering::SeqCst) < wanted {
            attempt += 1;
            let kind = Kind::any(&entropy, self.avatars.load(Ordering::SeqCst));
            let unique = format!("w{number}-{attempt}.");
            // An event has a key of its own, so it is sent until it is acknowledged; everything else is written anew under another text, so
            // that a write which may have happened is never mistaken for one that did.
            loop {
                let begun = Instant::now();
                let outcome = self.write(&unique, kind).await;
                if outcome.is_ok() {
                    self.done.fetch_add(1, Ordering::SeqCst);
                    self.avatars.fetch_add(usize::from(kind == Kind::Avatar), Ordering::SeqCst);
                    self.taken.lock().unwrap().push(begun.elapsed());
                    self.written.lock().unwrap().insert(unique, kind);
                    break;
                }
                self.failed.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                if kind != Kind::Event {
                    break;
                }
            }
        }
    }

    async fn answers(&self) {
        for _ in 0..400 {
            let sent = self.http.get(self.url("user/info")).bearer_auth(&self.token).send().await;
            if sent.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody answers");
    }
}

/// Everything that was acknowledged is there, once and whole.
async fn check(store: &Store, written: &HashMap<String, Kind>) {
    for (unique, kind) in written {
        let find = match kind {
            Kind::Chat => sql!(
                "SELECT (SELECT COUNT(*) FROM chat_messages a WHERE a.session_id = m.session_id) AS beside
                 FROM chat_messages m WHERE m.content = $1"
            ),
            Kind::Note => sql!("SELECT CAST(0 AS BIGINT) AS beside FROM notes WHERE content = $1"),
            Kind::Event => sql!("SELECT CAST(0 AS BIGINT) AS beside FROM memory_events WHERE display_text = $1"),
            Kind::Fact => sql!("SELECT CAST(0 AS BIGINT) AS beside FROM key_memories WHERE content = $1"),
            Kind::Avatar => sql!("SELECT CAST(0 AS BIGINT) AS beside FROM avatars WHERE title = $1"),
        };
        let rows = store.all(find, params![unique]).await.unwrap();
        assert_eq!(rows.len(), 1, "{kind:?} {unique} is there {} times", rows.len());
        let beside: i64 = rows[0].get("beside").unwrap();
        assert_eq!(beside, if *kind == Kind::Chat { 2 } else { 0 }, "{unique}: question and answer");
    }
}

/// Kills nodes and starts them again until it is told to stop; the cluster, and how often.
fn chaos(mut cluster: Cluster, stop: &AtomicBool) -> (Cluster, usize) {
    let (entropy, mut kills) = (Entropy::seeded(9), 0);
    while !stop.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(400 + entropy.below(800)));
        let at = entropy.below(NODES as u64) as usize;
        // Mostly without a warning; now and then as an upgrade does.
        cluster.kill(at, if entropy.below(4) == 0 { "-TERM" } else { "-KILL" });
        kills += 1;
        std::thread::sleep(Duration::from_millis(entropy.below(600)));
        cluster.start(at);
    }
    (cluster, kills)
}

/// A cluster that runs, who writes to it, and its database for looking into.
async fn running(old: Option<&Path>) -> (Cluster, Arc<Clients>, Store) {
    secondme_llm::install_tls();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut cluster = Cluster::new(&killed::upstream().await, port, old);
    assert!(cluster.command(old).arg("migrate").status().unwrap().success());
    cluster.run(&["user", "create", "--email", "a@example.org", "--json"]);
    let key = cluster.run(&["key", "create", "--email", "a@example.org", "--name", "k", "--json"]);
    tokio::runtime::Handle::current().spawn(proxy(listener, cluster.nodes.iter().map(|n| n.port).collect()));
    let client = Arc::new(Clients {
        // A connection of its own for each request: each goes to another node.
        http: Client::builder().timeout(Duration::from_secs(10)).pool_max_idle_per_host(0).build().unwrap(),
        url: format!("http://127.0.0.1:{port}"),
        token: key["apiKey"].as_str().unwrap().to_owned(),
        written: Mutex::default(),
        avatars: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        failed: AtomicUsize::new(0),
        taken: Mutex::default(),
    });
    (0..NODES).for_each(|at| cluster.start(at));
    client.answers().await;
    let store = Store::open(&Location::Postgres { url: cluster.postgres.url("postgres"), pool: 2 }).await.unwrap();
    (cluster, client, store)
}

/// Starts those who write until so much is acknowledged.
fn writers(client: &Arc<Clients>, wanted: usize) -> Vec<JoinHandle<()>> {
    let writer = |n: usize| {
        let client = Arc::clone(client);
        tokio::runtime::Handle::current()
            .spawn(async move { client.writer(n, wanted, Entropy::seeded(n as u64)).await })
    };
    (0..WRITERS).map(writer).collect()
}

/// Beside them a visitor speaks and reads along, through sockets that break; how many sockets that took.
async fn visitor(url: &str) -> usize {
    let (reader, speaker) = (Visitor::new(url.to_owned()), Visitor::new(url.to_owned()));
    let (ended, drops) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (frames, said) =
        tokio::join!(killed::read_all(&reader, TURNS, &ended, &drops), killed::say_all(&speaker, TURNS, &ended));
    killed::check(&frames, &said);
    drops.load(Ordering::SeqCst)
}

/// What came of it, in words.
fn told(client: &Clients, seconds: f64) -> String {
    let written = client.written.lock().unwrap().clone();
    let count = |kind| written.values().filter(|k| **k == kind).count();
    let mut taken = client.taken.lock().unwrap().clone();
    taken.sort();
    format!(
        "{} writes acknowledged ({} chats, {} notes, {} events, {} facts, {} avatars) in {seconds:.1} s, {} attempts failed; \
         p50 {:?}, p99 {:?}, slowest {:?}",
        written.len(),
        count(Kind::Chat),
        count(Kind::Note),
        count(Kind::Event),
        count(Kind::Fact),
        count(Kind::Avatar),
        client.failed.load(Ordering::SeqCst),
        taken[taken.len() / 2],
        taken[taken.len() * 99 / 100],
        taken.last().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a cluster: make test-cluster"]
async fn nodes_that_die_lose_nothing_that_was_acknowledged() {
    let (cluster, client, store) = running(None).await;
    let (wanted, stop) = (writes(), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&stop);
    let chaos = std::thread::spawn(move || chaos(cluster, &flag));
    let begun = Instant::now();
    let writers = writers(&client, wanted);
    let sockets = visitor(&client.url).await;
    for writer in writers {
        writer.await.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::SeqCst);
    let (cluster, kills) = tokio::task::spawn_blocking(|| chaos.join().unwrap()).await.unwrap();
    client.answers().await;
    let written = client.written.lock().unwrap().clone();
    check(&store, &written).await;
    println!("{kills} kills: {}; {TURNS} replies to a visitor over {sockets} sockets", told(&client, seconds));
    assert!(kills > 0);
    drop(cluster);
}

/// Two versions on one database: nodes of an older binary (`SECONDME_OLD_BINARY`) give way one by one while clients write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an older binary: make test-upgrade OLD=path"]
async fn an_older_version_is_replaced_node_by_node() {
    let old = std::env::var_os("SECONDME_OLD_BINARY").map(PathBuf::from).filter(|path| path.is_file());
    let old = old.expect("SECONDME_OLD_BINARY names the binary of an older version");
    let (mut cluster, client, store) = running(Some(&old)).await;
    let applied = async || {
        let all = store.all(sql!("SELECT name FROM schema_migrations"), params![]).await.unwrap();
        all.len()
    };
    let (wanted, before) = (writes(), applied().await);
    let begun = Instant::now();
    let writers = writers(&client, wanted);
    let reading = {
        let url = client.url.clone();
        tokio::runtime::Handle::current().spawn(async move { visitor(&url).await })
    };
    for at in 0..NODES {
        // Both versions are at work for about as long.
        while client.done.load(Ordering::SeqCst) < wanted * (at + 1) / (NODES + 2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // In the middle of it, one of the newer ones is killed; it does not take the older ones with it.
        if at == 2 {
            cluster.kill(0, "-KILL");
            cluster.start(0);
        }
        cluster.kill(at, "-TERM");
        cluster.nodes[at].old = None;
        cluster.start(at);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let sockets = reading.await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    client.answers().await;
    let written = client.written.lock().unwrap().clone();
    check(&store, &written).await;
    println!(
        "{} migrations beside older nodes: {}; {TURNS} replies to a visitor over {sockets} sockets",
        applied().await - before,
        told(&client, seconds)
    );
    drop(cluster);
}
