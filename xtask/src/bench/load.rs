//! Many requests over keep-alive connections: through `wrk` where it is installed, else through a generator of our own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::http::{Connection, request};
use super::machine::processor;
use super::report::Report;
use super::samples::{Samples, median};

/// Stands in a body for what differs from request to request.
pub const EACH: &str = "{EACH}";

/// A request that is sent over and over.
pub struct Load<'a> {
    pub address: SocketAddr,
    /// The server's process.
    pub pid: u32,
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// Each [`EACH`] in it becomes a text that no other request has.
    pub body: &'a str,
    pub connections: usize,
    pub seconds: u64,
}

/// What one round, or the medians of several, came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    pub per_second: f64,
    /// Milliseconds.
    pub p50: f64,
    /// Milliseconds.
    pub p99: f64,
    /// The server's processor time for one request, in microseconds: what other load on the machine hardly moves.
    pub processor: f64,
}

impl Rate {
    /// The medians of several rounds, figure by figure.
    pub fn median(rounds: &[Self]) -> Self {
        Self {
            per_second: median(rounds.iter().map(|r| r.per_second)),
            p50: median(rounds.iter().map(|r| r.p50)),
            p99: median(rounds.iter().map(|r| r.p99)),
            processor: median(rounds.iter().map(|r| r.processor)),
        }
    }
}

/// Whether `wrk` is there.
pub fn has_wrk() -> bool {
    Command::new("wrk").arg("--version").output().is_ok()
}

impl Load<'_> {
    /// The command, as it could be typed.
    pub fn command(&self) -> String {
        if !has_wrk() {
            return format!(
                "own generator (wrk is not installed): {} {} on {} keep-alive connections for {} s",
                self.method, self.path, self.connections, self.seconds
            );
        }
        let script = if self.body.is_empty() { "" } else { " -s body.lua" };
        let headers: String =
            self.headers.iter().filter(|_| self.body.is_empty()).map(|(n, v)| format!(" -H '{n}: {v}'")).collect();
        let (connections, seconds, path) = (self.connections, self.seconds, self.path);
        format!("wrk -t1 -c{connections} -d{seconds}s --latency{script}{headers} http://127.0.0.1:PORT{path}")
    }

    /// One second to warm up, then `rounds` rounds; returns their medians. A single refused request is a failure.
    pub async fn rounds(&self, rounds: usize, work: &Path, report: &mut Report) -> Result<Rate, String> {
        self.round(1, work).await?;
        let mut rates = Vec::new();
        for _ in 0..rounds {
            rates.push(report.round(async || self.round(self.seconds, work).await).await?);
        }
        Ok(Rate::median(&rates))
    }

    async fn round(&self, seconds: u64, work: &Path) -> Result<Rate, String> {
        let before = processor(self.pid);
        let rate = if has_wrk() { self.wrk(seconds, work)? } else { self.own(seconds).await? };
        let used = processor(self.pid) - before;
        Ok(Rate { processor: used * 1e6 / (rate.per_second * seconds as f64).max(1.0), ..rate })
    }

    /// The script fixes the request once, so no Lua runs during the measurement; unless every request must differ.
    fn wrk(&self, seconds: u64, work: &Path) -> Result<Rate, String> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut script = format!("wrk.method = {}\n", quoted(self.method));
        for (name, value) in self.headers {
            script.push_str(&format!("wrk.headers[{}] = {}\n", quoted(name), quoted(value)));
        }
        if self.body.contains(EACH) {
            let pieces: Vec<String> = self.body.split(EACH).map(quoted).collect();
            // Not `..`: Lua nests an expression for each, two hundred at most.
            let pieces = format!("table.concat({{{}}})", pieces.join(", id, "));
            script.push_str(&format!(
                "local n = 0\nlocal run = \"{:x}_\"\nrequest = function()\n  n = n + 1\n  local id = run .. n\n  \
                 return wrk.format(nil, nil, nil, {pieces})\nend\n",
                unique()
            ));
        } else if !self.body.is_empty() {
            script.push_str(&format!("wrk.body = {}\n", quoted(self.body)));
        }
        let file = work.join("body.lua");
        std::fs::write(&file, script).map_err(|e| format!("{}: {e}", file.display()))?;
        let output = Command::new("wrk")
            .args(["-t1", "--latency", &format!("-c{}", self.connections), &format!("-d{seconds}s"), "-s"])
            .arg(&file)
            .arg(format!("http://{}{}", self.address, self.path))
            .output()
            .map_err(|e| format!("wrk: {e}"))?;
        read_wrk(&String::from_utf8_lossy(&output.stdout))
    }

    /// One round by our own generator, which leaves this program free to run another beside it.
    pub async fn own(&self, seconds: u64) -> Result<Rate, String> {
        let make = Make { method: self.method, path: self.path, headers: self.headers, body: self.body };
        let begun = Instant::now();
        let end = begun + Duration::from_secs(seconds);
        let tasks: Vec<_> =
            (0..self.connections).map(|_| tokio::spawn(one_connection(self.address, make.requests(), end))).collect();
        let mut samples = Samples::default();
        for task in tasks {
            samples.join(task.await.map_err(|e| e.to_string())??);
        }
        let per_second = samples.count() as f64 / begun.elapsed().as_secs_f64();
        Ok(Rate { per_second, p50: samples.ms(0.5), p99: samples.ms(0.99), processor: 0.0 })
    }
}

/// How requests of a load are made.
struct Make<'a> {
    method: &'a str,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

impl Make<'_> {
    /// The requests of one connection: the same bytes over and over, or each with a text of its own.
    fn requests(&self) -> impl FnMut() -> Vec<u8> + Send + 'static {
        let fixed = request(self.method, self.path, self.headers, self.body);
        let parts = self.body.contains(EACH).then(|| {
            let headers = self.headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
            (self.method.to_owned(), self.path.to_owned(), headers, self.body.to_owned(), format!("{:x}", unique()))
        });
        let mut n = 0_u64;
        move || {
            let Some((method, path, headers, body, run)) = &parts else { return fixed.clone() };
            n += 1;
            let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            request(method, path, &headers, &body.replace(EACH, &format!("{run}_{n}")))
        }
    }
}

/// A number that no other round or connection gets.
fn unique() -> u128 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |at| at.as_micros());
    now * 1_000 + u128::from(next)
}

async fn one_connection(
    address: SocketAddr,
    mut request: impl FnMut() -> Vec<u8>,
    end: Instant,
) -> Result<Samples, String> {
    let mut connection = Connection::open(address).await.map_err(|e| e.to_string())?;
    let mut samples = Samples::default();
    while Instant::now() < end {
        let bytes = request();
        let sent = Instant::now();
        let (head, body) = connection.ask(&bytes).await.map_err(|e| e.to_string())?;
        if !head.is_ok() {
            return Err(format!("status {}: {}", head.second, String::from_utf8_lossy(&body)));
        }
        samples.add(sent.elapsed());
    }
    Ok(samples)
}

fn read_wrk(text: &str) -> Result<Rate, String> {
    let after = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name))?;
        line.trim_start().trim_start_matches(name).split_whitespace().next()
    };
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(format!("wrk met failures:\n{text}"));
    }
    let per_second = after("Requests/sec:").and_then(|n| n.parse().ok());
    let (p50, p99) = (after("50%").and_then(milliseconds), after("99%").and_then(milliseconds));
    match (per_second, p50, p99) {
        (Some(per_second), Some(p50), Some(p99)) => Ok(Rate { per_second, p50, p99, processor: 0.0 }),
        _ => Err(format!("wrk said what was not understood:\n{text}")),
    }
}

/// `812.00us`, `1.25ms`, `2.10s`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let (unit, factor) = units.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_read() {
        let text = "  Latency Distribution\n     50%    1.87ms\n     75%    2.10ms\n     99%  812.00us\n\
            Requests/sec:  31234.56\nTransfer/sec:      9.1MB\n";
        let rate = read_wrk(text).unwrap();
        assert_eq!((rate.per_second, rate.p50, rate.p99), (31234.56, 1.87, 0.812));
        assert!(read_wrk(&format!("{text}  Non-2xx or 3xx responses: 4\n")).is_err());
    }
}
