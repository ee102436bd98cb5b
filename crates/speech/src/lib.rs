//! Text to speech behind one trait: Kokoro in this process, any OpenAI-compatible server, and a fake that hums.
//!
//! Start reading at [`Speech`]; [`SpeechSpec`] is the piece of configuration that names an engine, [`open`] makes it.
//! Invariant: a [`Clip`]'s duration and sample rate are measured on the file itself, whatever engine made it.

mod audio;
mod emotion;
mod engine;
mod error;
pub mod hum;
mod kokoro;
mod spec;
mod text;
pub mod upstream;

pub use audio::mp3::{Measured, measure};
pub use emotion::Emotion;
pub use engine::{Clip, Language, Speech, Status, Utterance, Voice};
pub use error::SpeechError;
pub use hum::Hum;
pub use kokoro::{Kokoro, KokoroFiles, KokoroOptions, SAMPLE_RATE, VOICE_NAMES};
pub use spec::{SpeechSpec, open};
pub use upstream::{Upstream, UpstreamOptions};
