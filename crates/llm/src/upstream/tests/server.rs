//! A server made of bytes: each connection plays the next list of parts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

#[derive(Clone)]
pub(super) enum Part {
    Raw(String),
    /// One HTTP chunk.
    Bytes(Vec<u8>),
    Wait(Duration),
    /// Close without the last chunk.
    Abort,
    /// Wait until the client hangs up.
    UntilClosed,
}

impl Part {
    pub(super) fn text(text: &str) -> Self {
        Part::Bytes(text.as_bytes().to_vec())
    }
}

/// An event stream made of these parts.
pub(super) fn sse(parts: Vec<Part>) -> Vec<Part> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut all = vec![Part::Raw(head.into())];
    let aborted = parts.iter().any(|p| matches!(p, Part::Abort));
    all.extend(parts);
    if !aborted {
        all.push(Part::Raw("0\r\n\r\n".into()));
    }
    all
}

/// A plain answer.
pub(super) fn json_answer(status: u16, body: &str) -> Vec<Part> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    vec![Part::Raw(head)]
}

#[derive(Clone)]
pub(super) struct Seen {
    pub head: String,
    pub body: Value,
}

pub(super) struct Server {
    pub address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    closed: Arc<Notify>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn start(answers: Vec<Vec<Part>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (seen, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, answers.into(), Arc::clone(&seen), Arc::clone(&closed)));
        Self { address, seen, closed, _tasks: tasks }
    }

    pub(super) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }
}

async fn serve(
    listener: TcpListener,
    mut answers: VecDeque<Vec<Part>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    closed: Arc<Notify>,
) {
    let mut connections = JoinSet::new();
    while let Some(parts) = answers.pop_front() {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let request = read_request(&mut socket).await;
        seen.lock().unwrap().push(request);
        let closed = Arc::clone(&closed);
        connections.spawn(async move { play(socket, parts, &closed).await });
    }
    while connections.join_next().await.is_some() {}
}

async fn read_request(socket: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.trim().parse::<usize>().unwrap() {
                return Seen { head: head.into(), body: serde_json::from_str(body).unwrap() };
            }
        }
        assert!(socket.read_buf(&mut bytes).await.unwrap() > 0, "the client hung up early");
    }
}

async fn play(mut socket: TcpStream, parts: Vec<Part>, closed: &Notify) {
    for part in parts {
        let written = match part {
            Part::Raw(text) => socket.write_all(text.as_bytes()).await,
            Part::Bytes(bytes) if bytes.is_empty() => Ok(()),
            Part::Bytes(bytes) => {
                let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
                chunk.extend(bytes);
                chunk.extend(b"\r\n");
                socket.write_all(&chunk).await
            }
            Part::Wait(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Part::Abort => return,
            Part::UntilClosed => {
                let mut rest = [0; 16];
                while socket.read(&mut rest).await.is_ok_and(|n| n > 0) {}
                closed.notify_one();
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
    let _ = socket.shutdown().await;
}
