//! `GET /os/ws?wsId=…&authBody=…` (contract 15.3): the log of one conversation over a WebSocket.
//!
//! Sockets are many and mostly silent: what a silent one holds is kept small (buffers, one timer, no queue).

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures::SinkExt;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use super::close::Close;
use super::credential::WS_PATH;
use super::log::Frame;
use super::reader::{Reader, Ticket};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::peer::Peer;

/// The route of sockets, from the root.
pub fn routes() -> Router<App> {
    Router::new().route(WS_PATH, get(open))
}

/// The parameters of an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    ws_id: String,
    auth_body: String,
    #[serde(deserialize_with = "lenient")]
    cursor: Option<i64>,
}

/// Read at once from a socket; clients say next to nothing.
const READ_BUFFER: usize = 512;
/// Written at once: a frame and the question how far the client got.
const WRITE_BUFFER: usize = 1024;
/// The longest message a client may send.
const INBOUND_MAX: usize = 4 * 1024;
/// What may wait for a client that reads slowly.
const OUTBOUND_MAX: usize = 256 * 1024;
/// While a reply streams, the client is asked at most this often how far it got.
const ASK_EVERY: Duration = Duration::from_millis(500);

async fn open(
    State(app): State<App>,
    Query(address): Query<Address>,
    peer: Peer,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|_| {
        ApiError::invalid("Upgrade", &Problem::Expected("a WebSocket handshake", " WebSocket 握手请求"))
    })?;
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(OUTBOUND_MAX)
        .max_message_size(INBOUND_MAX)
        .max_frame_size(INBOUND_MAX);
    Ok(upgrade.on_upgrade(move |socket| serve(app, socket, address, peer)))
}

async fn serve(app: App, mut socket: WebSocket, address: Address, peer: Peer) {
    let ticket = Ticket { ws_id: address.ws_id, auth_body: address.auth_body, cursor: address.cursor };
    // Boxed, so that letting in does not weigh on the socket for the rest of its life.
    let admitted = Box::pin(Reader::admit(&app, &ticket, peer)).await;
    drop(ticket);
    let close = match admitted {
        Ok(reader) => Line::new(&app, reader).follow(&mut socket).await,
        Err(close) => Some(close),
    };
    if let Some(close) = close {
        Box::pin(say_goodbye(&mut socket, close)).await;
    }
}

/// Tells the client why, and waits a moment for its own goodbye, so that the reason is not lost with the connection.
async fn say_goodbye(socket: &mut WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code(), reason: close.reason().into() };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(Duration::from_secs(2), goodbye).await;
}

/// An open socket.
struct Line {
    app: App,
    reader: Reader,
    /// When the client is next asked for a sign of life.
    ping_at: Instant,
    /// When it was last asked how far it got.
    asked_at: Instant,
    /// Messages it sent since the last sign of life was asked for.
    inbound: u32,
    /// Whether it gave a sign of life since then.
    alive: bool,
}

impl Line {
    fn new(app: &App, reader: Reader) -> Self {
        let now = Instant::now();
        let ping_at = now + Duration::from_secs(app.config().visitor.ping_seconds);
        Self { app: app.clone(), reader, ping_at, asked_at: now, inbound: 0, alive: true }
    }

    /// Shows the log until the client leaves (`None`) or has to.
    async fn follow(&mut self, socket: &mut WebSocket) -> Option<Close> {
        loop {
            if let Err(end) = self.step(socket).await {
                return end;
            }
        }
    }

    async fn step(&mut self, socket: &mut WebSocket) -> Step {
        let frames = self.reader.ready().await.map_err(Some)?;
        if !frames.is_empty() {
            return Box::pin(self.show(socket, frames)).await;
        }
        tokio::select! {
            changed = self.reader.changed() => changed.map_err(Some),
            message = socket.recv() => self.hear(message),
            () = sleep_until(self.ping_at) => self.ask_for_life(socket).await,
            () = self.app.stopping().cancelled() => Err(Some(Close::Restart)),
        }
    }

    /// Writes frames, and asks now and then how far the client got.
    async fn show(&mut self, socket: &mut WebSocket, frames: Vec<Frame>) -> Step {
        let ends = frames.iter().any(|frame| frame.ends);
        let ask = ends || self.asked_at.elapsed() >= ASK_EVERY;
        let cursor = self.reader.cursor();
        let write = async {
            for frame in frames {
                socket.feed(Message::Text(frame.text)).await?;
            }
            if ask {
                socket.feed(ping(cursor)).await?;
            }
            socket.flush().await
        };
        let limit = Duration::from_secs(self.app.config().visitor.write_seconds);
        let written = timeout(limit, write).await;
        if ask {
            self.asked_at = Instant::now();
        }
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(Close::Slow)),
        }
    }

    /// A message of the client: an answer to a ping says how far it got; nothing else is read.
    fn hear(&mut self, message: Option<std::result::Result<Message, axum::Error>>) -> Step {
        self.alive = true;
        match message {
            None | Some(Err(_) | Ok(Message::Close(_))) => Err(None),
            Some(Ok(Message::Pong(payload))) => {
                let cursor = std::str::from_utf8(&payload).ok().and_then(|text| text.parse().ok());
                if let Some(cursor) = cursor {
                    self.reader.ack(cursor);
                }
                Ok(())
            }
            Some(Ok(_)) => {
                self.inbound += 1;
                if self.inbound > self.app.config().visitor.inbound_max { Err(Some(Close::Noisy)) } else { Ok(()) }
            }
        }
    }

    async fn ask_for_life(&mut self, socket: &mut WebSocket) -> Step {
        let every = Duration::from_secs(self.app.config().visitor.ping_seconds.max(1));
        if !std::mem::replace(&mut self.alive, false) {
            return Err(Some(Close::Slow));
        }
        self.ping_at = Instant::now() + every;
        self.inbound = 0;
        match timeout(every, socket.send(ping(self.reader.cursor()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(Close::Slow)),
        }
    }
}

/// Whether a socket goes on; else why it is closed, unless the client is gone already.
type Step = std::result::Result<(), Option<Close>>;

/// Every client answers a ping with the same bytes, so these tell how far it got.
fn ping(cursor: i64) -> Message {
    Message::Ping(cursor.to_string().into())
}
