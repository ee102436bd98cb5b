//! The engine that a piece of configuration names.

use std::sync::Arc;

use crate::{Hum, Kokoro, KokoroOptions, Speech, SpeechError, Upstream, UpstreamOptions};

/// Which engine.
#[derive(Debug, Clone)]
pub enum SpeechSpec {
    /// The fake.
    Hum,
    /// Kokoro in this process.
    Kokoro(KokoroOptions),
    /// An OpenAI-compatible server.
    Upstream(UpstreamOptions),
}

/// Makes the engine; nothing is loaded or asked yet.
///
/// # Errors
/// `Unavailable` when the configuration cannot work.
pub fn open(spec: &SpeechSpec) -> Result<Arc<dyn Speech>, SpeechError> {
    Ok(match spec {
        SpeechSpec::Hum => Arc::new(Hum::default()),
        SpeechSpec::Kokoro(options) => Arc::new(Kokoro::new(options.clone())),
        SpeechSpec::Upstream(options) => Arc::new(Upstream::new(options.clone())?),
    })
}
