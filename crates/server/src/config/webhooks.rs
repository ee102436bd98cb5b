//! `[webhooks]`: events that are sent to apps.

use super::section::section;

section! {
    /// Events that are sent to apps.
    Webhooks {
        /// Lets receivers be on this machine or in its network. For development only: an app's developer could then reach what the server can.
        allow_private: bool = false,
        /// Longest wait for a receiver's whole answer, in milliseconds.
        timeout_ms: u64 = 15_000,
        /// Waits between attempts, in seconds, each changed at random by up to a tenth. After the last one an event has failed.
        retry_seconds: Vec<i64> = vec![5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 72_000, 86_400],
        /// Requests to one receiver at a time.
        per_receiver: usize = 8,
        /// Receivers that are served at a time; the others wait. 0: none is served.
        receivers_max: usize = 1_000,
        /// What is kept of an answer for the delivery log, in bytes.
        response_max_bytes: usize = 4_096,
        /// How long an old signing secret is used beside a new one, in seconds, unless the rotation says otherwise.
        secret_overlap_seconds: i64 = 86_400,
        /// How long events and their delivery log are kept after they ended, in days.
        keep_days: i64 = 30,
        /// Test deliveries of one app in a minute.
        tests_per_minute: i64 = 10,
    }
}
