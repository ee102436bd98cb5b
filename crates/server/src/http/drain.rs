//! What is left of a refused request's body is read and thrown away before the answer goes out.
//!
//! A connection that is closed while its client still sends is reset by TCP, and a reset may overtake the answer: the
//! client would see "broken pipe" where a 413 says what is wrong.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::app::App;

/// Around everything: a refusal waits until its client has sent what it began to send, within `server.refused_body_*`.
pub async fn refused(State(app): State<App>, request: Request, next: Next) -> Response {
    // Who asks before sending has not begun to send.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body));
    let lent = Body::new(Lent(Arc::clone(&body)));
    let response = next.run(Request::from_parts(parts, lent)).await;
    let status = response.status();
    if let Some(body) = Arc::into_inner(body)
        && (status.is_client_error() || status.is_server_error())
    {
        let rest = body.into_inner().unwrap_or_else(PoisonError::into_inner);
        let limits = &app.config().server;
        let patience = Duration::from_secs(limits.refused_body_seconds);
        // What is too much or too slow is cut off, as it would have been without this.
        let _ = tokio::time::timeout(patience, discard(rest, limits.refused_body_max_bytes)).await;
    }
    response
}

async fn discard(body: Body, limit: usize) {
    if body.is_end_stream() {
        return;
    }
    let mut pieces = body.into_data_stream();
    let mut taken = 0usize;
    while taken < limit {
        match pieces.next().await {
            Some(Ok(piece)) => taken = taken.saturating_add(piece.len()),
            Some(Err(_)) | None => return,
        }
    }
}

/// A body that is still there when its reader has dropped it.
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn with<T>(&self, read: impl FnOnce(&mut Body) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
