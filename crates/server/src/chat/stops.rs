//! Answers that are being given in this process, so that their user can stop one. Another node's answer ends when its client leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// By user and session.
type Listed = HashMap<(i64, String), Arc<CancellationToken>>;

/// The answers in progress.
#[derive(Clone, Debug, Default)]
pub struct Stops(Arc<Mutex<Listed>>);

/// An answer in progress; it is no longer listed when this is dropped.
#[derive(Debug)]
pub struct Answering {
    stops: Stops,
    key: (i64, String),
    token: Arc<CancellationToken>,
}

impl Stops {
    /// Lists an answer. A second one in the same session takes the first one's place.
    pub fn begin(&self, user_id: i64, session_id: &str) -> Answering {
        let (key, token) = ((user_id, session_id.to_owned()), Arc::new(CancellationToken::new()));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), Arc::clone(&token));
        Answering { stops: self.clone(), key, token }
    }

    /// Ends the answer of a user's session; what was said is kept. Whether there was one.
    pub fn stop(&self, user_id: i64, session_id: &str) -> bool {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = listed.get(&(user_id, session_id.to_owned()));
        token.is_some_and(|token| {
            token.cancel();
            true
        })
    }
}

impl Answering {
    /// Waits until somebody stops it.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut listed = self.stops.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A later answer of the same session stays listed.
        if listed.get(&self.key).is_some_and(|token| Arc::ptr_eq(token, &self.token)) {
            listed.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_stopped_by_its_user_only_and_while_it_lasts() {
        let stops = Stops::default();
        let answering = stops.begin(1, "s");
        assert!(!stops.stop(2, "s") && !stops.stop(1, "other"));
        assert!(stops.stop(1, "s"));
        answering.stopped().await;
        let later = stops.begin(1, "s");
        drop(answering);
        assert!(stops.stop(1, "s"), "the later one is still listed");
        drop(later);
        assert!(!stops.stop(1, "s"));
    }
}
