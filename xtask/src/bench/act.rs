//! Judgements with the real model: how many are valid and right, with the constraint (`act/stream`) and without it
//! (`chat/stream` with the same words as system prompt); and the corpus of controls, end to end.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::http::{Connection, request};
use super::model::Model;
use super::report::Goal;
use super::server::{API, Launch, Server, TOKEN};
use super::{Bench, cargo_build, machine, model};

/// Sentences written for this project: task, language, label, text.
const CASES: &str = include_str!("../../data/judgements.tsv");
/// The controls that `crates/shape` is tested with.
const CORPUS: &str = "crates/shape/tests/corpus";
/// Tokens allowed for a document of the corpus; what does not fit must be a typed error.
const CORPUS_TOKENS: u32 = 300;

const LIKE: &str = "Only output valid JSON, no explanations. Structure: {\"intent\": \"like\"|\"dislike\"|\"neutral\"}. \
    Judge the feeling that the text expresses: like when it is positive, dislike when it is negative, neutral when it is a plain fact. \
    Return {\"intent\": \"neutral\"} when information is insufficient.";
const YES_NO: &str = "Only output valid JSON, no explanations. Structure: {\"agrees\": boolean}. \
    Set agrees=true when the speaker accepts, wants or allows something, agrees=false when the speaker refuses, declines or cancels.";

/// What became of one question.
enum Outcome {
    Said(String),
    /// The sub code of an error event.
    Refused(String),
}

#[derive(Default)]
struct Tally {
    cases: usize,
    valid: usize,
    right: usize,
}

/// Built together with the server, so that the engine is compiled once.
const CONSTRAINT_BENCH: [&str; 6] =
    ["--package", "secondme-llm", "--package", "secondme-server", "--example", "constraint_bench"];

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let judges = model::judges();
    if judges.is_empty() {
        bench.report.note(&model::absent());
        return Ok(());
    }
    let speed = match &bench.options.bin {
        // Whoever brings the server brings what was built with it.
        Some(bin) => bin.with_file_name("examples").join("constraint_bench"),
        None => cargo_build(&bench.root, &CONSTRAINT_BENCH, "examples/constraint_bench")?,
    };
    for model in judges {
        let launch = launch(bench, &model);
        let server = launch.start().await?;
        server.wait_for_model().await?;
        bench.report.begin(&format!("Judgements of {}", model.name), &[launch.command()]);
        for constrained in [true, false] {
            labelled(bench, &server, constrained).await?;
        }
        server.stop();
        constraint(bench, &model, &speed).await?;
        bench.report.end();
    }
    // Validity is the constraint's work, not the model's: the smallest one shows it.
    let Some(model) = model::present().pop() else { return Ok(()) };
    let launch = launch(bench, &model);
    let server = launch.start().await?;
    server.wait_for_model().await?;
    bench.report.begin(&format!("The corpus of controls, with {}", model.name), &[launch.command()]);
    corpus(bench, &server).await?;
    bench.report.end();
    server.stop();
    Ok(())
}

/// Each question by itself: nothing of the earlier ones is recalled or learned.
const ALONE: [(&str, &str); 3] =
    [("SECONDME_LEARNING__MODEL", "off"), ("SECONDME_RECALL__EMBEDDER", ""), ("SECONDME_CHAT__MEMORY_TOKENS", "0")];

fn launch<'m>(bench: &Bench, model: &'m Model) -> Launch<'m> {
    let data = bench.work.join(format!("act-{}", model.name));
    Launch { bin: bench.bin.clone(), data, flags: model.flags(), environment: &ALONE }
}

async fn labelled(bench: &mut Bench, server: &Server, constrained: bool) -> Result<(), String> {
    let mut tallies = [("like, dislike or neutral", Tally::default()), ("yes or no", Tally::default())];
    for case in CASES.lines() {
        let fields: Vec<&str> = case.splitn(4, '\t').collect();
        let [task, _, label, text] = fields.as_slice() else { return Err(format!("not a case: {case}")) };
        let (control, tally) = if *task == "like" { (LIKE, &mut tallies[0].1) } else { (YES_NO, &mut tallies[1].1) };
        let outcome = judge(server, text, control, constrained).await?;
        let value = match outcome {
            Outcome::Said(said) => serde_json::from_str::<Value>(strip(&said)).unwrap_or_default(),
            Outcome::Refused(_) => Value::Null,
        };
        tally.cases += 1;
        let answer = match (value["intent"].as_str(), value["agrees"].as_bool()) {
            (Some(intent @ ("like" | "dislike" | "neutral")), _) if *task == "like" => Some(intent),
            (_, Some(agrees)) if *task == "yesno" => Some(if agrees { "yes" } else { "no" }),
            _ => None,
        };
        tally.valid += usize::from(answer.is_some());
        tally.right += usize::from(answer == Some(label));
    }
    let how = if constrained { "constrained" } else { "free, fences stripped" };
    for (task, tally) in tallies {
        let value = format!("{} valid, {} right of {}", tally.valid, tally.right, tally.cases);
        bench.report.row(&format!("{task}, {how}"), &value);
    }
    Ok(())
}

/// What the constraint costs: reads what `constraint_bench` prints, a figure a line.
async fn constraint(bench: &mut Bench, model: &Model, program: &Path) -> Result<(), String> {
    let cores = machine::cores();
    let numbers = [(cores / 2).max(1), cores, bench.options.rounds].map(|n| n.to_string());
    let mut command = Command::new(program);
    command.arg(model.file()).arg(bench.root.join(CORPUS)).args(numbers);
    let output = bench.report.round(async || command.output().map_err(|e| format!("constraint_bench: {e}"))).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (mut share, mut set_up) = (None, None);
    for (what, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        bench.report.row(what, value);
        if what.starts_with("share") {
            share = value.parse::<f64>().ok();
        } else if let Some((_, rest)) = value.split_once("p99 ") {
            set_up = rest.split(' ').next().and_then(|number| number.parse::<f64>().ok());
        }
    }
    let (Some(share), Some(set_up)) = (share, set_up) else {
        return Err(format!("constraint_bench said: {text}{}", String::from_utf8_lossy(&output.stderr)));
    };
    let name = model.name;
    let goal = format!("{name}: decode speed with the constraint as a share of that without");
    bench.report.goal(&goal, Goal::AtLeast(0.95), share, "");
    bench.report.goal(&format!("{name}: set-up of a schema never seen before, p99"), Goal::AtMost(10.0), set_up, " ms");
    Ok(())
}

/// Every control of the corpus, once: valid JSON or the typed error of a document that did not fit, nothing else.
async fn corpus(bench: &mut Bench, server: &Server) -> Result<(), String> {
    let (mut valid, mut cut, mut other) = (0, 0, Vec::new());
    let folder = bench.root.join(CORPUS);
    let files = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for file in files.flatten().map(|entry| entry.path()) {
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let entries: Vec<Value> = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        for control in entries.iter().filter_map(|entry| entry["text"].as_str()) {
            if !(20..=8_000).contains(&control.chars().count()) {
                continue;
            }
            let body = json!({"message": "I walked along the river today and it was lovely.", "actionControl": control,
                              "maxTokens": CORPUS_TOKENS});
            match ask(server, "act/stream", &body).await? {
                Outcome::Said(said) if serde_json::from_str::<Value>(&said).is_ok() => valid += 1,
                Outcome::Refused(code) if code == "secondme.act.output.incomplete" => cut += 1,
                Outcome::Said(said) => other.push(said),
                Outcome::Refused(code) => other.push(code),
            }
        }
    }
    let value =
        format!("{valid} valid, {cut} over {CORPUS_TOKENS} tokens (typed error), {} anything else", other.len());
    bench.report.row("the corpus of controls, end to end", &value);
    match other.first() {
        None => Ok(()),
        Some(first) => Err(format!("neither valid nor a typed error: {first}")),
    }
}

async fn judge(server: &Server, text: &str, control: &str, constrained: bool) -> Result<Outcome, String> {
    if constrained {
        ask(server, "act/stream", &json!({"message": text, "actionControl": control, "maxTokens": 60})).await
    } else {
        ask(server, "chat/stream", &json!({"message": text, "systemPrompt": control, "maxTokens": 60})).await
    }
}

async fn ask(server: &Server, path: &str, body: &Value) -> Result<Outcome, String> {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let bytes = request("POST", &format!("{API}/secondme/{path}"), &headers, &body.to_string());
    let mut connection = Connection::open(server.address).await.map_err(|e| e.to_string())?;
    let (head, answer) = connection.ask(&bytes).await.map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&answer);
    if !head.is_ok() {
        return Err(format!("refused: {} {text}", head.second));
    }
    let mut said = String::new();
    for data in text.lines().filter_map(|line| line.strip_prefix("data: {")) {
        let value: Value = serde_json::from_str(&format!("{{{data}")).map_err(|e| e.to_string())?;
        if let Some(code) = value["subCode"].as_str() {
            return Ok(Outcome::Refused(code.to_owned()));
        }
        said.push_str(value.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default());
    }
    Ok(Outcome::Said(said))
}

/// What the known clients do with an answer before they parse it.
fn strip(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
    text.strip_suffix("```").unwrap_or(text).trim()
}
