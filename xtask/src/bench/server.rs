//! The server under test: the release binary as a child process with a data folder of its own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use super::http::{Connection, request};

/// The demo user's token: fixed by `serve --demo`.
pub const TOKEN: &str = "lba_at_demo_ada";
/// Where the API lives.
pub const API: &str = "/gate/lab/api";

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start to its first answered `user/info`.
    pub first_answer: Duration,
    data: PathBuf,
}

/// How a server is started.
pub struct Launch<'a> {
    /// The binary.
    pub bin: PathBuf,
    /// The data folder; made when absent.
    pub data: PathBuf,
    /// Flags after `serve --demo --listen … --data-dir …`.
    pub flags: &'a [&'a str],
    /// Environment.
    pub environment: &'a [(&'a str, &'a str)],
}

impl Launch<'_> {
    /// What a person would type.
    pub fn command(&self) -> String {
        let environment: String = self.environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let flags: String = self.flags.iter().map(|flag| format!(" {flag}")).collect();
        format!("{environment}secondme serve --demo --listen 127.0.0.1:PORT --data-dir TMP{flags} 2>FILE >/dev/null")
    }

    /// Starts it and waits for its first answer.
    pub async fn start(&self) -> Result<Server, String> {
        std::fs::create_dir_all(&self.data).map_err(|e| format!("{}: {e}", self.data.display()))?;
        let address = free_address()?;
        let log = File::create(self.data.join("server.log")).map_err(|e| format!("server.log: {e}"))?;
        let mut command = Command::new(&self.bin);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SECONDME_")) {
            command.env_remove(name);
        }
        command
            .args(["serve", "--demo", "--listen", &address.to_string(), "--data-dir"])
            .arg(&self.data)
            .args(self.flags)
            .envs(self.environment.iter().copied())
            .current_dir(&self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let begun = Instant::now();
        let child = command.spawn().map_err(|e| format!("{}: {e}", self.bin.display()))?;
        let mut server = Server { child, address, first_answer: Duration::ZERO, data: self.data.clone() };
        server.wait_for_answer(begun).await?;
        server.first_answer = begun.elapsed();
        Ok(server)
    }
}

impl Server {
    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks once, over a connection of its own.
    pub async fn ask(&self, request: &[u8]) -> Result<Value, String> {
        let mut connection = Connection::open(self.address).await.map_err(|e| self.failed(&e.to_string()))?;
        let (head, body) = connection.ask(request).await.map_err(|e| self.failed(&e.to_string()))?;
        let value: Value =
            serde_json::from_slice(&body).map_err(|e| self.failed(&format!("{e}: status {}", head.second)))?;
        if head.is_ok() { Ok(value) } else { Err(self.failed(&format!("{}: {value}", head.second))) }
    }

    /// Waits until the model behind `secondme/nano` is loaded.
    pub async fn wait_for_model(&self) -> Result<(), String> {
        let ask = request("GET", "/readyz", &[], "");
        for _ in 0..1_200 {
            if self.ask(&ask).await.is_ok_and(|v| v.pointer("/models/nano").and_then(Value::as_str) == Some("ready")) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(self.failed("its model was not ready after two minutes"))
    }

    async fn wait_for_answer(&mut self, begun: Instant) -> Result<(), String> {
        let ask = user_info();
        while begun.elapsed() < Duration::from_secs(60) {
            if let Ok(mut connection) = Connection::open(self.address).await
                && connection.ask(&ask).await.is_ok_and(|(head, _)| head.is_ok())
            {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(&format!("it ended with {status}")));
            }
            sleep(Duration::from_millis(1)).await;
        }
        Err(self.failed("no answer within a minute"))
    }

    /// Ends it as Ctrl-C would, and waits.
    pub fn stop(mut self) {
        let asked = Command::new("kill").args(["-INT", &self.pid().to_string()]).status();
        if asked.is_ok_and(|status| status.success()) {
            drop(self.child.wait());
        }
    }

    /// A failure with the last lines of the server's log.
    fn failed(&self, why: &str) -> String {
        let log = std::fs::read_to_string(self.data.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("the server failed: {why}\n{}", lines[lines.len().saturating_sub(12)..].join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The request for the caller's profile.
pub fn user_info() -> Vec<u8> {
    let token = format!("Bearer {TOKEN}");
    request("GET", &format!("{API}/secondme/user/info"), &[("authorization", &token)], "")
}

/// A free port of this machine. Taken and given back: the server's own port 0 would have to be read from a file first, which
/// would hide its true start time.
fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| format!("no free port: {e}"))?;
    listener.local_addr().map_err(|e| format!("no free port: {e}"))
}
