//! The embedded engine: its own speed beside the bare engine's on the same file, and the second turn through the real server.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::Connection;
use super::report::{Goal, number};
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

const MODELS: [(&str, &str); 2] =
    [("qwen2.5-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"), ("smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf")];

impl Model {
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

/// The models that are there.
pub fn present() -> Vec<Model> {
    let all = MODELS.map(|(name, file)| Model { name, file: cache().join(file), flags: ["--model", name] });
    all.into_iter().filter(|model| model.file.is_file()).collect()
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
    let raw = cargo_build(&bench.root, &["--package", "secondme-llm", "--example", "raw_bench"], "examples/raw_bench")?;
    for model in &models {
        machine::wait_for_quiet(bench.options.quiet_wait).await;
        let rounds = bench.options.rounds;
        let mut command = Command::new(&raw);
        let cores = machine::cores();
        let (decode, prompt) = ((cores / 2).max(1).to_string(), cores.to_string());
        command.arg(&model.file).args([&decode, &prompt, &rounds.to_string()]).current_dir(&bench.work);
        let data = bench.work.join(format!("turns-{}", model.name));
        let launch = Launch { bin: bench.bin.clone(), data, flags: model.flags(), environment: &[] };
        let file = model.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let commands = [format!("raw_bench {file} {decode} {prompt} {rounds}"), launch.command()];
        bench.report.begin(&format!("Embedded model {}", model.name), &commands);
        let output = command.output().map_err(|e| format!("raw_bench: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for what in ["prompt", "answer"] {
            beside_engine(bench, model, what, &text)?;
        }
        second_turn(bench, model, &launch.start().await?).await?;
        bench.report.end();
    }
    Ok(())
}

/// Reads a line of `raw_bench`: `prompt, tokens/s   engine 190.1   through the worker 188.2   ratio 0.990`.
fn beside_engine(bench: &mut Bench, model: &Model, what: &str, text: &str) -> Result<(), String> {
    for unit in ["tokens/s", "tokens/processor second"] {
        let name = format!("{what}, {unit} ");
        let line =
            text.lines().find(|line| line.starts_with(&name)).ok_or_else(|| format!("no `{name}` in:\n{text}"))?;
        let after = |word: &str| line.split(word).nth(1)?.split_whitespace().next()?.parse::<f64>().ok();
        let (Some(engine), Some(worker), Some(ratio)) = (after("engine"), after("worker"), after("ratio")) else {
            return Err(format!("not understood: {line}"));
        };
        let value =
            format!("{} through the worker, {} by the bare engine: ratio {ratio:.3}", number(worker), number(engine));
        bench.report.row(&format!("{what}, {unit}"), &value);
        if unit == "tokens/s" {
            let goal = format!("{}: {what} speed as a share of the bare engine's", model.name);
            bench.report.goal(&goal, Goal::AtLeast(0.95), ratio, "");
        }
    }
    Ok(())
}

/// Two turns of a new session, several times: a first message of some 500 tokens, then a short one.
async fn second_turn(bench: &mut Bench, model: &Model, server: &Server) -> Result<(), String> {
    server.wait_for_model().await?;
    // The persona is read once and kept; it is no part of the 500 tokens.
    ask(server, &json!({"message": "Hello", "maxTokens": 2})).await?;
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for round in 0..bench.options.rounds {
        let message = format!("{} Which of these words do you like best?", words(round));
        let (first, session) = ask(server, &json!({"message": message, "maxTokens": 24})).await?;
        let session = session.ok_or("a new session without a session event")?;
        let (second, _) = ask(server, &json!({"message": "And why?", "sessionId": session, "maxTokens": 8})).await?;
        firsts.push(first.as_secs_f64());
        seconds.push(second.as_secs_f64());
    }
    let share = median(firsts.iter().zip(&seconds).map(|(first, second)| second / first));
    let (first, second) = (median(firsts), median(seconds));
    bench.report.row(
        "time to first delta through HTTP, 500 new tokens, then a short second turn",
        &format!("{:.0} ms, then {:.0} ms: share {share:.3}", first * 1e3, second * 1e3),
    );
    let (resident, anonymous) = machine::memory(server.pid());
    let memory = format!("{} MB resident, {} MB without the mapped file", number(resident), number(anonymous));
    bench.report.row("memory after these turns", &memory);
    let goal = format!("{}: second turn's time to first token as a share of the first's", model.name);
    bench.report.goal(&goal, Goal::AtMost(0.15), share, "");
    Ok(())
}

/// About 490 tokens that no other round begins with: each of these words is one token.
fn words(round: usize) -> String {
    const WORDS: [&str; 8] = ["apple", "river", "stone", "cloud", "table", "green", "music", "paper"];
    let mut text = format!("Round {round}:");
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
