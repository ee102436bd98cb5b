//! The bus of several nodes: NATS core subjects (no JetStream, nothing is stored).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use secondme_kit::Secret;

use crate::subject::{is_pattern, is_subject};
use crate::{Bus, BusError, BusStream, Message};

/// Messages that wait for one listener; more are dropped.
const CAPACITY: usize = 1_024;
const PATIENCE: Duration = Duration::from_secs(5);
/// A server that does not answer two of these in a row is away, even if its connection is not.
const PING: Duration = Duration::from_secs(5);

/// A connection to a NATS server. Reconnects by itself; meanwhile messages are lost.
pub struct NatsBus {
    client: Client,
    dropped: Arc<AtomicU64>,
    missed: Arc<AtomicU64>,
}

impl NatsBus {
    /// Connects to `nats://[user:password@]host:port` (or `tls://…`).
    pub async fn connect(url: &Secret) -> Result<Self, BusError> {
        let (dropped, missed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counters = (Arc::clone(&dropped), Arc::clone(&missed));
        let options =
            ConnectOptions::new().name("secondme").subscription_capacity(CAPACITY).connection_timeout(PATIENCE);
        let options = options.ping_interval(PING).event_callback(move |event| {
            // A reconnect and a slow listener both mean that something may have been missed.
            if matches!(event, Event::SlowConsumer(_) | Event::Connected) {
                counters.1.fetch_add(1, Ordering::Relaxed);
            }
            if matches!(event, Event::SlowConsumer(_)) {
                counters.0.fetch_add(1, Ordering::Relaxed);
            }
            tracing::info!(%event, "message bus");
            async {}
        });
        // The error's text may name the server but never the URL's password.
        let client = options.connect(url.expose()).await.map_err(|e| BusError(e.kind().to_string()))?;
        Ok(Self { client, dropped, missed })
    }

    async fn listen(&self, subject: &str) -> Result<Subscriber, String> {
        let subscriber = self.client.subscribe(subject.to_owned()).await.map_err(|e| e.to_string())?;
        // The server handles our requests in order: once it echoes this, it knows the subscription.
        let inbox = self.client.new_inbox();
        let mut echo = self.client.subscribe(inbox.clone()).await.map_err(|e| e.to_string())?;
        self.client.publish(inbox, Bytes::new()).await.map_err(|e| e.to_string())?;
        tokio::time::timeout(PATIENCE, echo.next()).await.map_err(|_| "no answer in time".to_owned())?;
        Ok(subscriber)
    }
}

#[async_trait]
impl Bus for NatsBus {
    async fn publish(&self, subject: &str, payload: Bytes) {
        if !is_subject(subject) {
            tracing::error!("a message was published to an impossible subject");
            return;
        }
        // While it is away the client keeps what it is given, and then makes the giver wait: nobody wants either.
        if self.is_away() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let sent = tokio::time::timeout(PATIENCE, self.client.publish(subject.to_owned(), payload)).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("the message bus did not take a message");
        }
    }

    async fn subscribe(&self, subject: &str) -> BusStream {
        let missed = Arc::clone(&self.missed);
        if !is_pattern(subject) {
            tracing::error!("somebody listens to an impossible subject");
            return BusStream::new(stream::empty(), missed);
        }
        if self.is_away() {
            return BusStream::new(stream::empty(), missed);
        }
        match self.listen(subject).await {
            Ok(messages) => {
                let message =
                    |m: async_nats::Message| Message { subject: m.subject.as_str().into(), payload: m.payload };
                BusStream::new(messages.map(message), missed)
            }
            Err(error) => {
                tracing::warn!(%error, "the message bus does not let us listen");
                BusStream::new(stream::empty(), missed)
            }
        }
    }

    fn is_away(&self) -> bool {
        self.client.connection_state() != State::Connected
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
