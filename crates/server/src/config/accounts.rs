//! `[accounts]`: passwords, browser sessions, registration.

use super::section::section;

section! {
    /// Passwords, browser sessions and registration.
    Accounts {
        /// Whether anybody may register in the browser.
        registration: bool = true,
        /// Shortest password, in characters.
        password_min_chars: usize = 8,
        /// Longest password, in characters.
        password_max_chars: usize = 200,
        /// Passwords hashed at the same time. Each takes 19 MiB.
        hashing_concurrency: usize = 2,
        /// Logins that may wait for a hashing slot; more are answered 503 with `Retry-After`.
        hashing_queue: usize = 64,
        /// Failed logins of one address before it has to wait.
        failures_before_delay: i64 = 5,
        /// The first wait, in seconds; it doubles with each further failure, up to 15 minutes.
        failure_delay_seconds: i64 = 2,
        /// Browser sessions end after this many seconds without use.
        session_seconds: i64 = 2_592_000,
    }
}
