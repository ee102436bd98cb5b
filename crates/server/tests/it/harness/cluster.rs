//! Three processes of the server on one PostgreSQL and one NATS, and the balancer before them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use secondme_kit::Entropy;
use secondme_store::testing::PrivatePostgres;
use serde_json::Value;
use tokio::net::TcpStream;

use super::free_port;
use crate::visitor::killed;

/// Processes that a cluster has.
pub const NODES: usize = 3;

/// A process of the cluster, which has the same port in every life.
pub struct Node {
    pub port: u16,
    pub child: Option<Child>,
    /// Another version than this one.
    pub old: Option<PathBuf>,
}

/// Processes of the server on one PostgreSQL and one NATS.
pub struct Cluster {
    dir: tempfile::TempDir,
    settings: Vec<(String, String)>,
    pub nodes: Vec<Node>,
    nats: Option<Child>,
    pub postgres: PrivatePostgres,
}

impl Cluster {
    pub fn new(upstream: &str, proxy: u16, old: Option<&Path>) -> Self {
        let postgres = PrivatePostgres::start(true).unwrap().expect("PostgreSQL is installed");
        let mut settings = killed::settings(upstream);
        let mut set = |name: &str, value: String| settings.push((name.to_owned(), value));
        set("SECONDME_DATABASE__URL", postgres.url("postgres").expose().to_owned());
        set("SECONDME_SERVER__SECRET_KEY", "5a".repeat(32));
        set("SECONDME_SERVER__SHUTDOWN_SECONDS", "3".to_owned());
        set("SECONDME_SERVER__PUBLIC_URL", format!("http://127.0.0.1:{proxy}"));
        let port = free_port();
        let mut nats = Command::new("nats-server");
        nats.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let nats = nats.spawn().ok();
        if nats.is_some() {
            set("SECONDME_BUS__URL", format!("nats://127.0.0.1:{port}"));
        }
        let nodes = (0..NODES).map(|_| Node { port: free_port(), child: None, old: old.map(Path::to_owned) }).collect();
        Self { dir: tempfile::tempdir().unwrap(), settings, nodes, nats, postgres }
    }

    pub fn command(&self, old: Option<&Path>) -> Command {
        let mut command = crate::process::secondme(self.dir.path());
        if let Some(old) = old {
            command = Command::new(old);
            command.arg("--data-dir").arg(self.dir.path()).current_dir(self.dir.path());
        }
        command.envs(self.settings.iter().map(|(k, v)| (k, v)));
        command
    }

    pub fn start(&mut self, at: usize) {
        let mut command = self.command(self.nodes[at].old.as_deref());
        let address = format!("127.0.0.1:{}", self.nodes[at].port);
        command.args(["serve", "--demo", "--listen", &address]).stdout(Stdio::null());
        self.nodes[at].child = Some(command.spawn().unwrap());
    }

    pub fn kill(&mut self, at: usize, signal: &str) {
        let Some(mut child) = self.nodes[at].child.take() else { return };
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        child.wait().unwrap();
    }

    pub fn run(&self, args: &[&str]) -> Value {
        let output = self.command(self.nodes[0].old.as_deref()).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().filter_map(|n| n.child.as_mut()).chain(self.nats.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What balancers do: each connection goes to a node that takes it.
pub async fn proxy(listener: tokio::net::TcpListener, ports: Vec<u16>) {
    let entropy = Entropy::seeded(5);
    while let Ok((mut client, _)) = listener.accept().await {
        let (first, ports) = (entropy.below(ports.len() as u64) as usize, ports.clone());
        tokio::runtime::Handle::current().spawn(async move {
            for at in 0..ports.len() {
                if let Ok(mut node) = TcpStream::connect(("127.0.0.1", ports[(first + at) % ports.len()])).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                    return;
                }
            }
        });
    }
}
