//! Traces: a real process sends them to a collector, and they say how things hang together and nothing of what was said.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::Client;
use serde_json::{Value, json};

use crate::harness::ADA;
use crate::process::{ready_url, secondme};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What a collector was sent.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<Bytes>>>);

impl Collected {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = self.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            assert_eq!(headers["content-type"], "application/json");
            assert_eq!(headers["authorization"], "Bearer collector");
            kept.0.lock().unwrap().push(body);
        };
        let routes = Router::new().route("/v1/traces", post(take));
        tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, routes).await.unwrap() });
        url
    }

    fn spans(&self) -> Vec<Value> {
        let bodies = self.0.lock().unwrap();
        let spans = bodies.iter().flat_map(|body| {
            let body: Value = serde_json::from_slice(body).unwrap();
            let resource = &body["resourceSpans"][0];
            assert!(resource["resource"].to_string().contains("\"secondme\""), "{resource}");
            resource["scopeSpans"][0]["spans"].as_array().unwrap().clone()
        });
        spans.collect()
    }

    fn one(&self, name: &str) -> Value {
        let spans = self.spans();
        let found: Vec<_> = spans.iter().filter(|span| span["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name} in {:?}", spans.iter().map(|s| &s["name"]).collect::<Vec<_>>());
        found[0].clone()
    }
}

fn attribute(span: &Value, key: &str) -> Value {
    let all = span["attributes"].as_array().unwrap();
    all.iter().find(|a| a["key"] == key).map(|a| a["value"].clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_its_model_and_its_job_are_one_trace() {
    secondme_llm::install_tls();
    let collected = Collected::default();
    let url = collected.listen().await;
    let dir = tempfile::tempdir().unwrap();
    let mut child = secondme(dir.path())
        .args(["serve", "--demo", "--model", "echo", "--listen", "127.0.0.1:0"])
        .env("SECONDME_TRACES__URL", &url)
        .env("SECONDME_TRACES__AUTHORIZATION", "Bearer collector")
        .env("SECONDME_TRACES__TRUST_CLIENTS", "true")
        .env("SECONDME_LOG__FILTER", "info")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut child, base) = tokio::task::spawn_blocking(move || {
        let url = ready_url(&mut child);
        (child, url)
    })
    .await
    .unwrap();
    let http = Client::builder().build().unwrap();
    let ask = async |path: &str, body: Value| {
        let request = http.post(format!("{base}/gate/lab/api/secondme/{path}")).bearer_auth(ADA);
        let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01")).json(&body);
        request.send().await.unwrap().text().await.unwrap()
    };
    let said = ask("chat/stream", json!({"message": "xylophone"})).await;
    assert!(said.contains("xylophone") && said.ends_with("data: [DONE]\n\n"), "{said}");
    // A link is fetched by a job; that it leads nowhere is no matter.
    ask("note/add", json!({"memoryType": "LINK", "urls": ["http://127.0.0.1:9/xylophone"]})).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let status = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let request = collected.one("POST /gate/lab/api/secondme/chat/stream");
    assert_eq!((&request["traceId"], &request["parentSpanId"]), (&json!(TRACE), &json!(PARENT)));
    assert_eq!(attribute(&request, "http.response.status_code"), json!({"intValue": "200"}));
    let lasted = |span: &Value| {
        let at = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        at("endTimeUnixNano") - at("startTimeUnixNano")
    };
    assert!((1..60_000_000_000).contains(&lasted(&request)), "{request}");
    let model = collected.one("secondme/nano");
    assert_eq!((&model["traceId"], &model["parentSpanId"]), (&request["traceId"], &request["spanId"]));
    assert!(attribute(&model, "gen_ai.usage.output_tokens")["intValue"].is_string(), "{model}");
    let adding = collected.one("POST /gate/lab/api/secondme/note/add");
    let job = collected.spans().into_iter().find(|span| span["kind"] == 5 && span["parentSpanId"] == adding["spanId"]);
    let job = job.unwrap_or_else(|| panic!("no job of {adding}"));
    assert_eq!((&job["name"], &job["traceId"]), (&json!("memory.fetch_links"), &adding["traceId"]));
    assert_eq!(attribute(&job, "job.attempt"), json!({"intValue": "1"}));
    // Nothing of what was said or shown at the door, in any of them.
    for body in collected.0.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains("xylophone") && !text.contains("lba_at_"), "{text}");
    }
    // The log is as it was without traces.
    let mut log = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut log).unwrap();
    let line = log.lines().find(|line| line.contains("chat/stream")).unwrap();
    assert!(line.contains("request_id=") && !line.contains("otel."), "{line}");
}
