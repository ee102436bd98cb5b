//! `[limits]`: how often somebody may ask, and how much is worked on at a time.

use super::section::section;

section! {
    /// How often somebody may ask; nodes on one bus count together, others each on its own. 0: no limit. Requests from the node's own machine through no proxy have none.
    Limits {
        /// Requests of one address in a minute; a minute's worth may come at once.
        address_per_minute: u32 = 1_200,
        /// Requests of one user in a minute, through whichever app.
        user_per_minute: u32 = 600,
        /// Requests of one app in a minute, for all its users together.
        app_per_minute: u32 = 12_000,
        /// Requests that are worked on at a time (a stream counts until its first byte). Reads are refused with 503 from four fifths of it on.
        in_flight_max: usize = 2_048,
    }
}
