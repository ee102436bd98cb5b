//! How much is worked on at a time. A node that is too busy refuses at once, while it still can, and the cheapest first: what
//! is only read can be asked for again without a loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Method;

/// Requests that are being answered. A stream counts until its first byte only; models have queues of their own.
#[derive(Clone, Debug)]
pub struct Load {
    most: usize,
    now: Arc<AtomicUsize>,
}

/// A request's place; dropped = given back.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Load {
    /// At most this many at a time; 0: as many as come.
    pub fn new(most: usize) -> Self {
        Self { most, now: Arc::default() }
    }

    /// How many there are.
    pub fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed).try_into().unwrap_or(i64::MAX)
    }

    /// A place, if there is one: reads stop at four fifths, so that writes go on.
    pub fn enter(&self, method: &Method) -> Option<Place> {
        let place = Place(Arc::clone(&self.now));
        let others = self.now.fetch_add(1, Ordering::Relaxed);
        let limit = if method.is_safe() { self.most * 4 / 5 } else { self.most };
        (self.most == 0 || others < limit).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_shed_before_writes_and_places_come_back() {
        let load = Load::new(10);
        let reads: Vec<_> = (0..20).filter_map(|_| load.enter(&Method::GET)).collect();
        assert_eq!(reads.len(), 8);
        let writes: Vec<_> = (0..20).filter_map(|_| load.enter(&Method::POST)).collect();
        assert_eq!(writes.len(), 2);
        drop(reads);
        assert_eq!(load.now.load(Ordering::Relaxed), 2);
        assert!(load.enter(&Method::GET).is_some());
        let open = Load::new(0);
        assert_eq!((0..100).filter_map(|_| open.enter(&Method::GET)).count(), 100);
    }
}
