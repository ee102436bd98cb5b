//! `make bench`: one run on this machine. Every section starts the release binary as anybody would, drives it over real HTTP,
//! and prints medians of several rounds with the load of the machine and the commands.
//!
//! The load generator shares the processor with the server: what is printed is what both together reach.
#![expect(clippy::disallowed_methods, reason = "a load generator outside the server: it has no App to spawn through")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

mod act;
mod found;
mod http;
mod ingest;
mod load;
mod machine;
mod memory_speed;
mod model;
mod plaza;
mod reads;
mod realtime;
mod recall;
mod report;
mod samples;
mod scale;
mod server;
mod soak;
mod speech;
mod start;
mod streams;
mod tokens;
mod upstream;
mod webhooks;

use report::Report;

const USAGE: &str =
    "usage: make bench ARGS=\"[--only NAME,…] [--rounds N] [--seconds N] [--quiet-wait N] [--bin PATH] [--write]\"
  --only NAME,…    sections to run: start, reads, tokens, memory-ingest, streams, webhooks, model, speech (default: these), act,
                   plaza, recall, memory-speed, realtime, scale, soak (minutes: only when named)
  --minutes N      length of section soak (default 30)
  --rounds N       rounds of every measurement; medians are shown (default 5)
  --seconds N      length of a round of requests (default 5)
  --quiet-wait N   for each round wait at most N seconds for a moment without other load (default 60)
  --bin PATH       measure this server binary in place of building one
  --data PATH      the LoCoMo conversations of section recall (default ../shared/data/locomo-dev.json)
  --write          append the results to docs/BENCHMARKS.md";

const SECTIONS: [&str; 15] = [
    "start",
    "reads",
    "tokens",
    "memory-ingest",
    "streams",
    "webhooks",
    "model",
    "speech",
    "act",
    "plaza",
    "recall",
    "memory-speed",
    "realtime",
    "scale",
    "soak",
];
/// Sections that take minutes and run only when they are named.
const ON_REQUEST: [&str; 7] = ["act", "plaza", "recall", "memory-speed", "realtime", "scale", "soak"];
/// Sections that need no server.
const WITHOUT_SERVER: [&str; 2] = ["recall", "memory-speed"];

/// What the command line asked for.
struct Options {
    only: Vec<String>,
    rounds: usize,
    seconds: u64,
    minutes: u64,
    quiet_wait: Duration,
    bin: Option<PathBuf>,
    data: Option<PathBuf>,
    write: bool,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            only: Vec::new(),
            rounds: 5,
            seconds: 5,
            minutes: 30,
            quiet_wait: Duration::from_secs(60),
            bin: None,
            data: None,
            write: false,
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            if *flag == "--write" {
                options.write = true;
                continue;
            }
            let value = args.next().ok_or(USAGE)?;
            let number = || value.parse::<u64>().map_err(|_| format!("{flag}: `{value}` is not a number\n{USAGE}"));
            match *flag {
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--rounds" => options.rounds = usize::try_from(number()?.max(1)).unwrap_or(1),
                "--seconds" => options.seconds = number()?.max(1),
                "--minutes" => options.minutes = number()?.max(1),
                "--quiet-wait" => options.quiet_wait = Duration::from_secs(number()?),
                "--bin" => options.bin = Some(PathBuf::from(value)),
                "--data" => options.data = Some(PathBuf::from(value)),
                _ => return Err(USAGE.to_owned()),
            }
        }
        match options.only.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
            Some(unknown) => Err(format!("no section `{unknown}`\n{USAGE}")),
            None => Ok(options),
        }
    }

    fn wants(&self, section: &str) -> bool {
        let by_default = self.only.is_empty() && !ON_REQUEST.contains(&section);
        by_default || self.only.iter().any(|name| name == section)
    }
}

/// What every section works with.
struct Bench {
    root: PathBuf,
    bin: PathBuf,
    /// A folder of this run, removed at its end.
    work: PathBuf,
    options: Options,
    report: Report,
}

/// Runs the sections that `args` name, or all of them.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    if args.first() == Some(&"--echo-server") {
        return runtime()?.block_on(realtime::echo_server());
    }
    let options = Options::parse(args)?;
    let with_server = SECTIONS.iter().any(|section| options.wants(section) && !WITHOUT_SERVER.contains(section));
    let bin = match &options.bin {
        Some(bin) => bin.clone(),
        None if !with_server => std::env::current_exe().map_err(|e| e.to_string())?,
        None => cargo_build(root, &["--package", "secondme-server", "--bin", "secondme"], "secondme")?,
    };
    let work = std::env::temp_dir().join(format!("secondme-bench-{}", std::process::id()));
    std::fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    let report = Report::new(
        &machine::facts(root, &bin, &work),
        &format!("make bench ARGS=\"{}\"", args.join(" ")),
        options.quiet_wait,
    );
    let mut bench = Bench { root: root.to_owned(), bin, work, options, report };
    let outcome = runtime()?.block_on(sections(&mut bench));
    drop(std::fs::remove_dir_all(&bench.work));
    bench.report.finish();
    if bench.options.write {
        bench.report.append_to(&root.join("docs/BENCHMARKS.md"))?;
    }
    outcome
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().map_err(|e| format!("no runtime: {e}"))
}

/// A section that fails does not keep the others from being measured; the run fails in the end.
async fn sections(bench: &mut Bench) -> Result<(), String> {
    let mut failures = Vec::new();
    for section in SECTIONS {
        if !bench.options.wants(section) {
            continue;
        }
        let outcome = match section {
            "start" => start::run(bench).await,
            "reads" => reads::run(bench).await,
            "tokens" => tokens::run(bench).await,
            "memory-ingest" => ingest::run(bench).await,
            "streams" => streams::run(bench).await,
            "speech" => speech::run(bench).await,
            "act" => act::run(bench).await,
            "recall" => recall::run(bench).await,
            "memory-speed" => memory_speed::run(bench).await,
            "plaza" => plaza::run(bench).await,
            "realtime" => realtime::run(bench).await,
            "webhooks" => webhooks::run(bench).await,
            "scale" => scale::run(bench).await,
            "soak" => soak::run(bench).await,
            _ => model::run(bench).await,
        };
        if let Err(why) = outcome {
            bench.report.end();
            bench.report.note(&format!("**{section} failed: {why}**"));
            failures.push(section);
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(format!("bench: failed: {}", failures.join(", "))) }
}

/// Builds a release artifact (nothing happens when it is fresh) and returns where it lies.
fn cargo_build(root: &Path, what: &[&str], file: &str) -> Result<PathBuf, String> {
    eprintln!("bench: cargo build --release {}", what.join(" "));
    let status = Command::new("cargo")
        .current_dir(root)
        .args(["build", "--release", "--quiet"])
        .args(what)
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if !status.success() {
        return Err(format!("cargo build --release {}: {status}", what.join(" ")));
    }
    // This program lies in the same target folder, as `target/release/xtask`.
    let own = std::env::current_exe().map_err(|e| format!("where am I? {e}"))?;
    let folder = std::env::var_os("CARGO_TARGET_DIR").map(|dir| root.join(dir).join("release"));
    let folder = folder.or_else(|| own.parent().map(Path::to_owned)).ok_or("no target folder")?;
    Ok(folder.join(file))
}
