//! The embedded engine: its own speed beside the bare engine's on the same file, and the second turn through the real server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::Connection;
use super::report::{Goal, Report, number};
use super::samples::median;
use super::server::{Launch, Server};
use super::{Bench, cargo_build, machine, streams};

/// A model of the catalogue that is in the cache.
pub struct Model {
    /// Its name in the catalogue.
    pub name: &'static str,
    file: PathBuf,
    flags: [&'static str; 2],
}

/// The server's package is named too, so that both are built with the same features and the engine is compiled once.
const RAW_BENCH: [&str; 6] = ["--package", "secondme-llm", "--package", "secondme-server", "--example", "raw_bench"];

/// The models that the `model` and `start` sections measure.
const SMALL: [(&str, &str); 2] =
    [("qwen2.5-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"), ("smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf")];
/// The models whose judgements are worth counting: the defaults of nano and pro in `models.md`'s sense.
const JUDGES: [(&str, &str); 2] = [
    ("qwen2.5-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
    ("qwen2.5-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
];

impl Model {
    /// Its file in the cache.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The flags that choose it.
    pub fn flags(&self) -> &[&'static str] {
        &self.flags
    }
}

fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap_or_default();
    base.join("secondme/models")
}

/// Those of the small models that are there.
pub fn present() -> Vec<Model> {
    cached(SMALL)
}

/// Those of the models for judgements that are there.
pub fn judges() -> Vec<Model> {
    cached(JUDGES)
}

fn cached(models: [(&'static str, &'static str); 2]) -> Vec<Model> {
    let all = models.map(|(name, file)| Model { name, file: cache().join(file), flags: ["--model", name] });
    all.into_iter().filter(|model| model.file.is_file()).collect()
}

/// The embedder, if it is there.
pub fn embedder() -> Option<PathBuf> {
    Some(cache().join("multilingual-e5-small-q4_0.gguf")).filter(|file| file.is_file())
}

/// What to say when there is none.
pub fn absent() -> String {
    format!(
        "No model in {}: nothing measured with one. `secondme model pull qwen2.5-0.5b` fetches one.",
        cache().display()
    )
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let models = present();
    if models.is_empty() {
        bench.report.note(&absent());
        return Ok(());
    }
    let raw = cargo_build(&bench.root, &RAW_BENCH, "examples/raw_bench")?;
    let rounds = bench.options.rounds;
    let cores = machine::cores();
    let numbers = [(cores / 2).max(1), cores, rounds].map(|n| n.to_string());
    for model in &models {
        let data = bench.work.join(format!("turns-{}", model.name));
        let launch = Launch { bin: bench.bin.clone(), data, flags: model.flags(), environment: &[] };
        let file = model.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let commands = [format!("raw_bench {file} {}", numbers.join(" ")), launch.command()];
        let report = &mut bench.report;
        report.begin(&format!("Embedded model {}", model.name), &commands);
        let mut command = Command::new(&raw);
        command.arg(&model.file).args(&numbers).current_dir(&bench.work);
        let output = report.round(async || command.output().map_err(|e| format!("raw_bench: {e}"))).await?;
        beside_engine(report, model, &String::from_utf8_lossy(&output.stdout))?;
        second_turn(report, rounds, model, &launch.start().await?).await?;
        report.end();
    }
    Ok(())
}

/// Reads what `raw_bench` prints: lines like `prompt, tokens/s   engine 190.1   through the worker 188.2   ratio (…) 0.990`, once
/// with an empty cache, as the bare engine's is, and once with a full one.
fn beside_engine(report: &mut Report, model: &Model, text: &str) -> Result<(), String> {
    let (mut cache, mut lines) = ("empty cache", 0);
    for line in text.lines() {
        if line.starts_with("the same with") {
            cache = "full cache";
        }
        let Some((what, rest)) = line.split_once(" engine ") else { continue };
        let what = what.trim();
        let numbers: Vec<f64> = rest.split_whitespace().flat_map(str::parse).collect();
        let [engine, worker, ratio] = numbers[..] else { return Err(format!("not understood: {line}")) };
        lines += 1;
        let value =
            format!("{} through the worker, {} by the bare engine: ratio {ratio:.3}", number(worker), number(engine));
        report.row(&format!("{what}, {cache}"), &value);
        if let (Some(speed), "empty cache") = (what.strip_suffix(", tokens/s"), cache) {
            let goal = format!("{}: {speed} speed as a share of the bare engine's", model.name);
            report.goal(&goal, Goal::AtLeast(0.95), ratio, "");
        }
    }
    if lines == 0 { Err(format!("raw_bench said nothing:\n{text}")) } else { Ok(()) }
}

/// Two turns of a new session, several times: a first message of some 500 tokens, then a short one.
async fn second_turn(report: &mut Report, rounds: usize, model: &Model, server: &Server) -> Result<(), String> {
    server.wait_for_model().await?;
    // The persona is read once and kept; it is no part of the 500 tokens.
    ask(server, &json!({"message": "Hello", "maxTokens": 2})).await?;
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut attempt = 0;
        let (first, second) = report
            .round(async || {
                attempt += 1;
                let words = words(round, attempt);
                let message = format!("{words} Which of these words do you like best?");
                let (first, session) = ask(server, &json!({"message": message, "maxTokens": 24})).await?;
                let session = session.ok_or("a new session without a session event")?;
                let body = json!({"message": "And why?", "sessionId": session, "maxTokens": 8});
                Ok((first, ask(server, &body).await?.0))
            })
            .await?;
        firsts.push(first.as_secs_f64());
        seconds.push(second.as_secs_f64());
    }
    let share = median(firsts.iter().zip(&seconds).map(|(first, second)| second / first));
    let (first, second) = (median(firsts), median(seconds));
    report.row(
        "time to first delta through HTTP, 500 new tokens, then a short second turn",
        &format!("{:.0} ms, then {:.0} ms: share {share:.3}", first * 1e3, second * 1e3),
    );
    let (resident, anonymous) = machine::memory(server.pid());
    let memory = format!("{} MB resident, {} MB without the mapped file", number(resident), number(anonymous));
    report.row("memory after these turns", &memory);
    let goal = format!("{}: second turn's time to first token as a share of the first's", model.name);
    report.goal(&goal, Goal::AtMost(0.15), share, "");
    Ok(())
}

/// About 490 tokens that no other round begins with: each of these words is one token.
fn words(round: usize, attempt: usize) -> String {
    const WORDS: [&str; 8] = ["apple", "river", "stone", "cloud", "table", "green", "music", "paper"];
    let mut text = format!("Round {round}.{attempt}:");
    for i in 0..480 {
        text.push(' ');
        text.push_str(WORDS[(i * 5 + i / 7 + round * 3) % WORDS.len()]);
    }
    text
}

/// Sends a turn, reads it to its end; returns the time to the first delta, and the session of a new one.
async fn ask(server: &Server, body: &Value) -> Result<(Duration, Option<String>), String> {
    let mut connection = Connection::open(server.address).await.map_err(|e| e.to_string())?;
    let sent = Instant::now();
    connection.send(&streams::turn(body)).await.map_err(|e| e.to_string())?;
    let head = connection.head().await.map_err(|e| e.to_string())?;
    if !head.is_ok() {
        let body = connection.body(&head).await.unwrap_or_default();
        return Err(format!("a turn was refused: {} {}", head.second, String::from_utf8_lossy(&body)));
    }
    let (mut first, mut session) = (None, None);
    while let Some(chunk) = connection.chunk().await.map_err(|e| e.to_string())? {
        for line in String::from_utf8_lossy(&chunk).lines() {
            let Some(data) = line.strip_prefix("data: {").and_then(|_| line.strip_prefix("data: ")) else { continue };
            let value: Value = serde_json::from_str(data).unwrap_or_default();
            if value.get("choices").is_some() {
                first.get_or_insert_with(|| sent.elapsed());
            } else if let Some(id) = value.get("sessionId").and_then(Value::as_str) {
                session = Some(id.to_owned());
            } else {
                return Err(format!("a turn failed: {value}"));
            }
        }
    }
    first.map(|first| (first, session)).ok_or_else(|| "a turn without a delta".to_owned())
}
