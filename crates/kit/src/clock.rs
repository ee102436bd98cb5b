//! Time as a value: milliseconds since the Unix epoch, read through [`Clock`] only.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Milliseconds since the Unix epoch (the contract's "ms").
pub type Millis = i64;

/// Where time comes from. Production uses [`SystemClock`], tests [`ManualClock`].
pub trait Clock: Send + Sync + 'static {
    /// Now, in milliseconds since the Unix epoch.
    fn now(&self) -> Millis;
}

/// The machine's own clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the system clock")]
    fn now(&self) -> Millis {
        Timestamp::now().as_millisecond()
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock standing at `now`.
    pub fn at(now: Millis) -> Self {
        Self(AtomicI64::new(now))
    }

    /// Moves the clock forward (or back, with a negative number of milliseconds).
    pub fn advance(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// `2024-01-20T15:30:00.123Z`: the contract's "ISO", always UTC, always three decimals.
pub fn iso(at: Millis) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(t) => format!("{t:.3}"),
        Err(_) => "1970-01-01T00:00:00.000Z".to_owned(),
    }
}

/// `2024-01-20 15:30:00` in UTC, the zone-less form that avatar routes show.
pub fn plain(at: Millis) -> String {
    let iso = iso(at);
    iso.get(..19).unwrap_or(&iso).replace('T', " ")
}

/// The moment of an HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`); `None` when it is not one.
pub fn from_http_date(text: &str) -> Option<Millis> {
    let zone = text.trim().strip_suffix("GMT")?;
    let zoned = jiff::fmt::rfc2822::parse(&format!("{zone}+0000")).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_documented_forms() {
        assert_eq!(iso(1_705_764_600_000), "2024-01-20T15:30:00.000Z");
        assert_eq!(iso(1_705_764_600_123), "2024-01-20T15:30:00.123Z");
        assert_eq!(from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!((from_http_date("120"), from_http_date("1994-11-06T08:49:37Z")), (None, None));
        assert_eq!(plain(1_705_764_600_123), "2024-01-20 15:30:00");
    }
}
