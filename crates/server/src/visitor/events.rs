//! `GET visitor-chat/events`: the same log as Server-Sent Events, for networks that block WebSockets (ours).
//!
//! The id of an event is its cursor, so a browser that comes back with `Last-Event-ID` goes on where it was.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::close::Close;
use super::log::Frame;
use super::reader::{Reader, Ticket};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::extract::lenient;
use crate::http::peer::Peer;
use crate::http::{Query, sse};

/// The route of event streams, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// The parameters of an address.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct Address {
    /// As in the address that `init` gave.
    #[param(required = true)]
    ws_id: Option<String>,
    /// As in the address that `init` gave.
    #[param(required = true)]
    auth_body: Option<String>,
    /// The last `cursor` the client has. The header `Last-Event-ID` beats it.
    #[serde(deserialize_with = "lenient")]
    cursor: Option<i64>,
}

/// The frames of a conversation as events; the address is what `init` gives as `eventsUrl`. Ends with an event `close`.
#[utoipa::path(get, path = "/secondme/visitor-chat/events", tag = "Visitor chat",
    params(Address, ("Last-Event-ID" = Option<i64>, Header, description = "The last cursor the client has.")),
    security(()), responses((status = 200, body = String, content_type = "text/event-stream", description = "Frames with their cursors as ids")))]
async fn events(
    State(app): State<App>,
    Query(address): Query<Address>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response> {
    let required = |field: &str, value: Option<String>| {
        value.filter(|v| !v.is_empty()).ok_or_else(|| ApiError::invalid(field, &Problem::Required))
    };
    let ticket = Ticket {
        ws_id: required("wsId", address.ws_id)?,
        auth_body: required("authBody", address.auth_body)?,
        cursor: last_event_id(&headers).or(address.cursor),
    };
    let reader = Reader::admit(&app, &ticket, peer).await.map_err(refused)?;
    Ok(stream_of(&app, reader))
}

/// Where a client that comes back goes on.
pub fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

/// The error of the table for a reader that is not let in.
pub fn refused(close: Close) -> ApiError {
    match close {
        Close::Full => ApiError::new(Code::RateLimited).arg(10).retry_after(10),
        Close::Failed | Close::Restart => ApiError::new(Code::Connection).retry_after(1),
        Close::Revoked => ApiError::new(Code::VisitorBlocked),
        Close::Gone => ApiError::new(Code::VisitorSessionUnknown),
        _ => ApiError::new(Code::VisitorAddress),
    }
}

/// The response that shows what a reader reads.
pub fn stream_of(app: &App, reader: Reader) -> Response {
    let keep_alive = Duration::from_secs(app.config().chat.keep_alive_seconds);
    let state = Showing { app: app.clone(), reader, keep_alive, begun: false, over: false };
    sse::stream(stream::unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        Some((Ok::<_, Infallible>(bytes), state))
    }))
}

struct Showing {
    app: App,
    reader: Reader,
    keep_alive: Duration,
    begun: bool,
    over: bool,
}

impl Showing {
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Bytes::from_static(b"retry: 1000\n\n"));
        }
        // Being asked for more means that what came before was taken.
        self.reader.ack(self.reader.cursor());
        loop {
            match self.reader.ready().await {
                Err(close) => return Some(self.close(close)),
                Ok(frames) if frames.is_empty() => {}
                Ok(frames) => return Some(written(&frames)),
            }
            tokio::select! {
                waited = timeout(self.keep_alive, self.reader.changed()) => match waited {
                    Ok(Ok(())) => {}
                    Ok(Err(close)) => return Some(self.close(close)),
                    Err(_) => return Some(Bytes::from_static(b": keep-alive\n\n")),
                },
                () = self.app.stopping().cancelled() => return Some(self.close(Close::Restart)),
            }
        }
    }

    fn close(&mut self, close: Close) -> Bytes {
        self.over = true;
        sse::event("close", &serde_json::json!({"code": close.code(), "reason": close.reason()}))
    }
}

fn written(frames: &[Frame]) -> Bytes {
    let mut out = BytesMut::new();
    for frame in frames {
        out.put_slice(format!("id: {}\ndata: {}\n\n", frame.seq, frame.text.as_str()).as_bytes());
    }
    out.freeze()
}
