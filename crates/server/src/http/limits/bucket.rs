//! Counting by one number per subject (the generic cell rate algorithm): the time at which it would have asked for all it has,
//! had it asked evenly. A minute's worth may be asked at once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use secondme_kit::Millis;

/// Parts with a lock each.
const PARTS: usize = 16;
/// Subjects of a part above which those who have everything left are forgotten, the first time.
const MANY: usize = 10_000;
/// The burst, and what a limit is told over, in microseconds.
const WINDOW_US: i64 = 60_000_000;

/// How often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    limit: u32,
    /// Between two requests that are evenly spread, in microseconds.
    every_us: i64,
}

impl Rate {
    /// Nothing for 0: no limit.
    pub(super) fn per_minute(limit: u32) -> Option<Self> {
        (limit > 0).then(|| Self { limit, every_us: (WINDOW_US / i64::from(limit)).max(1) })
    }
}

/// How a subject stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request may pass.
    pub allowed: bool,
    /// Requests per minute.
    pub limit: u32,
    /// Requests that would pass right now.
    pub remaining: u32,
    /// Until the next one passes, in microseconds; 0 when it does.
    wait_us: i64,
    /// Until everything is there again, in microseconds.
    reset_us: i64,
}

impl Standing {
    /// Whole seconds until the next request passes, at least 1.
    pub fn wait_seconds(&self) -> u32 {
        seconds(self.wait_us).max(1)
    }

    /// Whole seconds until everything is there again.
    pub fn reset_seconds(&self) -> u32 {
        seconds(self.reset_us)
    }
}

fn seconds(us: i64) -> u32 {
    u32::try_from(us.max(0).saturating_add(999_999) / 1_000_000).unwrap_or(u32::MAX)
}

/// The subjects of one limit, by hash (the same on every node): two that share one share their limit, which 64 bits make improbable.
#[derive(Debug)]
pub(super) struct Buckets {
    parts: Vec<Mutex<Part>>,
    /// Whether other nodes are to hear what was taken here.
    shared: AtomicBool,
}

/// A subject by its hash, and how many requests it took.
pub(super) type Taken = (u64, u32);

#[derive(Debug)]
struct Part {
    spent: HashMap<u64, i64>,
    /// What was taken here and other nodes have not heard of.
    untold: HashMap<u64, u32>,
    /// How many subjects there may be until those who have everything left are forgotten.
    many: usize,
}

impl Part {
    /// Forgets at most as often as the number of subjects doubles, so that a flood of new ones costs each request nothing.
    fn tidy(&mut self, now_us: i64) {
        if self.spent.len() > self.many {
            self.spent.retain(|_, spent| *spent > now_us);
            self.many = MANY.max(self.spent.len() * 2);
        }
    }
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            parts: (0..PARTS)
                .map(|_| Mutex::new(Part { spent: HashMap::new(), untold: HashMap::new(), many: MANY }))
                .collect(),
            shared: AtomicBool::new(false),
        }
    }
}

impl Buckets {
    /// Takes one request, if there is one left.
    pub(super) fn take(&self, subject: &impl Hash, rate: Rate, now: Millis) -> Standing {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        let (hash, now_us) = (hasher.finish(), now.saturating_mul(1_000));
        let Some(part) = self.part(hash) else { return rate.standing(now_us, now_us, true) };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        part.tidy(now_us);
        let spent = part.spent.entry(hash).or_insert(now_us);
        // Nobody can have asked for more than everything: the clock went back, and must not make them wait for as long.
        *spent = (*spent).min(now_us.saturating_add(WINDOW_US));
        let next = (*spent).max(now_us) + rate.every_us;
        let allowed = next - now_us <= WINDOW_US;
        if allowed {
            *spent = next;
        }
        let standing = rate.standing(*spent, now_us, allowed);
        if allowed && self.shared.load(Ordering::Relaxed) {
            *part.untold.entry(hash).or_default() += 1;
        }
        standing
    }

    fn part(&self, hash: u64) -> Option<&Mutex<Part>> {
        self.parts.get(usize::try_from(hash % PARTS as u64).unwrap_or(0))
    }

    /// What was taken here since the last call; from the first on, it is kept for the next.
    pub(super) fn untold(&self) -> Vec<Taken> {
        self.shared.store(true, Ordering::Relaxed);
        let parts = self.parts.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner));
        parts.flat_map(|mut part| std::mem::take(&mut part.untold)).collect()
    }

    /// Counts what a subject took on another node. That may be more than there was: two nodes let the last ones in at once.
    pub(super) fn taken_elsewhere(&self, (hash, requests): Taken, rate: Rate, now: Millis) {
        let now_us = now.saturating_mul(1_000);
        let Some(part) = self.part(hash) else { return };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        part.tidy(now_us);
        let spent = part.spent.entry(hash).or_insert(now_us);
        let more = rate.every_us.saturating_mul(i64::from(requests));
        *spent = (*spent).max(now_us).saturating_add(more).min(now_us.saturating_add(WINDOW_US));
    }
}

impl Rate {
    fn standing(self, spent: i64, now_us: i64, allowed: bool) -> Standing {
        let ahead = (spent - now_us).max(0);
        let remaining = ((WINDOW_US - ahead) / self.every_us).clamp(0, i64::from(self.limit));
        Standing {
            allowed,
            limit: self.limit,
            remaining: u32::try_from(remaining).unwrap_or(0),
            wait_us: (ahead + self.every_us - WINDOW_US).max(0),
            reset_us: ahead,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_evenly() {
        let (buckets, rate) = (Buckets::default(), Rate::per_minute(60).unwrap());
        for n in 0..60 {
            let standing = buckets.take(&"a", rate, 1_000);
            assert!(standing.allowed && standing.remaining == 59 - n, "{standing:?}");
        }
        let refused = buckets.take(&"a", rate, 1_000);
        assert!(!refused.allowed);
        assert_eq!((refused.wait_seconds(), refused.reset_seconds(), refused.remaining), (1, 60, 0));
        assert!(buckets.take(&"b", rate, 1_000).allowed, "others have their own");
        assert!(buckets.take(&"a", rate, 2_000).allowed);
        assert!(!buckets.take(&"a", rate, 2_000).allowed);
        assert_eq!(buckets.take(&"a", rate, 200_000).remaining, 59);
        assert!(Rate::per_minute(0).is_none());
    }

    #[test]
    fn a_clock_that_goes_back_makes_nobody_wait_longer_than_a_window() {
        let (buckets, rate) = (Buckets::default(), Rate::per_minute(60).unwrap());
        assert!(buckets.take(&"a", rate, 10_000_000_000).allowed);
        let standing = buckets.take(&"a", rate, 1_000);
        assert!(!standing.allowed);
        assert_eq!((standing.wait_seconds(), standing.reset_seconds()), (1, 60));
        assert!(buckets.take(&"a", rate, 2_000).allowed);
        // Forwards: everything is there again, and no more than that.
        assert_eq!(buckets.take(&"a", rate, 20_000_000_000).remaining, 59);
    }

    #[test]
    fn nodes_that_tell_each_other_count_as_one() {
        let (here, there, rate) = (Buckets::default(), Buckets::default(), Rate::per_minute(60).unwrap());
        assert_eq!(here.untold(), []);
        for _ in 0..40 {
            here.take(&"a", rate, 1_000);
        }
        let told = here.untold();
        assert_eq!((told.len(), told[0].1), (1, 40));
        there.taken_elsewhere(told[0], rate, 1_000);
        assert_eq!(there.take(&"a", rate, 1_000).remaining, 19);
        assert_eq!(there.take(&"b", rate, 1_000).remaining, 59);
        assert_eq!(here.untold(), [], "told once");
        // What both let in beyond the limit makes nobody wait longer than a window.
        there.taken_elsewhere((told[0].0, 4_000), rate, 1_000);
        assert_eq!(there.take(&"a", rate, 1_000).reset_seconds(), 60);
        assert!(there.take(&"a", rate, 2_000).allowed);
        assert_eq!(there.untold(), [], "what came from others is not told again, and nobody asked this one yet");
    }

    proptest! {
        /// Whatever the times of the requests: in no minute do more than twice the limit pass, and never fewer than the limit
        /// of those that ask for it all the time.
        #[test]
        fn no_minute_has_more_than_two_minutes_worth(limit in 1_u32..200, gaps in prop::collection::vec(0_i64..3_000, 1..600)) {
            let (buckets, rate) = (Buckets::default(), Rate::per_minute(limit).unwrap());
            let (mut now, mut passed) = (1_000_000, Vec::new());
            for gap in gaps {
                now += gap;
                let standing = buckets.take(&1, rate, now);
                if standing.allowed {
                    passed.push(now);
                } else {
                    // Who waits as long as told is let in.
                    now += i64::from(standing.wait_seconds()) * 1_000;
                    prop_assert!(buckets.take(&1, rate, now).allowed);
                    passed.push(now);
                }
            }
            for (n, start) in passed.iter().enumerate() {
                let within = passed[n..].iter().take_while(|at| **at < start + 60_000).count();
                prop_assert!(within <= 2 * limit as usize, "{within} passed in a minute, with a limit of {limit}");
            }
        }
    }
}
