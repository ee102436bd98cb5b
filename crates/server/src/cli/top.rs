//! `secondme top`: what a running server does, from its `/metrics`, in the terminal.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{Outcome, say};
use crate::config::Config;

/// Flags of `top`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server; default: this machine at server.listen.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 2)]
    every: u64,
    /// Look twice, print once and end.
    #[arg(long)]
    once: bool,
}

/// Metrics by their line without the value.
type Sample = BTreeMap<String, f64>;

pub(super) async fn run(config: Config, args: Args) -> Outcome {
    secondme_llm::install_tls();
    let url = match args.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://127.0.0.1:{}", config.listen()?.port()),
    };
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let every = Duration::from_secs(args.every.max(1));
    let mut before = look(&client, &url).await?;
    loop {
        tokio::time::sleep(every).await;
        let now = look(&client, &url).await?;
        let screen = screen(&url, &before, &now, every.as_secs_f64());
        if args.once {
            say(screen.trim_end());
            return Ok(());
        }
        // Clear the screen, and go to its top.
        say(&format!("\x1b[2J\x1b[H{screen}"));
        before = now;
    }
}

async fn look(client: &reqwest::Client, url: &str) -> Result<Sample, Box<dyn std::error::Error + Send + Sync>> {
    let answer = client.get(format!("{url}/metrics")).send().await;
    let answer = answer.map_err(|e| format!("{url} cannot be reached: {}", e.without_url()))?;
    Ok(parse(&answer.error_for_status()?.text().await?))
}

fn parse(text: &str) -> Sample {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pair = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    lines.filter_map(pair).collect()
}

fn label<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.split_once(&format!("{name}=\""))?.1.split('"').next()
}

/// What was counted between two looks, by what `key` makes of a line.
fn counted(name: &str, before: &Sample, now: &Sample, key: impl Fn(&str) -> Option<String>) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    let prefix = format!("{name}{{");
    for (line, value) in now.iter().filter(|(line, _)| line.starts_with(&prefix) || *line == name) {
        if let Some(key) = key(line) {
            // A counter that went down belongs to a server that was started anew.
            *sums.entry(key).or_insert(0.0) += (value - before.get(line).unwrap_or(&0.0)).max(0.0);
        }
    }
    sums
}

/// A quantile of a histogram's buckets, in milliseconds: the upper end of the bucket it falls into.
fn quantile(buckets: &BTreeMap<String, f64>, q: f64) -> Option<f64> {
    let bound = |text: &String| if text == "+Inf" { f64::INFINITY } else { text.parse().unwrap_or(f64::INFINITY) };
    let mut all: Vec<(f64, f64)> = buckets.iter().map(|(le, n)| (bound(le), *n)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total = all.last()?.1;
    all.iter().find(|(_, n)| total > 0.0 && *n >= total * q).map(|(le, _)| le * 1e3)
}

fn screen(url: &str, before: &Sample, now: &Sample, seconds: f64) -> String {
    let mut out = format!("{url}\n\n");
    let requests = counted("secondme_http_requests_total", before, now, |l| label(l, "route").map(str::to_owned));
    let failed = counted("secondme_http_requests_total", before, now, |l| {
        label(l, "status").filter(|s| s.starts_with('5')).map(str::to_owned)
    });
    let per_second = |sums: &BTreeMap<String, f64>| sums.values().fold(0.0, |sum, n| sum + n) / seconds;
    let _ = writeln!(out, "requests {:>9.1}/s   failed {:>7.1}/s", per_second(&requests), per_second(&failed));
    let gauge = |name: &str| now.get(name).copied().unwrap_or(0.0);
    let _ = writeln!(
        out,
        "working  {:>9}     shed   {:>7.1}/s   jobs waiting {} dead {}   bus lost {}",
        gauge("secondme_http_in_flight"),
        per_second(&counted("secondme_http_shed_total", before, now, |_| Some(String::new()))),
        gauge("secondme_jobs_pending"),
        gauge("secondme_jobs_dead"),
        gauge("secondme_bus_dropped"),
    );
    let tokens = counted("secondme_model_tokens_total", before, now, |l| label(l, "model").map(str::to_owned));
    let _ = writeln!(out, "tokens   {:>9.1}/s\n", per_second(&tokens));
    let _ = writeln!(out, "{:<56} {:>8} {:>9} {:>9}", "route", "req/s", "p50 ms", "p99 ms");
    let mut busiest: Vec<_> = requests.iter().filter(|(_, n)| **n > 0.0).collect();
    busiest.sort_by(|a, b| b.1.total_cmp(a.1));
    for (route, n) in busiest.into_iter().take(20) {
        let buckets = counted("secondme_http_request_seconds_bucket", before, now, |l| {
            label(l, "le").filter(|_| label(l, "route") == Some(route.as_str())).map(str::to_owned)
        });
        let ms = |q| quantile(&buckets, q).map_or("-".to_owned(), |ms| format!("≤ {ms}"));
        let _ = writeln!(out, "{route:<56} {:>8.1} {:>9} {:>9}", n / seconds, ms(0.5), ms(0.99));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_between_two_looks_is_shown() {
        let sample = |n: f64| {
            parse(&format!(
                "# HELP\nsecondme_http_requests_total{{method=\"GET\",route=\"/a\",status=\"200\"}} {}\n\
                 secondme_http_requests_total{{method=\"GET\",route=\"/a\",status=\"503\"}} {n}\n\
                 secondme_http_request_seconds_bucket{{route=\"/a\",le=\"0.001\"}} {n}\n\
                 secondme_http_request_seconds_bucket{{route=\"/a\",le=\"0.01\"}} {}\n\
                 secondme_http_request_seconds_bucket{{route=\"/a\",le=\"+Inf\"}} {}\nsecondme_jobs_dead 3\n",
                n * 9.0,
                n * 10.0,
                n * 10.0
            ))
        };
        let text = screen("u", &sample(1.0), &sample(3.0), 2.0);
        assert!(text.contains("requests      10.0/s   failed     1.0/s"), "{text}");
        assert!(text.contains("dead 3"), "{text}");
        let line = text.lines().last().unwrap();
        assert!(line.starts_with("/a") && line.contains("10.0") && line.ends_with("≤ 10      ≤ 10"), "{text}");
    }
}
