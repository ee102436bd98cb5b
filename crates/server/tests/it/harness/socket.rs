//! A visitor's client: follows the documented assembly, and keeps the cursor that clients may keep.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

const PATIENCE: Duration = Duration::from_secs(20);

impl Socket {
    pub async fn open(url: &str) -> Self {
        Self(connect_async(url).await.unwrap().0)
    }

    /// The next frame; `None` when the socket was closed.
    pub async fn frame(&mut self) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("no frame came");
            match message? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Frames up to and including the one that ends the `count`th reply.
    pub async fn replies(&mut self, count: usize) -> Vec<Value> {
        let (mut frames, mut ended) = (Vec::new(), 0);
        while ended < count {
            let frame = self.frame().await.unwrap_or_else(|| panic!("closed after {frames:?}"));
            ended += usize::from(frame["index"] == -1);
            frames.push(frame);
        }
        frames
    }

    /// The code with which the server closes.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("it was not closed") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("closed without a code: {other:?}"),
            }
        }
    }

    /// Whether nothing comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        let moment = Duration::from_millis(300);
        let text = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        };
        tokio::time::timeout(moment, text).await.is_err()
    }

    /// Answers pings for a moment, so that the server knows how far we are.
    pub async fn answer_pings(&mut self) {
        assert!(self.is_silent().await);
        let _ = futures::SinkExt::flush(&mut self.0).await;
    }
}

/// The texts of the replies in `frames`, assembled as the documents say.
pub fn assembled(frames: &[Value]) -> Vec<String> {
    let (mut replies, mut current) = (Vec::new(), String::new());
    for frame in frames.iter().filter(|f| f["sender"] == "umm") {
        if frame["index"] == -1 {
            replies.push(std::mem::take(&mut current));
            continue;
        }
        current.push_str(frame["multipleData"][0]["modal"]["answer"].as_str().unwrap());
    }
    replies
}

/// The cursors of `frames`.
pub fn cursors(frames: &[Value]) -> Vec<i64> {
    frames.iter().map(|f| f["cursor"].as_i64().unwrap()).collect()
}

/// The address with which a client goes on after `cursor`.
pub fn from_cursor(url: &str, cursor: i64) -> String {
    format!("{url}&cursor={cursor}")
}
