//! What the server adds to a chat stream: the same streams read at a scripted upstream, and through the server in front of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::http::{Connection, request};
use super::report::{Goal, Report};
use super::samples::{Samples, median};
use super::server::{API, Launch, TOKEN};
use super::upstream::{self, GAP, PIECES};
use super::{Bench, machine};

const STREAMS: u32 = 200;

/// Where streams are read, and how they are asked for.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    request: Vec<u8>,
    epoch: Instant,
    /// What the upstream takes to its first piece.
    first: Duration,
}

/// Times of many streams.
#[derive(Clone, Default)]
struct Times {
    /// To the first byte of the body: through the server the `session` event.
    first_byte: Samples,
    /// To the first delta.
    first_delta: Samples,
    /// How long each delta travelled.
    pieces: Samples,
    /// Streams read, also those that do not count.
    all: usize,
    /// The server's processor time for one stream, in milliseconds.
    processor: f64,
}

/// What the upstream takes to its first piece: a quick model's time, and none at all, which hides nothing of our own.
const FIRST: [Duration; 2] = [Duration::from_millis(40), Duration::ZERO];

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let epoch = Instant::now();
    let failed = |e: std::io::Error| format!("the scripted upstream: {e}");
    let [thinking, instant] = [
        upstream::start(epoch, FIRST[0]).await.map_err(failed)?,
        upstream::start(epoch, FIRST[1]).await.map_err(failed)?,
    ];
    let (nano, pro) = (format!("http://{thinking}/v1"), format!("http://{instant}/v1"));
    let environment = [
        ("SECONDME_MODELS__NANO__KIND", "openai"),
        ("SECONDME_MODELS__NANO__MODEL", "scripted"),
        ("SECONDME_MODELS__NANO__BASE_URL", nano.as_str()),
        ("SECONDME_MODELS__PRO__KIND", "openai"),
        ("SECONDME_MODELS__PRO__MODEL", "scripted"),
        ("SECONDME_MODELS__PRO__BASE_URL", pro.as_str()),
    ];
    let launch =
        Launch { bin: bench.bin.clone(), data: bench.work.join("streams"), flags: &[], environment: &environment };
    let server = launch.start().await?;
    let shape = format!(
        "{STREAMS} streams at any time on keep-alive connections, each a new session of {PIECES} pieces, one every {} ms; starts \
         spread evenly",
        GAP.as_millis()
    );
    bench.report.begin("Chat streams over a scripted upstream", &[launch.command(), shape]);
    let target = |address, request, first| Target { address, request, epoch, first };
    let rounds = bench.options.rounds.min(3);
    for (first, upstream, model) in [(FIRST[0], thinking, "secondme/nano"), (FIRST[1], instant, "secondme/pro")] {
        let direct = target(upstream, direct_request(), first);
        let through = target(server.address, turn(&json!({"message": "Tell me something.", "model": model})), first);
        let (mut at_upstream, mut at_server) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (upstream, times) = bench
                .report
                .round(async || {
                    let upstream = steady(&direct).await?;
                    let before = machine::processor(server.pid());
                    let mut times = steady(&through).await?;
                    times.processor = (machine::processor(server.pid()) - before) * 1e3 / times.all.max(1) as f64;
                    Ok((upstream, times))
                })
                .await?;
            at_upstream.push(upstream);
            at_server.push(times);
        }
        let how = format!("first piece after {} ms", first.as_millis());
        let added_p99 = rows(&mut bench.report, &how, &at_upstream, &at_server);
        let what = format!("added time to first delta, p99 of 200 concurrent streams, {how}");
        bench.report.goal(&what, Goal::AtMost(6.0), added_p99, " ms");
        let processor = median(at_server.iter().map(|t| t.processor));
        let text = format!("{processor:.2} ms, {:.0} µs a piece", processor * 1e3 / f64::from(PIECES));
        bench.report.row(&format!("{how}: the server's processor time for a stream"), &text);
        let (mut at_upstream, mut at_server) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (upstream, times) =
                bench.report.round(async || Ok((burst(&direct).await?, burst(&through).await?))).await?;
            at_upstream.push(upstream);
            at_server.push(times);
        }
        rows(&mut bench.report, &format!("{how}, 200 asked for in the same moment"), &at_upstream, &at_server);
    }
    bench.report.end();
    server.stop();
    Ok(())
}

/// Prints medians over the rounds, and returns the added p99 of the first delta.
fn rows(report: &mut Report, how: &str, direct: &[Times], through: &[Times]) -> f64 {
    let of = |rounds: &[Times], what: fn(&Times) -> &Samples, p: f64| median(rounds.iter().map(|t| what(t).ms(p)));
    let mut line = |name: &str, what: fn(&Times) -> &Samples| {
        let (a50, a99, b50, b99) =
            (of(direct, what, 0.5), of(direct, what, 0.99), of(through, what, 0.5), of(through, what, 0.99));
        report.row(
            &format!("{how}: {name}"),
            &format!(
                "added p50 {:.2} ms, p99 {:.2} ms (upstream {a50:.2} / {a99:.2}, through the server {b50:.2} / {b99:.2})",
                b50 - a50,
                b99 - a99
            ),
        );
        b99 - a99
    };
    let added = line("time to first delta", |t| &t.first_delta);
    line("travel time of a piece", |t| &t.pieces);
    let (p50, p99) = (of(through, |t| &t.first_byte, 0.5), of(through, |t| &t.first_byte, 0.99));
    let count: usize = through.iter().map(|t| t.first_delta.count()).sum();
    report.row(
        &format!("{how}: request to `session` event"),
        &format!("p50 {p50:.2} ms, p99 {p99:.2} ms ({count} streams in {} rounds)", through.len()),
    );
    added
}

/// Streams that follow each other on 200 connections for nine seconds; those that begin in the first three are not counted.
async fn steady(target: &Target) -> Result<Times, String> {
    let one = target.first + GAP * PIECES;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..STREAMS)
        .map(|i| {
            let target = target.clone();
            tokio::spawn(async move {
                sleep(one * i / STREAMS).await;
                let mut connection = Connection::open(target.address).await.map_err(|e| e.to_string())?;
                let mut times = Times::default();
                while begun.elapsed() < Duration::from_secs(9) {
                    let counts = begun.elapsed() > Duration::from_secs(3);
                    let mut unused = Times::default();
                    read(&mut connection, &target, if counts { &mut times } else { &mut unused }).await?;
                    times.all += 1;
                }
                Ok::<_, String>(times)
            })
        })
        .collect();
    gather(tasks).await
}

/// 200 streams at once, on connections that are open already.
async fn burst(target: &Target) -> Result<Times, String> {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(STREAMS as usize));
    let tasks: Vec<_> = (0..STREAMS)
        .map(|_| {
            let (target, barrier) = (target.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut connection = Connection::open(target.address).await.map_err(|e| e.to_string())?;
                let mut times = Times::default();
                barrier.wait().await;
                read(&mut connection, &target, &mut times).await?;
                Ok::<_, String>(times)
            })
        })
        .collect();
    gather(tasks).await
}

async fn gather(tasks: Vec<tokio::task::JoinHandle<Result<Times, String>>>) -> Result<Times, String> {
    let mut all = Times::default();
    for task in tasks {
        let times = task.await.map_err(|e| e.to_string())??;
        all.first_byte.join(times.first_byte);
        all.first_delta.join(times.first_delta);
        all.pieces.join(times.pieces);
        all.all += times.all;
    }
    Ok(all)
}

/// Reads one stream to its end; a stream that is not whole is a failure.
async fn read(connection: &mut Connection, target: &Target, times: &mut Times) -> Result<(), String> {
    let sent = Instant::now();
    connection.send(&target.request).await.map_err(|e| e.to_string())?;
    let head = connection.head().await.map_err(|e| e.to_string())?;
    if !head.is_ok() {
        let body = connection.body(&head).await.unwrap_or_default();
        return Err(format!("a stream was refused: {} {}", head.second, String::from_utf8_lossy(&body)));
    }
    let (mut begun, mut pieces, mut text) = (false, 0, Vec::new());
    while let Some(chunk) = connection.chunk().await.map_err(|e| e.to_string())? {
        let (now, arrived) = (sent.elapsed(), target.epoch.elapsed());
        if !begun {
            begun = true;
            times.first_byte.add(now);
        }
        text.extend_from_slice(&chunk);
        while let Some(end) = text.windows(2).position(|w| w == b"\n\n") {
            if let Some(stamp) = stamp(&text[..end]) {
                if pieces == 0 {
                    times.first_delta.add(now);
                }
                pieces += 1;
                times.pieces.add(arrived.saturating_sub(stamp));
            }
            text.drain(..end + 2);
        }
    }
    if pieces == PIECES { Ok(()) } else { Err(format!("a stream of {pieces} pieces in place of {PIECES}")) }
}

/// The time that a piece carries: digits after the first `@`.
fn stamp(frame: &[u8]) -> Option<Duration> {
    let at = frame.iter().position(|b| *b == b'@')? + 1;
    let digits = frame[at..].iter().take_while(|b| b.is_ascii_digit());
    Some(Duration::from_nanos(digits.fold(0, |n: u64, digit| n * 10 + u64::from(digit - b'0'))))
}

fn direct_request() -> Vec<u8> {
    let body =
        json!({"model": "scripted", "stream": true, "messages": [{"role": "user", "content": "Tell me something."}]});
    request("POST", "/v1/chat/completions", &[("content-type", "application/json")], &body.to_string())
}

/// A chat turn of the demo user.
pub fn turn(body: &serde_json::Value) -> Vec<u8> {
    let token = format!("Bearer {TOKEN}");
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    request("POST", &format!("{API}/secondme/chat/stream"), &headers, &body.to_string())
}
