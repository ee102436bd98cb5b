//! Visitors' sockets: memory of idle ones beside two rivals, fan-out to many readers, and what the log adds to a first frame.

mod rivals;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::{sleep, sleep_until};

use super::http::{Connection, request};
use super::report::{Goal, number};
use super::samples::{Samples, median};
use super::server::{API, Launch, Server, TOKEN};
use super::{Bench, machine, upstream};
pub use rivals::echo_server;
use socket::Socket;

/// Idle sockets; fewer where a process may not open so many files.
const IDLE: usize = 20_000;
/// Readers of one conversation, and of all of many.
const READERS: usize = 10_000;
const CONVERSATIONS: usize = 100;
/// Messages of a round of fan-out.
const MESSAGES: usize = 20;
/// Turns whose first frame is timed.
const TURNS: usize = 60;
/// The key of the demo world's avatar, and its app.
const AVATAR_KEY: &str = "sk-de300000000000000000000000000001";
const CLIENT: &str = "client_id=de300000-0000-4000-8000-000000000001&client_secret=demo-client-secret";

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let epoch = Instant::now();
    let scripted = upstream::start(epoch, Duration::ZERO).await.map_err(|e| format!("the scripted upstream: {e}"))?;
    let base = format!("http://{scripted}/v1");
    let environment = [
        ("SECONDME_MODELS__NANO__KIND", "openai"),
        ("SECONDME_MODELS__NANO__MODEL", "scripted"),
        ("SECONDME_MODELS__NANO__BASE_URL", base.as_str()),
        ("SECONDME_VISITOR__INITS_PER_MINUTE", "0"),
        ("SECONDME_VISITOR__VISITOR_PER_MINUTE", "0"),
        ("SECONDME_VISITOR__AVATAR_PER_MINUTE", "0"),
        ("SECONDME_VISITOR__APP_PER_MINUTE", "0"),
        ("SECONDME_VISITOR__FREE_ANONYMOUS_PER_DAY", "0"),
        ("SECONDME_VISITOR__SOCKETS_PER_SESSION", "20000"),
        ("SECONDME_VISITOR__PING_SECONDS", "3600"),
        // It is loaded while the server answers already, and would be counted as memory of sockets.
        ("SECONDME_RECALL__EMBEDDER", ""),
    ];
    let launch =
        Launch { bin: bench.bin.clone(), data: bench.work.join("realtime"), flags: &[], environment: &environment };
    let most = socket::files().saturating_sub(200).min(IDLE);
    let commands = [
        launch.command(),
        format!("{most} sockets, each on a conversation of its own (files of a process here: {})", socket::files()),
        format!(
            "{READERS} sockets on one conversation, and on {CONVERSATIONS}; the owner says {MESSAGES} things in person in each"
        ),
    ];
    bench.report.begin("Visitors' sockets", &commands);
    idle(bench, &launch, most).await?;
    let server = launch.start().await?;
    let readers = READERS.min(most);
    for conversations in [1, CONVERSATIONS] {
        fan_out(bench, &server, epoch, Crowds { conversations, readers: readers / conversations }).await?;
    }
    first_frame(bench, &server, scripted).await?;
    bench.report.end();
    server.stop();
    Ok(())
}

/// The server's API as the bench uses it, over one connection.
struct Api {
    connection: Connection,
    address: SocketAddr,
    app_token: String,
}

impl Api {
    async fn open(server: &Server) -> Result<Self, String> {
        let connection = Connection::open(server.address).await.map_err(|e| e.to_string())?;
        let mut api = Self { connection, address: server.address, app_token: String::new() };
        let form = format!("grant_type=client_credentials&{CLIENT}&scope=chat.write");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = api.ask(&request("POST", &format!("{API}/oauth/token/client"), &headers, &form)).await?;
        answer["accessToken"].as_str().ok_or("no app token")?.clone_into(&mut api.app_token);
        Ok(api)
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Value, String> {
        let (_, body) = self.connection.ask(request).await.map_err(|e| e.to_string())?;
        let mut value: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        if value["code"] == 0 { Ok(value["data"].take()) } else { Err(format!("refused: {value}")) }
    }

    async fn post(&mut self, path: &str, token: &str, body: &Value) -> Result<Value, String> {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        self.ask(&request("POST", &format!("{API}/secondme/visitor-chat/{path}"), &headers, &body.to_string())).await
    }

    /// A conversation: its id, and the path of its socket.
    async fn init(&mut self, visitor_id: &str) -> Result<(String, String), String> {
        let token = self.app_token.clone();
        let data = self.post("init", &token, &json!({"apiKey": AVATAR_KEY, "visitorId": visitor_id})).await?;
        let url = data["wsUrl"].as_str().ok_or("no wsUrl")?;
        let path = url.find("/os/ws").map(|at| url[at..].to_owned()).ok_or("no /os/ws")?;
        Ok((data["sessionId"].as_str().ok_or("no sessionId")?.to_owned(), path))
    }

    async fn say(&mut self, session_id: &str, message: &str) -> Result<Value, String> {
        let token = self.app_token.clone();
        self.post("send", &token, &json!({"sessionId": session_id, "apiKey": AVATAR_KEY, "message": message})).await
    }

    async fn in_person(&mut self, session_id: &str, message: &str) -> Result<Value, String> {
        self.post("hub/reply", TOKEN, &json!({"sessionId": session_id, "message": message})).await
    }
}

/// Memory of a process before and with `count` idle sockets, in bytes for each.
async fn idle(bench: &mut Bench, launch: &Launch<'_>, count: usize) -> Result<(), String> {
    let server = launch.start().await?;
    let mut api = Api::open(&server).await?;
    let mut paths = Vec::with_capacity(count);
    for n in 0..count {
        paths.push(api.init(&format!("idle-{n}")).await?.1);
    }
    server.stop();
    // Another process, so that sockets do not take what opening the conversations left behind.
    let server = launch.start().await?;
    drop(Api::open(&server).await?);
    let ours = each(server.pid(), server.address, &paths).await?;
    server.stop();
    let plain = vec!["/".to_owned(); count];
    let echo = rivals::Rival::echo()?;
    let bare = each(echo.pid(), echo.address, &plain).await?;
    drop(echo);
    let node = match rivals::Rival::node(&bench.work) {
        Ok(node) => Some(each(node.pid(), node.address, &plain).await?),
        Err(why) => {
            bench.report.note(&format!("The Node server was not measured: {why}"));
            None
        }
    };
    let show = |bytes: f64| format!("{:.1} KB each", bytes / 1e3);
    bench.report.row(&format!("{count} idle sockets: the server's memory"), &show(ours));
    bench.report.row("the same with a bare tokio-tungstenite echo server (its default buffers)", &show(bare));
    if let Some(node) = node {
        bench.report.row("the same with a minimal Node server (`ws`, no compression)", &show(node));
    }
    bench.report.goal("memory of an idle socket", Goal::AtMost(12.0), ours / 1e3, " KB");
    Ok(())
}

async fn each(pid: u32, address: SocketAddr, paths: &[String]) -> Result<f64, String> {
    let before = machine::memory(pid).0;
    let mut sockets = Vec::with_capacity(paths.len());
    for path in paths {
        sockets.push(Socket::open(address, path).await?);
    }
    sleep(Duration::from_secs(3)).await;
    let grown = machine::memory(pid).0 - before;
    // All of them are still open: what was measured was there.
    if sockets.iter_mut().any(Socket::is_closed) {
        return Err("a socket was closed while memory was measured".into());
    }
    Ok(grown * 1e6 / paths.len() as f64)
}

/// What readers saw of a round.
#[derive(Default)]
struct Seen {
    frames: AtomicU64,
    delays: std::sync::Mutex<Samples>,
}

/// Conversations, and who reads each of them.
#[derive(Clone, Copy)]
struct Crowds {
    conversations: usize,
    readers: usize,
}

impl Crowds {
    fn subscribers(self) -> usize {
        self.conversations * self.readers
    }

    fn expected(self) -> u64 {
        (self.subscribers() * MESSAGES) as u64
    }

    fn name(self) -> String {
        match self.conversations {
            1 => format!("{} readers of one conversation", self.readers),
            many => format!("{} readers, {} on each of {many} conversations", self.subscribers(), self.readers),
        }
    }
}

/// Frames to everybody who reads: as fast as they go, and at half of that rate.
async fn fan_out(bench: &mut Bench, server: &Server, epoch: Instant, crowds: Crowds) -> Result<(), String> {
    let mut api = Api::open(server).await?;
    let seen = Arc::new(Seen::default());
    let mut tasks = tokio::task::JoinSet::new();
    let mut sessions = Vec::with_capacity(crowds.conversations);
    for n in 0..crowds.conversations {
        let (session_id, path) = api.init(&format!("crowd-{}-{n}", crowds.readers)).await?;
        api.post("hub/takeover", TOKEN, &json!({"sessionId": session_id})).await?;
        for _ in 0..crowds.readers {
            let socket = Socket::open(api.address, &path).await?;
            tasks.spawn(read(socket, Arc::clone(&seen), epoch));
        }
        sessions.push(session_id);
    }
    sleep(Duration::from_secs(1)).await;
    let mut rates = Vec::new();
    for _ in 0..bench.options.rounds.min(3) {
        let rate = bench
            .report
            .round(async || {
                let begun = Instant::now();
                speak(&mut api, &sessions, epoch, Duration::ZERO).await?;
                arrived(&seen, crowds.expected()).await?;
                Ok(crowds.expected() as f64 / begun.elapsed().as_secs_f64())
            })
            .await?;
        rates.push(rate);
    }
    let rate = median(rates);
    // Half of that: a message whenever twice the time of one is over.
    let pause = Duration::from_secs_f64(2.0 * crowds.readers as f64 / rate);
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds.min(3) {
        let delays = bench
            .report
            .round(async || {
                *seen.delays.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Samples::default();
                speak(&mut api, &sessions, epoch, pause).await?;
                arrived(&seen, crowds.expected()).await?;
                Ok(std::mem::take(&mut *seen.delays.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
            })
            .await?;
        p50.push(delays.ms(0.5));
        p99.push(delays.ms(0.99));
    }
    let (p50, p99) = (median(p50), median(p99));
    let name = crowds.name();
    bench.report.row(&format!("fan-out to {name}"), &format!("{} frames/s", number(rate)));
    let every = pause.as_secs_f64() * 1e3;
    bench.report.row(
        &format!("at half that load (a message every {every:.1} ms): from the owner's request to a reader"),
        &format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
    );
    bench.report.goal(&format!("p99 of a frame at half load, {name}"), Goal::AtMost(40.0), p99, " ms");
    tasks.abort_all();
    Ok(())
}

/// Reads until the socket ends; after every round its delays are handed in.
async fn read(mut socket: Socket, seen: Arc<Seen>, epoch: Instant) {
    let mut own = Samples::default();
    while let Ok(frame) = socket.frame().await {
        if let Some(stamp) = socket::stamp(frame) {
            own.add(epoch.elapsed().saturating_sub(Duration::from_nanos(stamp)));
            seen.frames.fetch_add(1, Ordering::Relaxed);
            if own.count() >= MESSAGES {
                seen.delays.lock().unwrap_or_else(std::sync::PoisonError::into_inner).join(std::mem::take(&mut own));
            }
        }
    }
}

/// The owner says things, in each conversation in turn, that carry the time at which they were said.
async fn speak(api: &mut Api, sessions: &[String], epoch: Instant, pause: Duration) -> Result<(), String> {
    let mut next = tokio::time::Instant::now();
    for _ in 0..MESSAGES {
        for session_id in sessions {
            sleep_until(next).await;
            next += pause;
            api.in_person(session_id, &format!("@{} ", epoch.elapsed().as_nanos())).await?;
        }
    }
    Ok(())
}

/// Waits until everybody has seen everything.
async fn arrived(seen: &Seen, expected: u64) -> Result<(), String> {
    let begun = Instant::now();
    while seen.frames.load(Ordering::Relaxed) < expected {
        if begun.elapsed() > Duration::from_secs(60) {
            return Err(format!("{} of {expected} frames arrived", seen.frames.load(Ordering::Relaxed)));
        }
        sleep(Duration::from_millis(1)).await;
    }
    seen.frames.store(0, Ordering::Relaxed);
    Ok(())
}

/// From `send` to the first frame, beside the same first piece read at the upstream.
async fn first_frame(bench: &mut Bench, server: &Server, scripted: SocketAddr) -> Result<(), String> {
    let mut api = Api::open(server).await?;
    let (session_id, path) = api.init("alone").await?;
    let mut socket = Socket::open(api.address, &path).await?;
    let ask = request("POST", "/v1/chat/completions", &[("content-type", "application/json")], "{}");
    let (mut through, mut at_upstream) = (Samples::default(), Samples::default());
    for n in 0..TURNS {
        let begun = Instant::now();
        api.say(&session_id, &format!("turn {n}")).await?;
        while !socket.frame().await?.contains("\"sender\":\"umm\"") {}
        through.add(begun.elapsed());
        while !socket.frame().await?.contains("\"index\":-1") {}
        let mut direct = Connection::open(scripted).await.map_err(|e| e.to_string())?;
        let begun = Instant::now();
        direct.send(&ask).await.map_err(|e| e.to_string())?;
        direct.head().await.map_err(|e| e.to_string())?;
        at_upstream.add(begun.elapsed());
    }
    let value = |p: f64| {
        format!(
            "{:.2} ms (upstream {:.2} / through the server {:.2})",
            through.ms(p) - at_upstream.ms(p),
            at_upstream.ms(p),
            through.ms(p)
        )
    };
    bench.report.row("from `send` to the first frame over a scripted model: added p50", &value(0.5));
    bench.report.row("the same, added p99", &value(0.99));
    Ok(())
}
