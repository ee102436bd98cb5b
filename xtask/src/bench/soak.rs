//! Half an hour of everything at a gentle rate: does the server grow, does it keep descriptors?

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::http::{Connection, request};
use super::report::{Goal, number};
use super::samples::median;
use super::server::{API, Launch, Server, TOKEN};
use super::{Bench, machine};

/// Of the time, what does not count: caches fill up, and pools open what they will keep.
const WARM_UP: f64 = 0.3;
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_secs(5);
/// How long nothing is asked before descriptors are counted.
const REST: Duration = Duration::from_secs(8);

/// A request that is sent again and again.
struct Habit {
    what: &'static str,
    every: Duration,
    /// Over a new connection each time.
    fresh: bool,
    bytes: Vec<u8>,
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let launch =
        Launch { bin: bench.bin.clone(), data: bench.work.join("soak"), flags: &["--model", "echo"], environment: &[] };
    let server = launch.start().await?;
    let minutes = bench.options.minutes;
    let whole = Duration::from_secs(minutes * 60);
    let all = habits(&server).await?;
    let shape: Vec<String> = all.iter().map(|h| format!("{} every {} ms", h.what, h.every.as_millis())).collect();
    bench.report.begin(&format!("Soak: {minutes} minutes"), &[launch.command(), shape.join(", ")]);
    let begun = Instant::now();
    // A first stretch, then a rest: what is open then is what the server keeps.
    practise(&server, &all, whole.mul_f64(WARM_UP)).await?;
    sleep(REST).await;
    let before = descriptors(server.pid())?;
    let memory = practise(&server, &all, whole.saturating_sub(begun.elapsed())).await?;
    sleep(REST).await;
    let after = descriptors(server.pid())?;
    let (first, last) = ends(&memory.0);
    let drift = (last - first) / first.max(1.0) * 100.0;
    bench.report.row("requests", &number(memory.1 as f64));
    bench.report.row("resident memory after the warm-up, and at the end", &format!("{first:.1} MB, {last:.1} MB"));
    bench.report.row("drift", &format!("{drift:.2} %"));
    bench.report.row("open descriptors at rest after the warm-up, and at the end", &format!("{before}, {after}"));
    bench.report.end();
    bench.report.goal("memory drift", Goal::AtMost(2.0), drift, " %");
    bench.report.goal("descriptors kept", Goal::AtMost(0.0), after as f64 - before as f64, "");
    server.stop();
    Ok(())
}

async fn habits(server: &Server) -> Result<Vec<Habit>, String> {
    let token = format!("Bearer {TOKEN}");
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let post =
        |path: &str, body: &serde_json::Value| request("POST", &format!("{API}/{path}"), &headers, &body.to_string());
    let get = |path: &str| request("GET", path, &headers, "");
    let key = json!({"apiKey": "sk-de300000000000000000000000000001"});
    let visit = match server.ask(&post("secondme/visitor-chat/init", &key)).await {
        Ok(opened) => opened.pointer("/data/sessionId").cloned(),
        Err(_) => None,
    };
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let client = "grant_type=client_credentials&client_id=de300000-0000-4000-8000-000000000001&client_secret=demo-client-secret&scope=chat.write";
    let habit = |what, every, fresh, bytes| Habit { what, every: Duration::from_millis(every), fresh, bytes };
    let mut all = vec![
        habit("a read", 10, false, get(&format!("{API}/secondme/user/info"))),
        habit("a read over a new connection", 50, true, get(&format!("{API}/secondme/user/info"))),
        habit("a page", 200, true, get("/")),
        habit("a token", 100, false, request("POST", &format!("{API}/oauth/token/client"), &form, client)),
        habit("a profile", 250, false, post("secondme/user/profile", &json!({"selfIntroduction": "I am soaking."}))),
        habit(
            "a refused token",
            100,
            false,
            request("GET", &format!("{API}/auth/me"), &[("authorization", "Bearer x")], ""),
        ),
        habit("a search", 500, false, get(&format!("{API}/secondme/memory/key/search?keyword=tea"))),
        habit("a chat", 3_000, false, post("secondme/chat/stream", &json!({"message": "hello"}))),
    ];
    if let Some(session) = visit {
        let body = json!({"apiKey": "sk-de300000000000000000000000000001", "sessionId": session, "message": "hello"});
        all.push(habit("a visitor's message", 2_000, false, post("secondme/visitor-chat/send", &body)));
    }
    Ok(all)
}

/// Does all of it for a while; the memory meanwhile, and how many requests were answered.
async fn practise(server: &Server, habits: &[Habit], length: Duration) -> Result<(Vec<f64>, u64), String> {
    let end = Instant::now() + length;
    let (address, pid) = (server.address, server.pid());
    let tasks: Vec<JoinHandle<Result<u64, String>>> = habits
        .iter()
        .map(|habit| {
            let (every, fresh, bytes, what) = (habit.every, habit.fresh, habit.bytes.clone(), habit.what);
            tokio::spawn(async move {
                let (mut kept, mut count) = (None, 0);
                while Instant::now() < end {
                    let mut connection = match kept.take() {
                        Some(connection) => connection,
                        None => Connection::open(address).await.map_err(|e| format!("{what}: {e}"))?,
                    };
                    let (head, _) = connection.ask(&bytes).await.map_err(|e| format!("{what}: {e}"))?;
                    if head.second.starts_with('5') {
                        return Err(format!("{what}: {}", head.second));
                    }
                    count += 1;
                    kept = Some(connection).filter(|_| !fresh);
                    sleep(every).await;
                }
                Ok(count)
            })
        })
        .collect();
    let mut memory = Vec::new();
    while Instant::now() < end {
        memory.push(machine::memory(pid).0);
        sleep(LOOK.min(end.saturating_duration_since(Instant::now()))).await;
    }
    let mut count = 0;
    for task in tasks {
        count += task.await.map_err(|e| e.to_string())??;
    }
    Ok((memory, count))
}

/// The middle of the first and of the last tenth.
fn ends(memory: &[f64]) -> (f64, f64) {
    let tenth = (memory.len() / 10).max(1);
    let first = memory.iter().take(tenth).copied();
    let last = memory.iter().rev().take(tenth).copied();
    (median(first), median(last))
}

fn descriptors(pid: u32) -> Result<usize, String> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(|e| format!("its descriptors: {e}"))?;
    Ok(open.count())
}
