//! A receiver of webhooks that answers by a script and keeps what it was sent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One answer.
#[derive(Clone, Debug)]
pub enum Say {
    /// A status, with headers (`Retry-After: 7\r\n`).
    Status(u16, String),
    /// Nothing, and the connection stays open.
    Hang,
    /// The connection is closed without an answer.
    Close,
}

/// What was sent.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Delivery {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Receiver {
    pub url: String,
    seen: Arc<Mutex<Vec<Delivery>>>,
    script: Arc<Mutex<VecDeque<Say>>>,
}

impl Receiver {
    /// Plays the script, then answers 200 for ever.
    pub async fn new(script: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let this = Self { url, seen: Arc::default(), script: Arc::new(Mutex::new(script.into())) };
        let (seen, script) = (Arc::clone(&this.seen), Arc::clone(&this.script));
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script)));
            }
        });
        this
    }

    pub fn then(&self, say: Say) {
        self.script.lock().unwrap().push_back(say);
    }

    pub fn seen(&self) -> Vec<Delivery> {
        self.seen.lock().unwrap().clone()
    }
}

impl Say {
    pub fn status(code: u16) -> Self {
        Self::Status(code, String::new())
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Delivery>>>, script: Arc<Mutex<VecDeque<Say>>>) {
    while let Some(delivery) = read(&mut stream).await {
        seen.lock().unwrap().push(delivery);
        let say = script.lock().unwrap().pop_front().unwrap_or(Say::status(200));
        match say {
            Say::Status(code, headers) => {
                let text = format!("HTTP/1.1 {code} X\r\n{headers}Content-Length: 4\r\n\r\nbody");
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Say::Hang => std::future::pending().await,
            Say::Close => return,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Delivery> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
            let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<_, _> = pairs.map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
            let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
            while bytes.len() < at + 4 + length {
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
            return Some(Delivery {
                headers,
                body: String::from_utf8(bytes[at + 4..at + 4 + length].to_vec()).unwrap(),
            });
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
