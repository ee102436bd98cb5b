//! `kill -9` while users revoke: what was answered was delivered, at least once, under one id.
//!
//! `SECONDME_CRASH_KILLS` and `SECONDME_CRASH_REVOCATIONS` make it longer (100 and 1000 for the full run).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use secondme_server::demo;
use serde_json::{Value, json};

use crate::harness::{ADA, Receiver, Say};

struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL: no time for anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(data: &Path) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_secondme"))
        .arg("--data-dir")
        .arg(data)
        .args(["serve", "--demo", "--model", "echo", "--listen", "127.0.0.1:0"])
        .current_dir(data)
        .envs([("SECONDME_LOG__FILTER", "error"), ("SECONDME_WEBHOOKS__ALLOW_PRIVATE", "true")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("SecondMe is ready: ").map(str::to_owned));
    let url = ready.unwrap().split_whitespace().next().unwrap().replace("localhost", "127.0.0.1");
    Server { child, url }
}

#[expect(clippy::disallowed_methods, reason = "how long to run is the environment's to say")]
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_revocation_is_delivered_whatever_dies() {
    let (kills, revocations) = (number("SECONDME_CRASH_KILLS", 4), number("SECONDME_CRASH_REVOCATIONS", 80));
    secondme_llm::install_tls();
    let data = tempfile::tempdir().unwrap();
    // A receiver that fails now and then, so that retries cross the crashes as well.
    let script = (0..revocations / 2).map(|n| if n % 4 == 1 { Say::Close } else { Say::status(200) }).collect();
    let receiver = Receiver::new(script).await;
    let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let (answered, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut server = start(data.path());
    let change = json!({"authorizationRevokedWebhookUrl": receiver.url, "authorizationRevokedWebhookEnabled": true});
    assert!(post(&http, &server.url, "applications/external/app_demo/update", &change).await.is_some());
    for round in 0..=kills {
        let goal = revocations * (round + 1) / (kills + 1);
        let url = server.url.clone();
        while answered.load(Ordering::SeqCst) < goal {
            cycle(&http, &url, &answered, &sent).await;
            // The kill falls into the middle of a request or a delivery, a little later every time.
            if round < kills && answered.load(Ordering::SeqCst) + 1 >= goal {
                let (http, url, answered, sent) = (http.clone(), url.clone(), answered.clone(), sent.clone());
                #[expect(clippy::disallowed_methods, reason = "a client that goes on while the server dies")]
                let going_on = tokio::spawn(async move { while cycle(&http, &url, &answered, &sent).await {} });
                tokio::time::sleep(Duration::from_millis(3 + (round as u64 * 7) % 40)).await;
                drop(server);
                going_on.await.unwrap();
                server = start(data.path());
                break;
            }
        }
    }
    let log = all_delivered(&http, &server.url).await;
    let (answered, sent) = (answered.load(Ordering::SeqCst), sent.load(Ordering::SeqCst));
    assert!((answered..=sent).contains(&log.len()), "{answered} answered, {sent} sent, {} in the log", log.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in receiver.seen() {
        *seen.entry(delivery.json()["eventId"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(log.iter().all(|id| seen.contains_key(id)), "every event was delivered");
    assert!(seen.keys().all(|id| log.contains(id)), "under its own id, and no other");
    println!(
        "{kills} kills, {answered} revocations answered, {} events, {} deliveries",
        log.len(),
        receiver.seen().len()
    );
}

/// Lets the app in and takes that back; whether the server is there.
async fn cycle(http: &Client, url: &str, answered: &AtomicUsize, sent: &AtomicUsize) -> bool {
    let body = json!({"clientId": demo::CLIENT_ID, "redirectUri": demo::REDIRECT_URI, "scope": ["chat"]});
    if post(http, url, "oauth/authorize/external", &body).await.is_none() {
        return false;
    }
    sent.fetch_add(1, Ordering::SeqCst);
    let ended = post(http, url, "authorizations/app_demo/revoke", &json!({})).await;
    if ended.is_some() {
        answered.fetch_add(1, Ordering::SeqCst);
    }
    ended.is_some()
}

async fn post(http: &Client, url: &str, path: &str, body: &Value) -> Option<Value> {
    let request = http.post(format!("{url}/gate/lab/api/{path}")).bearer_auth(ADA).json(body);
    let response = request.send().await.ok()?;
    let (status, body) = (response.status(), response.json::<Value>().await.ok()?);
    assert_eq!(status, 200, "{path}: {body}");
    Some(body["data"].clone())
}

/// Waits until nothing is pending; the ids of all events.
async fn all_delivered(http: &Client, url: &str) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let mut events = Vec::new();
        for page in 1.. {
            let address = format!(
                "{url}/gate/lab/api/applications/external/app_demo/webhook-deliveries?page_size=100&page={page}"
            );
            let body: Value = http.get(address).bearer_auth(ADA).send().await.unwrap().json().await.unwrap();
            let list = body["data"]["list"].as_array().unwrap().clone();
            let last = list.len() < 100;
            events.extend(list);
            if last {
                break;
            }
        }
        if events.iter().all(|event| event["status"] == "delivered") {
            return events.iter().map(|event| event["eventId"].as_str().unwrap().to_owned()).collect();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{events:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
