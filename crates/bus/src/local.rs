//! The bus of a single process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use tokio::sync::mpsc;

use crate::subject::{heard_by, is_pattern, is_subject};
use crate::{Bus, BusStream, Message};

/// Messages that wait for one listener; more are dropped.
const CAPACITY: usize = 256;

/// The bus of a single process. Cheap to clone.
#[derive(Clone, Default)]
pub struct LocalBus(Arc<Inner>);

#[derive(Default)]
struct Inner {
    listeners: Mutex<Listeners>,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Listeners {
    /// By subject, and whether it is a prefix.
    by_subject: HashMap<(Box<str>, bool), Vec<Listener>>,
    next: u64,
}

struct Listener {
    id: u64,
    queue: mpsc::Sender<Message>,
    missed: Arc<AtomicU64>,
}

impl Inner {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its listener off the list when the stream is dropped.
struct Subscription {
    bus: Arc<Inner>,
    key: (Box<str>, bool),
    id: u64,
    queue: mpsc::Receiver<Message>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.bus.listeners();
        if let Some(list) = listeners.by_subject.get_mut(&self.key) {
            list.retain(|listener| listener.id != self.id);
            if list.is_empty() {
                listeners.by_subject.remove(&self.key);
            }
        }
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, subject: &str, payload: Bytes) {
        if !is_subject(subject) {
            tracing::error!("a message was published to an impossible subject");
            return;
        }
        let message = Message { subject: subject.into(), payload };
        let listeners = self.0.listeners();
        for (heard, prefix) in heard_by(subject) {
            for listener in listeners.by_subject.get(&(Box::from(heard), prefix)).into_iter().flatten() {
                if listener.queue.try_send(message.clone()).is_err() {
                    listener.missed.fetch_add(1, Ordering::Relaxed);
                    self.0.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    async fn subscribe(&self, subject: &str) -> BusStream {
        let missed = Arc::new(AtomicU64::new(0));
        if !is_pattern(subject) {
            tracing::error!("somebody listens to an impossible subject");
            return BusStream::new(stream::empty(), missed);
        }
        let prefix = subject.strip_suffix(".>");
        let key = (Box::from(prefix.unwrap_or(subject)), prefix.is_some());
        let (sender, queue) = mpsc::channel(CAPACITY);
        let mut listeners = self.0.listeners();
        listeners.next += 1;
        let id = listeners.next;
        let listener = Listener { id, queue: sender, missed: Arc::clone(&missed) };
        listeners.by_subject.entry(key.clone()).or_default().push(listener);
        drop(listeners);
        let subscription = Subscription { bus: Arc::clone(&self.0), key, id, queue };
        let messages = stream::unfold(subscription, async |mut subscription| {
            subscription.queue.recv().await.map(|message| (message, subscription))
        });
        BusStream::new(messages, missed)
    }

    fn is_away(&self) -> bool {
        false
    }

    fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[tokio::test]
    async fn a_listener_that_goes_away_leaves_nothing_behind() {
        let bus = LocalBus::default();
        let (one, two) = (bus.subscribe("a.b").await, bus.subscribe("a.>").await);
        assert_eq!(bus.0.listeners().by_subject.len(), 2);
        drop((one, two));
        assert!(bus.0.listeners().by_subject.is_empty());
    }

    #[tokio::test]
    async fn a_slow_listener_misses_and_is_told() {
        let bus = LocalBus::default();
        let (mut slow, mut quick) = (bus.subscribe("a").await, bus.subscribe("a").await);
        for n in 0..CAPACITY + 3 {
            bus.publish("a", Bytes::from(n.to_string())).await;
            assert_eq!(quick.next().await.unwrap().payload, n.to_string());
        }
        assert_eq!((slow.take_missed(), slow.take_missed(), quick.take_missed(), bus.dropped()), (3, 0, 0, 3));
        assert_eq!(slow.next().await.unwrap().payload, "0", "the newest were dropped, not the oldest");
    }
}
