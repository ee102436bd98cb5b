//! What `deploy/` says is true: alerts and dashboard watch what the server measures, every fault has its alert, settings exist, and
//! nginx with the printed configuration passes streams and sockets as they come.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use secondme_bus::LocalBus;
use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use secondme_server::access::Requested;
use secondme_server::users::accounts::{self, NewUser};
use secondme_server::users::keys;
use serde_json::{Value, json};

use crate::harness::{Setup, Socket, TestDb, World, answer, assembled, both, data, events, free_port};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every word of `text` that begins so.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    parts.filter(|word| word.starts_with(prefix)).map(str::to_owned).collect()
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, all);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(&entry).unwrap());
        }
    }
}

/// The alerts, in their order.
fn alerts() -> Vec<String> {
    let rules = text("deploy/prometheus/alerts.yml");
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_are_measured() {
    let mut code = String::new();
    sources(&repository("crates/server/src"), &mut code);
    for file in ["deploy/prometheus/alerts.yml", "deploy/grafana/secondme.json"] {
        let asked = words(&text(file), "secondme_");
        assert!(!asked.is_empty());
        for name in asked {
            let plain = name.strip_suffix("_bucket").unwrap_or(&name);
            assert!(code.contains(&format!("\"{plain}\"")), "{file} asks for {name}, which nobody measures");
        }
    }
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/secondme.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    assert!(panels.iter().all(|panel| panel["targets"].as_array().is_some_and(|targets| !targets.is_empty())));
}

#[test]
fn every_fault_in_the_book_has_an_alert_and_every_alert_is_in_the_book() {
    let operations = text("docs/OPERATIONS.md");
    let (_, faults) = operations.split_once("\n## When something fails\n").unwrap();
    let (faults, _) = faults.split_once("\n## ").unwrap();
    let rows: Vec<&str> = faults.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 12, "{rows:?}");
    let known: BTreeSet<String> = alerts().into_iter().collect();
    let mut named = BTreeSet::new();
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let alerts = words(last, "SecondMe");
        assert!(!alerts.is_empty(), "no alert: {row}");
        assert!(alerts.is_subset(&known), "unknown alert: {row}");
        named.extend(alerts);
    }
    let beside = words(&operations, "SecondMe");
    let silent: Vec<_> = known.difference(&beside).collect();
    assert!(silent.is_empty(), "docs/OPERATIONS.md does not say what {silent:?} means");
    assert!(named.len() > 10, "{named:?}");
}

/// The settings of compose file and units are settings of the server.
#[test]
fn printed_settings_exist() {
    let mut command = crate::process::secondme(tempfile::tempdir().unwrap().path());
    let compose = text("deploy/compose/compose.yml");
    let mut count = 0;
    for line in compose.lines().map(str::trim).filter(|line| line.starts_with("SECONDME_")) {
        let (name, value) = line.split_once(": ").unwrap();
        // What the environment would fill in.
        let (before, rest) = value.split_once("${").unwrap_or((value, ""));
        let (inside, after) = rest.split_once('}').unwrap_or(("", rest));
        let default = inside.split_once(":-").map_or("5a", |(_, default)| default);
        let value = format!("{before}{}{after}", if inside.is_empty() { "" } else { default });
        let value = if name.ends_with("SECRET_KEY") && name.contains("SERVER") { "5a".repeat(32) } else { value };
        command.env(name, value);
        count += 1;
    }
    assert!(count > 10);
    let dir = tempfile::tempdir().unwrap();
    let output = command.current_dir(dir.path()).args(["config", "check"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dockerfile = text("deploy/Dockerfile");
    for name in words(&dockerfile, "SECONDME_") {
        assert!(
            ["SECONDME_SERVER__DATA_DIR", "SECONDME_SERVER__LISTEN", "SECONDME_LOG__FORMAT"].contains(&name.as_str()),
            "{name}"
        );
    }
}

/// nginx with the printed configuration in front of these ports; killed when dropped.
struct Nginx {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Workers go with their master when it is asked, not when it is killed.
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if asked.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "where nginx is, the environment may say")]
fn binary() -> Option<PathBuf> {
    let named = std::env::var("SECONDME_NGINX").ok().map(PathBuf::from);
    let path = std::env::var("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).map(|dir| dir.join("nginx"));
    named.into_iter().chain(found).find(|file| file.is_file())
}

impl Nginx {
    /// None, and it is said, where nginx is not installed and need not be.
    async fn start(nodes: [u16; 3]) -> Option<Self> {
        let Some(binary) = binary() else {
            assert!(
                std::env::var_os("SECONDME_REQUIRE_SERVICES").is_none_or(|value| value != "1"),
                "nginx is not installed"
            );
            #[expect(clippy::print_stderr, reason = "a test that was left out must be seen")]
            {
                eprintln!("SKIPPED: nginx is not installed (PATH or SECONDME_NGINX)");
            }
            return None;
        };
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let place = |name: &str| dir.path().join(name).display().to_string();
        let mut config = text("deploy/compose/nginx.conf");
        for (n, node) in nodes.iter().enumerate() {
            let printed = format!("server node{}:8787", n + 1);
            assert!(config.contains(&printed));
            config = config.replace(&printed, &format!("server 127.0.0.1:{node}"));
        }
        config = config.replace("listen 8080;", &format!("listen 127.0.0.1:{port};"));
        let mut temporary = "access_log off;\n".to_owned();
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            temporary.push_str(&format!("    {kind}_temp_path {};\n", place(kind)));
        }
        config = config.replace("http {", &format!("http {{\n    {temporary}"));
        // Where tests run as root, nginx would let nobody's workers into the folder.
        let root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
        let head = format!("{}pid {};\nerror_log stderr warn;\n", if root { "user root;\n" } else { "" }, place("pid"));
        std::fs::write(dir.path().join("nginx.conf"), head + &config).unwrap();
        let run = |more: &[&str]| {
            let mut command = Command::new(&binary);
            command.arg("-p").arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf")).args(more);
            command
        };
        let checked = run(&["-t"]).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let child = run(&["-g", "daemon off;"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let this = Self { child, port, _dir: dir };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(this)
    }
}

fn port_of(world: &World) -> u16 {
    world.url.rsplit(':').next().unwrap().parse().unwrap()
}

both! {
    async fn nginx_passes_streams_and_sockets_as_they_come(db: TestDb) {
        let pieces = (0..4).flat_map(|n| [Step::text(format!("{n} ")), Step::Wait(Duration::from_millis(250))]).collect();
        let bus = Arc::new(LocalBus::default());
        let node = |model| {
            let mut setup = Setup { bus: bus.clone(), model, ..Setup::default() };
            setup.config.server.trusted_proxies = vec!["127.0.0.1".to_owned()];
            setup.config.limits.address_per_minute = 100;
            setup
        };
        let world = World::with(db, node(Scripted::new(pieces))).await;
        let other = world.beside(node(Scripted::echo())).await;
        // The third node is dead.
        let Some(nginx) = Nginx::start([port_of(&world), port_of(&other), free_port()]).await else { return };
        let url = format!("http://127.0.0.1:{}", nginx.port);
        let new = NewUser { email: "a@example.org", password: "correct horse", name: "x" };
        let id = accounts::create(&world.app, &new).await.unwrap();
        let token = keys::create(&world.app, id, "k", &Requested::all()).await.unwrap();
        let post = async |path: &str, body: &Value| {
            let request = world.http.post(format!("{url}/gate/lab/api/{path}")).bearer_auth(&token).json(body);
            answer(request.send().await.unwrap()).await
        };

        // Writes are done once, whichever node is asked first.
        for n in 0..30 {
            data(post("secondme/note/add", &json!({"memoryType": "TEXT", "content": format!("through nginx {n}")})).await);
        }
        let count = secondme_store::sql!("SELECT COUNT(*) AS n FROM notes WHERE user_id = $1");
        let row = world.app.store().opt(count, secondme_store::params![id]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 30);

        // A stream comes in pieces, not at its end: with either node, the slow one among them.
        let mut slow = 0;
        for n in 0..6 {
            let request = world.http.post(format!("{url}/gate/lab/api/secondme/chat/stream")).bearer_auth(&token);
            let response = request.json(&json!({"message": format!("hello {n}")})).send().await.unwrap();
            assert_eq!(response.status(), 200);
            let (mut body, mut said, mut first) = (response.bytes_stream(), String::new(), None);
            while let Some(piece) = body.next().await {
                said.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
                if first.is_none() && said.contains("choices") {
                    first = Some(Instant::now());
                }
            }
            let whole: String = events(&said).iter().filter_map(|event| event.delta()).collect();
            if whole == "0 1 2 3 " {
                let spread = first.unwrap().elapsed();
                assert!(spread > Duration::from_millis(600), "the pieces came within {spread:?}");
                slow += 1;
            } else {
                assert_eq!(whole, format!("You said: hello {n}"));
            }
        }
        assert!(slow > 0, "both nodes are asked");

        // A socket passes, and so do its frames.
        let avatar = data(post("secondme/avatar/create", &json!({"title": "Open"})).await);
        let key = json!({"avatarId": avatar["avatarId"].as_i64().or(avatar["id"].as_i64()).unwrap(), "name": "k"});
        let key = data(post("secondme/avatar/api-key/create", &key).await)["secretKey"].clone();
        let session = data(post("secondme/visitor-chat/init", &json!({"apiKey": key})).await);
        let address = session["wsUrl"].as_str().unwrap();
        let (_, rest) = address.split_once("://").unwrap();
        let (_, path) = rest.split_once('/').unwrap();
        let mut socket = Socket::open(&format!("ws://127.0.0.1:{}/{path}", nginx.port)).await;
        let said = json!({"sessionId": session["sessionId"], "apiKey": key, "message": "hi"});
        data(post("secondme/visitor-chat/send", &said).await);
        let reply = assembled(&socket.replies(1).await).remove(0);
        assert!(["0 1 2 3 ", "You said: hi"].contains(&reply.as_str()), "{reply}");

        // Who asks is the client, not the proxy: its limit, and what nobody outside is to see.
        let mut told = Vec::new();
        for _ in 0..2 {
            let asked = world.http.get(format!("{url}/gate/lab/api/secondme/user/info")).bearer_auth(&token).header("X-Forwarded-For", "6.6.6.6");
            told.push(asked.send().await.unwrap().headers().contains_key("ratelimit-limit"));
        }
        assert_eq!(world.http.get(format!("{url}/metrics")).send().await.unwrap().status(), 404);
        assert_eq!(world.http.get(format!("{url}/readyz")).send().await.unwrap().status(), 200);
        // A file as large as it may be is let through, one that is larger is refused by nginx.
        let most = world.app.config().server.body_max_bytes;
        for (size, refused) in [(most - 1_000, false), (most + 1_000_000, true)] {
            let request = world.http.post(format!("{url}/gate/lab/api/secondme/note/add")).bearer_auth(&token).body(vec![b'x'; size]);
            let status = request.send().await.map(|answer| answer.headers().contains_key("x-request-id"));
            assert_eq!(status.unwrap_or(false), !refused, "{size}");
        }
        assert!(told.iter().all(|limited| *limited), "{told:?}");
    }
}
