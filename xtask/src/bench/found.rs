//! How soon a memory is found: it is written over HTTP, and in the same moment a question is asked whose answer must have it among
//! its sources. The whole turn is timed, so the figures are an upper bound.

use std::time::Instant;

use serde_json::{Value, json};

use super::Bench;
use super::http::{Connection, request};
use super::report::Goal;
use super::samples::Samples;
use super::server::{API, Server, TOKEN};

/// Memories that are written and looked for.
const TIMES: usize = 200;

pub async fn measure(bench: &mut Bench, server: &Server) -> Result<(), String> {
    let mut api = Api { connection: Connection::open(server.address).await.map_err(|e| e.to_string())? };
    let samples = bench.report.round(async || written_and_found(&mut api).await).await?;
    let value = format!("p50 {:.1} ms, p99 {:.1} ms (all of {TIMES} were found)", samples.ms(0.5), samples.ms(0.99));
    bench.report.row("from the answer to a write to the end of a turn whose prompt has it", &value);
    bench.report.goal("write → findable, p99", Goal::AtMost(1_000.0), samples.ms(0.99), " ms");
    Ok(())
}

async fn written_and_found(api: &mut Api) -> Result<Samples, String> {
    let mut samples = Samples::default();
    for n in 0..TIMES {
        let word = format!("kettle{n}x{}", n * 7_919 % 1_009);
        let event = json!({"channel": {"kind": "shop"}, "action": "buy", "display_text": format!("Bought the {word}"),
            "refs": [{"object_type": "order", "object_id": word}]});
        api.ask("POST", "agent_memory/ingest", &event).await?;
        let begun = Instant::now();
        let stream = api.text("POST", "chat/stream", &json!({"message": format!("What about the {word}?")})).await?;
        samples.add(begun.elapsed());
        let session = stream.split("\"sessionId\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let session = session.ok_or("a chat without a session")?;
        let said = api.ask("GET", &format!("chat/session/messages?sessionId={session}"), &Value::Null).await?;
        let answer = said["messages"].as_array().and_then(|all| all.last()).and_then(|last| last["messageId"].as_str());
        let sources = format!("chat/messages/{}/sources", answer.ok_or("an answer without an id")?);
        let sources = api.ask("GET", &sources, &Value::Null).await?;
        if !sources["sources"].to_string().contains(&word) {
            return Err(format!("what was written was not found: {word}"));
        }
    }
    Ok(samples)
}

struct Api {
    connection: Connection,
}

impl Api {
    async fn text(&mut self, method: &str, path: &str, body: &Value) -> Result<String, String> {
        let token = format!("Bearer {TOKEN}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bytes = request(method, &format!("{API}/secondme/{path}"), &headers, &body);
        let (head, body) = self.connection.ask(&bytes).await.map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&body).into_owned();
        if head.is_ok() { Ok(text) } else { Err(format!("{path}: {} {text}", head.second)) }
    }

    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let text = self.text(method, path, body).await?;
        let mut value: Value = serde_json::from_str(&text).map_err(|e| format!("{path}: {e}"))?;
        Ok(value["data"].take())
    }
}
