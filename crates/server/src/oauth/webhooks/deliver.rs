//! One attempt: sign, send, and keep what came back.

use std::time::Duration;

use axum::http::HeaderMap;
use secondme_kit::{Millis, Secret};
use tokio::time::Instant;
use tracing::Instrument;
use url::Url;

use super::sign::{self, Signed};
use crate::app::App;
use crate::http::outbound::{Answer, Ask, OutboundError, Reach};
use crate::telemetry::traces;

/// One attempt, as it went.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it began.
    pub at: Millis,
    /// Where it went.
    pub url: String,
    /// What was sent above the body.
    pub headers: HeaderMap,
    /// What came back.
    pub outcome: Result<Answer, OutboundError>,
    /// How long it took.
    pub duration_ms: i64,
}

impl Attempt {
    /// The status, if there was an answer.
    pub fn status(&self) -> Option<i64> {
        self.outcome.as_ref().ok().map(|answer| answer.status.as_u16().into())
    }

    /// The beginning of the answer's body.
    pub fn response(&self) -> String {
        self.outcome.as_ref().map(|answer| text(&answer.body)).unwrap_or_default()
    }

    /// What went wrong on the way.
    pub fn error(&self) -> String {
        self.outcome.as_ref().err().map(ToString::to_string).unwrap_or_default()
    }

    /// The headers as a JSON object.
    pub fn headers_json(&self) -> String {
        let pairs = self.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()).into()));
        serde_json::Value::Object(pairs.collect()).to_string()
    }
}

/// Whatever bytes a receiver sends, as text that both databases take.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

/// Sends a body once. Redirects are not followed: an event goes where the developer said, or nowhere.
pub(super) async fn once(app: &App, url: &str, event: (&str, &str), body: &str, secrets: &[Secret]) -> Attempt {
    let at = app.now();
    let (event_id, event_type) = event;
    let signed = Signed { event_id, event_type, timestamp: at.div_euclid(1_000), body };
    let headers = sign::headers(&signed, secrets);
    let config = &app.config().webhooks;
    let span = traces::webhook(event_id, event_type);
    let begun = Instant::now();
    let outcome = match Url::parse(url) {
        Err(_) => Err(OutboundError::Url),
        Ok(url) => {
            let ask = Ask {
                headers: headers.clone(),
                reach: Reach::allowing_private(config.allow_private),
                timeout: Duration::from_millis(config.timeout_ms.max(1)),
                max_bytes: config.response_max_bytes,
                ..Ask::post(url, body.to_owned())
            };
            app.outbound().send(ask).instrument(span.clone()).await
        }
    };
    match &outcome {
        Ok(answer) => traces::answered(&span, answer.status.as_u16()),
        Err(_) => traces::failed(&span),
    }
    let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    Attempt { at, url: url.to_owned(), headers, outcome, duration_ms }
}
