//! `[traces]`: where requests, jobs, model calls and webhooks are traced to.

use secondme_kit::Secret;

use super::section::section;

section! {
    /// Traces over OTLP (HTTP, JSON): requests, jobs, calls of models and webhooks, with ids and times, never with texts.
    Traces {
        /// The collector's address, such as `http://collector:4318`; `/v1/traces` is added. Empty: no traces.
        url: String = String::new(),
        /// Sent to the collector as `Authorization`. Empty: none.
        authorization: Secret = Secret::default(),
        /// Of how many requests and jobs the trace is kept: from 0 (none) to 1 (all).
        sample: f64 = 1.0,
        /// Whether a client's `traceparent` header is taken up, which also decides whether its trace is kept. Only where all clients are your own.
        trust_clients: bool = false,
    }
}
