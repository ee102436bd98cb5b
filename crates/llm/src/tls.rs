//! The one TLS provider of the process.

/// Makes ring the process-wide TLS provider; harmless when one is installed already. Call it first in `main` and in tests
/// that open HTTP clients.
pub fn install_tls() {
    // An error only says that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
