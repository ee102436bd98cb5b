//! Webhooks: deliveries a second to a receiver on this machine, and how long after its commit an event arrives first.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Bench;
use super::http::{Connection, request};
use super::report::number;
use super::samples::{Samples, median};
use super::server::{API, Launch, Server, TOKEN};

const APP: &str = "app_demo";
const CLIENT_ID: &str = "de300000-0000-4000-8000-000000000001";
const REDIRECT_URI: &str = "http://localhost:3000/api/auth/callback";
/// A server that lets events wait; without the second it delivers them.
const PAUSED: [(&str, &str); 2] =
    [("SECONDME_WEBHOOKS__ALLOW_PRIVATE", "true"), ("SECONDME_WEBHOOKS__RECEIVERS_MAX", "0")];
/// Events of a round that measures the rate.
const BURST: usize = 2_000;
/// Events of a round that measures the wait, one every 20 ms.
const PACED: usize = 250;

/// When each delivery arrived, and the `occurredAt` of what it said.
type Arrivals = Arc<Mutex<Vec<(Instant, f64)>>>;

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let arrivals = Arrivals::default();
    let receiver = receive(Arc::clone(&arrivals)).await.map_err(|e| format!("receiver: {e}"))?;
    let (bin, data) = (bench.bin.clone(), bench.work.join("webhooks"));
    let launch =
        |environment| Launch { bin: bin.clone(), data: data.clone(), flags: &["--model", "echo"], environment };
    let (paused, delivering) = (launch(&PAUSED), launch(&PAUSED[..1]));
    let commands = [
        paused.command(),
        delivering.command(),
        format!(
            "{BURST} revocations while nothing is delivered, then all of them to one receiver on this machine; {PACED} revocations, one every 20 ms"
        ),
    ];
    bench.report.begin("Webhooks (SQLite, `synchronous = full`)", &commands);
    let (mut rates, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        rates.push(bench.report.round(async || burst(&paused, &delivering, receiver, &arrivals).await).await?);
        let server = delivering.start().await?;
        let waits = bench.report.round(async || paced(&server, receiver, &arrivals).await).await?;
        server.stop();
        p50.push(waits.ms(0.5));
        p99.push(waits.ms(0.99));
    }
    bench.report.row("deliveries to one receiver, each logged on the disk", &format!("{}/s", number(median(rates))));
    let waits =
        format!("p50 {:.1} ms, p99 {:.1} ms (`occurredAt` counts whole milliseconds)", median(p50), median(p99));
    bench.report.row("commit to first attempt", &waits);
    bench.report.end();
    Ok(())
}

/// Many events wait while no receiver is served; a server that serves them starts. Deliveries a second from the first to the last.
async fn burst(
    paused: &Launch<'_>,
    delivering: &Launch<'_>,
    receiver: SocketAddr,
    arrivals: &Arrivals,
) -> Result<f64, String> {
    let server = paused.start().await?;
    configure(&server, &format!("http://{receiver}/")).await?;
    revoke_many(server.address, BURST, Duration::ZERO).await?;
    server.stop();
    arrivals.lock().map_err(|e| e.to_string())?.clear();
    let server = delivering.start().await?;
    let times = wait_for(arrivals, BURST).await?;
    server.stop();
    let span = times.iter().map(|(at, _)| *at).max().zip(times.iter().map(|(at, _)| *at).min());
    let seconds = span.map_or(0.0, |(last, first)| last.duration_since(first).as_secs_f64());
    Ok((BURST - 1) as f64 / seconds.max(1e-9))
}

/// Events one by one: how long each took from its commit to the receiver.
async fn paced(server: &Server, receiver: SocketAddr, arrivals: &Arrivals) -> Result<Samples, String> {
    configure(server, &format!("http://{receiver}/")).await?;
    arrivals.lock().map_err(|e| e.to_string())?.clear();
    revoke_many(server.address, PACED, Duration::from_millis(20)).await?;
    let mut samples = Samples::default();
    for (_, waited) in wait_for(arrivals, PACED).await? {
        samples.add(Duration::from_secs_f64(waited.max(0.0) / 1e3));
    }
    Ok(samples)
}

async fn configure(server: &Server, url: &str) -> Result<(), String> {
    let body = json!({"authorizationRevokedWebhookUrl": url, "authorizationRevokedWebhookEnabled": true});
    server.ask(&authorised(&format!("{API}/applications/external/{APP}/update"), &body)).await.map(drop)
}

fn authorised(path: &str, body: &Value) -> Vec<u8> {
    let token = format!("Bearer {TOKEN}");
    request("POST", path, &[("authorization", &token), ("content-type", "application/json")], &body.to_string())
}

async fn revoke_many(address: SocketAddr, count: usize, pause: Duration) -> Result<(), String> {
    let grant = authorised(
        &format!("{API}/oauth/authorize/external"),
        &json!({"clientId": CLIENT_ID, "redirectUri": REDIRECT_URI, "scope": ["chat"]}),
    );
    let revoke = authorised(&format!("{API}/authorizations/{APP}/revoke"), &json!({}));
    let mut connection = Connection::open(address).await.map_err(|e| e.to_string())?;
    for _ in 0..count {
        for request in [&grant, &revoke] {
            let (head, body) = connection.ask(request).await.map_err(|e| e.to_string())?;
            if !head.is_ok() {
                return Err(format!("{}: {}", head.second, String::from_utf8_lossy(&body)));
            }
        }
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

async fn wait_for(arrivals: &Arrivals, count: usize) -> Result<Vec<(Instant, f64)>, String> {
    let begun = Instant::now();
    loop {
        let seen = arrivals.lock().map_err(|e| e.to_string())?.clone();
        if seen.len() >= count {
            return Ok(seen);
        }
        if begun.elapsed() > Duration::from_secs(60) {
            return Err(format!("{} of {count} deliveries arrived within a minute", seen.len()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A receiver that answers 200 to everything and notes when it came.
async fn receive(arrivals: Arrivals) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&arrivals)));
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream, arrivals: Arrivals) {
    let mut bytes = Vec::new();
    loop {
        let mut end = None;
        while end.is_none() {
            match stream.read_buf(&mut bytes).await {
                Ok(1..) => end = whole(&bytes),
                _ => return,
            }
        }
        let (head, length) = end.unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3;
        let body: Value = serde_json::from_slice(&bytes[head..head + length]).unwrap_or_default();
        let occurred = body["occurredAt"].as_str().and_then(milliseconds).unwrap_or(now);
        if let Ok(mut arrivals) = arrivals.lock() {
            arrivals.push((Instant::now(), now - occurred));
        }
        bytes.drain(..head + length);
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// Where the body of a complete request begins, and its length.
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (bytes.len() >= head + length).then_some((head, length))
}

/// The milliseconds since the epoch of `2026-04-17T08:00:00.123Z`.
fn milliseconds(iso: &str) -> Option<f64> {
    let part = |from: usize, to: usize| iso.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    // Days of the civil calendar since 1970, with March as the first month.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?;
    Some((seconds * 1_000 + part(20, 23)?) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(milliseconds("1970-01-01T00:00:00.007Z"), Some(7.0));
        assert_eq!(milliseconds("2024-02-29T15:30:00.123Z"), Some(1_709_220_600_123.0));
    }
}
