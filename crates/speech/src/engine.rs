//! The trait every engine implements, and what goes in and comes out.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Emotion, SpeechError};

/// A language that can be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }
}

/// A voice that users can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// What it is chosen by.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The language it was recorded in; it reads others with a companion. `None`: the engine does not say.
    pub language: Option<Language>,
    /// `female` or `male`; empty where the engine does not say.
    pub gender: &'static str,
}

/// What to say, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// The text, of any length.
    pub text: String,
    /// A voice of the engine.
    pub voice: String,
    /// How to say it.
    pub emotion: Emotion,
}

/// Spoken text: an MP3 file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The file.
    pub mp3: Bytes,
    /// How long a player plays it.
    pub duration_ms: u64,
    /// Samples in a second, as the file says.
    pub sample_rate: u32,
}

/// Whether an engine can be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Its files are being fetched or loaded.
    Loading,
    /// Ready. An upstream says so without asking its server.
    Ready,
    /// Switched off, or broken until the process is restarted; the text says why.
    Failed(String),
}

/// Text to speech. Implementations are shared by all requests.
#[async_trait]
pub trait Speech: Send + Sync + 'static {
    /// Says a text. Dropping the future stops the work behind it at the next sentence.
    ///
    /// # Errors
    /// As [`SpeechError`] says.
    async fn speak(&self, utterance: Utterance) -> Result<Clip, SpeechError>;

    /// The voices that can be chosen, the default first.
    fn voices(&self) -> Vec<Voice>;

    /// A name for what makes the sound: part of the key under which sounds are kept.
    fn name(&self) -> String;

    /// Whether it can be asked now. Cheap, never blocks.
    fn status(&self) -> Status;
}
