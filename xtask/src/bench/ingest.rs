//! Agent memory: single events over HTTP, each on the disk with its index entry before it is answered, and what each step costs.

use super::load::{EACH, Load};
use super::report::Goal;
use super::server::{API, Launch, TOKEN};
use super::tokens::rate_row;
use super::{Bench, found};

/// Events of one array.
const ARRAY: usize = 100;

/// An event as apps send them: seed 003's first example, shortened.
fn event(id: &str) -> String {
    format!(
        r#"{{"channel":{{"kind":"thread","id":"thread_12345"}},"action":"reply","action_label":"Replied to thread","display_text":"Replied in AI Trends discussion: transformer architectures will continue to dominate","importance":0.7,"refs":[{{"object_type":"thread_reply","object_id":"{id}","snapshot":{{"text":"I think transformer architectures will continue to dominate NLP for the foreseeable future."}}}}],"payload":{{"jumpUrl":"https://community.example.com/threads/12345","tags":["ai","discussion"]}}}}"#
    )
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let launch = Launch {
        bin: bench.bin.clone(),
        data: bench.work.join("ingest"),
        flags: &["--model", "echo"],
        environment: &[],
    };
    let server = launch.start().await?;
    let token = format!("Bearer {TOKEN}");
    let path = format!("{API}/secondme/agent_memory/ingest");
    let info = format!("{API}/secondme/user/info");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let load = |method, path, body, connections| Load {
        address: server.address,
        pid: server.pid(),
        method,
        path,
        headers: &headers,
        body,
        connections,
        seconds: bench.options.seconds,
    };
    let single = event(EACH);
    let same = event("always_the_same");
    let array = format!("[{}]", vec![event(&format!("{EACH}_PLACE")); ARRAY].join(","));
    let array = (0..ARRAY).fold(array, |text, n| text.replacen("PLACE", &n.to_string(), 1));
    let new = load("POST", &path, &single, 128);
    let known = load("POST", &path, &same, 128);
    let arrays = load("POST", &path, &array, 4);
    let read = load("GET", &info, "", 128);
    let one = load("POST", &path, &single, 1);
    bench.report.begin("Agent-memory ingest (SQLite, `synchronous = full`)", &[launch.command(), new.command()]);
    let rounds = bench.options.rounds;
    let http = read.rounds(rounds.min(3), &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, "step 1, HTTP and token: `GET user/info`", http);
    let duplicate = known.rounds(rounds.min(3), &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, "steps 1 and 2, parsing and the statement: an event that is there already", duplicate);
    let rate = new.rounds(rounds, &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, "all steps, with row and index entry: a new event, 128 connections", rate);
    let lone = one.rounds(rounds.min(3), &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, "a new event, 1 connection", lone);
    let many = arrays.rounds(rounds.min(3), &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, &format!("arrays of {ARRAY} new events, 4 connections"), many);
    let each = many.processor / ARRAY as f64;
    bench.report.row("an event of an array", &format!("{:.0}/s, {each:.0} µs", many.per_second * ARRAY as f64));
    found::measure(bench, &server).await?;
    bench.report.end();
    bench.report.goal("durable single-event ingests", Goal::AtLeast(15_000.0), rate.per_second, "/s");
    server.stop();
    Ok(())
}
