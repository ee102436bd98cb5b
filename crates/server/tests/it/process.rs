//! The binary itself: starts, serves, is told to stop, and starts again on the same data.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

pub struct Server {
    child: Child,
    pub url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn secondme(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondme"));
    command.arg("--data-dir").arg(data).current_dir(data);
    command
}

pub fn start(data: &Path, extra: &[&str]) -> Server {
    let mut child = secondme(data)
        .args(["serve", "--demo", "--model", "echo", "--listen", "127.0.0.1:0"])
        .args(extra)
        .env("SECONDME_LOG__FILTER", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let url = ready_url(&mut child);
    Server { child, url }
}

/// What the server says when it can be used.
pub fn ready_url(child: &mut Child) -> String {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if let Some(rest) = line.strip_prefix("SecondMe is ready: ") {
            return rest.split_whitespace().next().unwrap().replace("localhost", "127.0.0.1");
        }
    }
    panic!("the server ended before it was ready");
}

/// The status of a POST as Ada.
pub fn post(url: &str, path: &str, body: &str) -> String {
    let output = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer lba_at_demo_ada"])
        .args(["-H", "Content-Type: application/json", "-d", body, &format!("{url}{path}")])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    pub fn curl(&self, path: &str) -> Value {
        let output = Command::new("curl")
            .args(["-s", "-H", "Authorization: Bearer lba_at_demo_ada", &format!("{}{path}", self.url)])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    pub fn wait(&mut self) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "the server does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_server_stops_on_request_and_finds_its_data_again() {
    let dir = tempfile::tempdir().unwrap();
    for (round, signal) in ["-INT", "-TERM", "-KILL"].into_iter().enumerate() {
        let mut server = start(dir.path(), &[]);
        assert_eq!(server.curl("/readyz")["ready"], true);
        let body = r#"{"message":"hello"}"#;
        let chat = Command::new("curl")
            .args([
                "-sN",
                "-H",
                "Authorization: Bearer lba_at_demo_ada",
                "-H",
                "Content-Type: application/json",
                "-d",
                body,
            ])
            .arg(format!("{}/gate/lab/api/secondme/chat/stream", server.url))
            .output()
            .unwrap();
        assert!(String::from_utf8(chat.stdout).unwrap().ends_with("data: [DONE]\n\n"));
        let list = server.curl("/gate/lab/api/secondme/chat/session/list");
        assert_eq!(list["data"]["sessions"].as_array().unwrap().len(), round + 1);
        server.signal(signal);
        let status = server.wait();
        assert_eq!(status.success(), signal != "-KILL", "{signal}: {status}");
    }
}

/// The allocator reads it before `main`, so the server has to execute itself once more (ADR 0033).
#[cfg(target_os = "linux")]
#[test]
fn a_server_takes_memory_as_it_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", server.child.id())).unwrap();
    assert!(environment.split('\0').any(|variable| variable == "MIMALLOC_ARENA_EAGER_COMMIT=0"), "{environment}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = start(dir.path(), &[]);
    let second = secondme(dir.path()).args(["serve", "--model", "echo", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another process"), "{second:?}");
}

#[test]
fn users_apps_and_keys_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| -> Output { secondme(dir.path()).args(args).output().unwrap() };
    let json = |output: Output| -> Value {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let user = json(run(&["user", "create", "--email", "Grace@Example.org", "--json"]));
    assert_eq!(user["userId"], "1000");
    let again = run(&["user", "create", "--email", "grace@example.org"]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("exists already"));
    let app = json(run(&[
        "app",
        "create",
        "--name",
        "Mine",
        "--redirect-uri",
        "http://localhost:4000/cb",
        "--scopes",
        "chat,user.info",
        "--json",
    ]));
    assert_eq!(app["allowedScopes"], serde_json::json!(["chat", "user.info"]));
    let bad = run(&["app", "create", "--name", "Mine", "--redirect-uri", "javascript:alert(1)"]);
    assert!(!bad.status.success());
    let key = json(run(&["key", "create", "--email", "grace@example.org", "--name", "laptop", "--json"]));
    let users = json(run(&["user", "list", "--json"]));
    assert_eq!(users.as_array().unwrap().len(), 1);
    // Also while a server runs on the data.
    let server = start(dir.path(), &[]);
    let info = |key: &str| {
        let header = format!("Authorization: Bearer {key}");
        let url = format!("{}/gate/lab/api/secondme/user/info", server.url);
        let output = Command::new("curl").args(["-s", "-H", &header, &url]).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(info(key["apiKey"].as_str().unwrap())["data"]["userId"], "1000");
    assert!(run(&["key", "create", "--email", "grace@example.org", "--name", "second"]).status.success());
    assert!(run(&["user", "reset-password", "--email", "grace@example.org"]).status.success());
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secondme.toml"), "[server]\nlissen = \"x\"\n").unwrap();
    let output = secondme(dir.path()).args(["config", "check"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("server.lissen") && text.contains("server.listen"), "{text}");
    std::fs::write(dir.path().join("secondme.toml"), "[bus]\nurl = \"http://u:geheim@h\"\n").unwrap();
    let output = secondme(dir.path()).args(["config", "check"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("bus.url") && !text.contains("geheim"), "{text}");
    let port = crate::harness::free_port();
    let output = secondme(dir.path())
        .args(["serve", "--model", "echo", "--listen", "127.0.0.1:0"])
        .env("SECONDME_BUS__URL", format!("nats://u:geheim@127.0.0.1:{port}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("check bus.url") && !text.contains("geheim"), "{text}");
    std::fs::write(dir.path().join("secondme.toml"), "[database]\nurl = \"postgres://u:geheim@h/d\"\n").unwrap();
    let output = secondme(dir.path()).args(["config", "show", "--redacted"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("[redacted]") && !text.contains("geheim"), "{text}");
}

/// Events reported by several clients at once while the server is killed: what was answered is there, and is there once.
#[test]
fn an_event_is_one_event_across_kills() {
    const ROUNDS: usize = 3;
    let dir = tempfile::tempdir().unwrap();
    let mut answered: Vec<(usize, i64)> = Vec::new();
    for round in 0..ROUNDS {
        let mut server = start(dir.path(), &[]);
        let url = server.url.clone();
        let reports = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (url, reports) = (url.clone(), Arc::clone(&reports));
                std::thread::spawn(move || report_until_refused(&url, round * 1_000, &reports))
            })
            .collect();
        // In the middle of it, however slow the machine is.
        while reports.load(Ordering::Relaxed) < 20 {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.signal("-KILL");
        server.wait();
        for client in clients {
            answered.extend(client.join().unwrap());
        }
    }
    assert!(answered.iter().any(|(_, id)| *id > 0));
    let server = start(dir.path(), &[]);
    let mut stored: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    for page in 1.. {
        let path = format!("/gate/lab/api/secondme/agent_memory/list?platform=kill&pageSize=100&pageNo={page}");
        let items = server.curl(&path)["data"]["items"].as_array().unwrap().clone();
        if items.is_empty() {
            break;
        }
        for item in items {
            *stored.entry(item["refs"][0]["objectId"].as_str().unwrap().parse().unwrap()).or_default() += 1;
        }
    }
    assert!(stored.values().all(|count| *count == 1), "{stored:?}");
    for (object, id) in &answered {
        assert!(stored.contains_key(object), "{object} was answered with event {id} and is gone");
    }
    let firsts: Vec<usize> = answered.iter().filter(|(_, id)| *id > 0).map(|(object, _)| *object).collect();
    let distinct: std::collections::BTreeSet<usize> = firsts.iter().copied().collect();
    assert_eq!(firsts.len(), distinct.len(), "two clients were told that their event was the first");
}

/// Reports the events `from`, `from + 1`, … until the server is gone; what it answered: object and event id.
fn report_until_refused(url: &str, from: usize, reports: &AtomicUsize) -> Vec<(usize, i64)> {
    let mut answered = Vec::new();
    for object in from..from + 1_000 {
        let body = serde_json::json!({"channel": {"kind": "post", "platform": "kill"}, "action": "post",
            "refs": [{"object_type": "post", "object_id": object.to_string()}]});
        let output = Command::new("curl")
            .args([
                "-s",
                "-m",
                "5",
                "-H",
                "Authorization: Bearer lba_at_demo_ada",
                "-H",
                "Content-Type: application/json",
            ])
            .args(["-d", &body.to_string(), &format!("{url}/gate/lab/api/secondme/agent_memory/ingest")])
            .output()
            .unwrap();
        let Ok(answer) = serde_json::from_slice::<Value>(&output.stdout) else { break };
        answered.push((object, answer["data"]["eventId"].as_i64().unwrap()));
        reports.fetch_add(1, Ordering::Relaxed);
    }
    answered
}

#[test]
fn a_role_says_what_a_node_does() {
    let dir = tempfile::tempdir().unwrap();
    let status = |server: &Server, path: &str| {
        let url = format!("{}{path}", server.url);
        let output = Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", &url]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let server = start(dir.path(), &["--role", "worker"]);
    assert_eq!((&*status(&server, "/readyz"), &*status(&server, "/login")), ("200", "404"));
    drop(server);
    let server = start(dir.path(), &["--role", "api"]);
    assert_eq!((&*status(&server, "/readyz"), &*status(&server, "/login")), ("200", "200"));
    drop(server);
    let wrong = secondme(dir.path()).args(["serve", "--role", "boss", "--model", "echo"]).output().unwrap();
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("worker"), "{wrong:?}");
}
