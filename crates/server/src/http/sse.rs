//! Server-Sent Events framed exactly as clients read them (contract 23.1): one space after the colon, LF only, the data line
//! directly after its event line, one data line per event, one whole frame per write.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures::Stream;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Sleep, sleep};

/// The frame that ends every stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// A frame with an event name.
pub fn event(name: &str, data: &impl Serialize) -> Bytes {
    frame(Some(name), data)
}

/// A frame without an event name: a delta.
pub fn data(data: &impl Serialize) -> Bytes {
    frame(None, data)
}

fn frame(name: Option<&str>, data: &impl Serialize) -> Bytes {
    let mut out = Vec::with_capacity(160);
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    // JSON escapes every line break, so the payload is one line; serialising plain values to memory does not fail.
    if serde_json::to_writer(&mut out, data).is_err() {
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// The response that sends `frames` as they come and a comment line after every `keep_alive` of silence, until the sender is dropped.
pub fn response(frames: UnboundedReceiver<Bytes>, keep_alive: Duration) -> Response {
    stream(Frames { frames, keep_alive, timer: Box::pin(sleep(keep_alive)) })
}

/// The response of a stream that frames itself.
pub fn stream(frames: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

struct Frames {
    frames: UnboundedReceiver<Bytes>,
    keep_alive: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Stream for Frames {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.frames.poll_recv(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(frame)) => frame,
            Poll::Pending => match self.timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => Bytes::from_static(b": keep-alive\n\n"),
            },
        };
        let deadline = tokio::time::Instant::now() + self.keep_alive;
        self.timer.as_mut().reset(deadline);
        Poll::Ready(Some(Ok(next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn frames_have_the_documented_bytes() {
        assert_eq!(event("session", &json!({"sessionId": "s"})), "event: session\ndata: {\"sessionId\":\"s\"}\n\n");
        assert_eq!(data(&json!({"a": 1})), "data: {\"a\":1}\n\n");
    }

    proptest! {
        #[test]
        fn any_text_survives_in_one_line(text in any::<String>()) {
            let bytes = data(&json!({"content": text}));
            let frame = std::str::from_utf8(&bytes).unwrap();
            let line = frame.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
            prop_assert!(!line.contains('\n') && !line.contains('\r'));
            let back: serde_json::Value = serde_json::from_str(line).unwrap();
            prop_assert_eq!(back["content"].as_str().unwrap(), text);
        }
    }
}
