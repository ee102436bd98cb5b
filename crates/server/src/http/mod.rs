//! Shared HTTP machinery that knows no domain: envelope, extractors, event streams, pages, layers, protected fetching.

pub mod drain;
pub mod envelope;
pub mod extract;
pub mod layers;
pub mod limits;
pub mod operations;
pub mod outbound;
pub mod page;
pub mod peer;
pub mod sse;
pub mod trace;

pub use envelope::{Data, Reply};
pub use extract::{Body, Form, Path, Query};
