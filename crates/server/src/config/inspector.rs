//! `[inspector]`: the last requests of apps, as their developers see them.

use super::section::section;

section! {
    /// The last requests of each app, which its developer can look at. Tokens, secrets and contents are never kept.
    Inspector {
        /// Whether requests are kept at all.
        enabled: bool = true,
        /// Requests that are kept of each app.
        requests_per_app: i64 = 200,
        /// How long they are kept, in days.
        keep_days: i64 = 7,
        /// How often they are written, in milliseconds. A crash loses that much.
        flush_ms: u64 = 2_000,
        /// Requests of one app that are kept between two writes; the ones after them are not.
        per_flush: usize = 50,
        /// Apps whose requests are kept between two writes.
        apps_max: usize = 1_000,
    }
}
