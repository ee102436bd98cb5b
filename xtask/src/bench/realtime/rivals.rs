//! What an idle socket takes elsewhere: a bare tokio-tungstenite echo server, and a minimal server on Node's `ws`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use futures::{SinkExt, StreamExt};
use tokio::net::TcpListener;

const NODE: &str = "const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false }, () => console.log('127.0.0.1:' + server.address().port));
server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
";

/// A running server; killed when dropped.
pub struct Rival {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Rival {
    /// This program as an echo server.
    pub fn echo() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        Self::start(Command::new(own).args(["bench", "--echo-server", "yes"]))
    }

    /// Node, with `ws` from the package registry.
    pub fn node(work: &Path) -> Result<Self, String> {
        let folder = work.join("node");
        std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        std::fs::write(folder.join("server.js"), NODE).map_err(|e| e.to_string())?;
        let install = ["install", "--silent", "--no-fund", "--no-audit", "--prefix", ".", "ws@8"];
        let installed = Command::new("npm").args(install).current_dir(&folder).stdout(Stdio::null()).status();
        if !installed.is_ok_and(|status| status.success()) {
            return Err("npm install ws failed".into());
        }
        Self::start(Command::new("node").arg("server.js").current_dir(&folder))
    }

    /// Starts a server that prints its address first.
    fn start(command: &mut Command) -> Result<Self, String> {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| e.to_string())?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                drop(child.kill());
                drop(child.wait());
                Err(format!("no address: {line:?}"))
            }
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Accepts sockets and gives back what they say, with tokio-tungstenite as it comes.
pub async fn echo_server() -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
    println!("{}", listener.local_addr().map_err(|e| e.to_string())?);
    loop {
        let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
        tokio::spawn(async move {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}
