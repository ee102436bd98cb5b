//! `skills/secondme/SKILL.md`: what it tells agents to call is there, and takes what it says.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use secondme_kit::secret::sha256;
use secondme_server::demo;
use serde_json::{Value, json};

use crate::harness::{Browser, TestDb, World, both, data};
use crate::integrations::{private_world, released, todos};

const TEXT: &str = include_str!("../../../../skills/secondme/SKILL.md");
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The texts between backticks, in order.
fn spans() -> Vec<&'static str> {
    TEXT.split('`').skip(1).step_by(2).collect()
}

/// Every call of the table with its body, if it has one. `…` and names in braces are filled in.
fn calls() -> Vec<(Method, String, Option<Value>)> {
    let spans = spans();
    let filled = |text: &str| {
        text.replace('…', "The hive by the fig tree").replace("{skillKey}", "todo").replace("yyyy-MM-dd", "2025-06-15")
    };
    let mut calls = Vec::new();
    for (at, span) in spans.iter().enumerate() {
        let Some((method, path)) = span.split_once(' ').filter(|(_, path)| path.starts_with("/secondme/")) else {
            continue;
        };
        let body = spans.get(at + 1).filter(|next| method == "POST" && next.starts_with('{'));
        let body = body.map(|body| serde_json::from_str(&filled(body)).unwrap_or_else(|e| panic!("{body}: {e}")));
        calls.push((method.parse().unwrap(), filled(path), body));
    }
    calls
}

/// Logs in as the text says; the token.
async fn logged_in(world: &World) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let page = spans().into_iter().find(|span| span.contains("/auth/skills?challenge=")).unwrap();
    let page = page.strip_prefix("$SECONDME_URL").unwrap().replace("<challenge>", &challenge);
    let mut browser = Browser::new(&world.http, &world.url);
    let login = browser.open(&page).await;
    let asked = browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", demo::PASSWORD)]).await;
    let shown = browser.submit(&asked, "action=\"/auth/skills\"", &[]).await;
    let code: String = shown.html[shown.html.find("lba_ac_").unwrap()..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    let body = spans().into_iter().find(|span| span.contains("codeVerifier")).unwrap();
    let body: Value = serde_json::from_str(&body.replace("<code>", &code).replace("<verifier>", VERIFIER)).unwrap();
    assert!(spans().contains(&"POST {BASE}/auth/skills/token"));
    data(world.post("auth/skills/token", "", &body).await)["accessToken"].as_str().unwrap().to_owned()
}

both! {
    async fn every_call_of_the_skill_text_works(db: TestDb) {
        let world = private_world(db).await;
        let (_, url) = todos(&world).await;
        released(&world, &url).await;
        let token = logged_in(&world).await;
        let calls = calls();
        assert_eq!(calls.len(), 12, "{calls:?}");
        for (method, path, body) in &calls {
            let request = world.request(method.clone(), path.trim_start_matches('/'), &token);
            let request = match body {
                Some(body) => request.json(body),
                None => { assert_eq!(method, Method::GET, "{path}"); request }
            };
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let text = response.text().await.unwrap();
            let whole: Result<Value, _> = serde_json::from_str(&text);
            assert!(whole.is_ok_and(|body| body["code"] == 0) || text.ends_with("data: [DONE]\n\n") && !text.contains("event: error"), "{path}: {text}");
        }
        // What it kept is found again, by the very calls of the table.
        let searched = calls.iter().filter(|(_, path, _)| path.contains("keyword=")).map(|(_, path, _)| path.trim_start_matches('/'));
        for path in searched.collect::<BTreeSet<_>>() {
            let found = data(world.get(path, &token).await);
            assert!(found["list"].as_array().unwrap().iter().any(|row| row.to_string().contains("hive")), "{path}: {found}");
        }
        let detail = data(world.get("secondme/extensions/detail/todo", &token).await);
        assert!(detail["generatedSkillFiles"].is_object());
        for page in ["/docs", "/openapi.json"] {
            assert!(TEXT.contains(&format!("$SECONDME_URL{page}")) && world.http.get(format!("{}{page}", world.url)).send().await.unwrap().status().is_success());
        }
        let mcp = world.http.post(format!("{}/mcp", world.url)).json(&json!({})).send().await.unwrap();
        assert!(TEXT.contains("$SECONDME_URL/mcp") && mcp.status() == 401 && mcp.headers().contains_key("www-authenticate"));
    }
}
