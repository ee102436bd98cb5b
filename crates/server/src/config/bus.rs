//! `[bus]`: how the nodes of one server tell each other what is new.

use super::section::section;

section! {
    /// How the nodes of one server tell each other what is new. What is told here is also in the database, so nothing depends on it being kept.
    Bus {
        /// `nats://[user:password@]host:port` (or `tls://…`) of a NATS server that all nodes reach. Empty: one node, which tells itself.
        url: secondme_kit::Secret = secondme_kit::Secret::default(),
    }
}
