//! The ground floor: clock, randomness, secrets and paging. Pure values, no I/O, no domain.

pub mod clock;
pub mod entropy;
pub mod paging;
pub mod secret;

pub use clock::{Clock, ManualClock, Millis, SystemClock};
pub use entropy::Entropy;
pub use paging::Page;
pub use secret::{Secret, SecretKey};
