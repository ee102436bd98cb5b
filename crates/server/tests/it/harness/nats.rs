//! A NATS server of its own for a story.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A NATS server; it ends with this.
pub struct Nats {
    /// `nats://127.0.0.1:<port>`.
    pub url: String,
    /// The port alone.
    pub port: u16,
    child: Child,
}

impl Nats {
    /// Starts one and waits until it answers. None where it is not installed, unless the services are required.
    pub async fn start() -> Option<Self> {
        // The listener must be gone before the server wants the port.
        let port = super::free_port();
        Self::on(port).await
    }

    /// The same on a port that is free: where one was before.
    pub async fn on(port: u16) -> Option<Self> {
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            let required = ["CI", "SECONDME_REQUIRE_SERVICES"].iter().any(|name| std::env::var_os(name).is_some());
            assert!(!required, "nats-server is required here");
            #[expect(clippy::print_stderr, reason = "a test that was left out must be seen")]
            {
                eprintln!("SKIPPED: nats-server is not installed");
            }
            return None;
        };
        let this = Self { port, url: format!("nats://127.0.0.1:{port}"), child };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(this)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
