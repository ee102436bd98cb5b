//! Fan-out that may be lost: who listens is told at once, who is slow or away reads the table. Nothing is kept.
//!
//! Subjects are words separated by dots (`visitor.s1.frame`). One listens to one subject, or to `visitor.s1.>`: everything
//! below it.

mod local;
mod nats;
mod subject;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use futures::stream::BoxStream;

pub use local::LocalBus;
pub use nats::NatsBus;

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub subject: Arc<str>,
    /// What.
    pub payload: Bytes,
}

/// A bus could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the message bus is unavailable: {0}")]
pub struct BusError(String);

/// At most once, in order per publisher, never waiting for a slow listener.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells everyone who listens to `subject`. Failures are counted and logged, not returned: what must not be lost is not
    /// sent here.
    async fn publish(&self, subject: &str, payload: Bytes);

    /// Listens to one subject, or to everything below one (`prefix.>`). What is published after this returns is heard, so
    /// subscribe first and read the table second.
    async fn subscribe(&self, subject: &str) -> BusStream;

    /// Whether nothing can be heard right now. As long as it is so: read the table now and then.
    fn is_away(&self) -> bool;

    /// Messages that were dropped so far because a listener was too slow or the bus was away.
    fn dropped(&self) -> u64;
}

/// What a listener hears. Ends when the bus goes away; dropped = unsubscribed.
pub struct BusStream {
    messages: BoxStream<'static, Message>,
    missed: Arc<AtomicU64>,
    told: AtomicU64,
}

impl BusStream {
    pub(crate) fn new(messages: impl Stream<Item = Message> + Send + 'static, missed: Arc<AtomicU64>) -> Self {
        let told = AtomicU64::new(missed.load(Ordering::Relaxed));
        Self { messages: Box::pin(messages), missed, told }
    }

    /// How often this listener has missed something since the last call (with NATS: somebody in this process, and every
    /// reconnect counts). Not zero: read the table again.
    pub fn take_missed(&self) -> u64 {
        let missed = self.missed.load(Ordering::Relaxed);
        missed.saturating_sub(self.told.swap(missed, Ordering::Relaxed))
    }
}

impl Stream for BusStream {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.messages.as_mut().poll_next(cx)
    }
}
