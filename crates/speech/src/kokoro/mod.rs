//! Kokoro-82M in this process: one network for all voices, in English and Chinese.
//!
//! A text is said sentence by sentence, and the network is free between two: a short text need not wait for the end of a long
//! one. The files are loaded at the first use.

mod network;
mod symbols;
mod voices;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Semaphore;

pub use network::SAMPLE_RATE;
pub use voices::VOICE_NAMES;
pub(crate) use voices::all as all_voices;

use crate::audio::{self, mp3};
use crate::text::{self, Piece};
use crate::{Clip, Emotion, Language, Speech, SpeechError, Status, Utterance, Voice};
use network::Network;

/// The longest piece that is synthesised at once, in letters; a Chinese character counts as three.
const PIECE: usize = 220;
/// What a caller that finds the queue full is told to wait, in seconds, for each text before it.
const SECONDS_PER_TEXT: u32 = 3;

/// Where its files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KokoroFiles {
    /// The network (ONNX).
    pub model: PathBuf,
    /// The voices of [`VOICE_NAMES`], one behind the other.
    pub voices: PathBuf,
    /// ONNX Runtime's shared library.
    pub library: PathBuf,
}

/// How it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KokoroOptions {
    /// Its files.
    pub files: KokoroFiles,
    /// Threads for one sentence. 0: all cores.
    pub threads: usize,
    /// Texts that may wait or be spoken at the same time; one more is refused as busy.
    pub queue: usize,
}

/// The engine.
pub struct Kokoro {
    options: KokoroOptions,
    network: Arc<Mutex<Loaded>>,
    turn: Semaphore,
    texts: AtomicUsize,
}

#[derive(Default)]
enum Loaded {
    #[default]
    Not,
    Here(Box<Network>),
    /// Not tried again: what is wrong needs the operator.
    Failed(SpeechError),
}

impl Kokoro {
    /// An engine that loads its files when it is asked first.
    pub fn new(options: KokoroOptions) -> Self {
        Self { options, network: Arc::default(), turn: Semaphore::new(1), texts: AtomicUsize::new(0) }
    }

    /// Says one piece: waits for its turn, then works on a thread that may block.
    async fn say(&self, job: Job) -> Result<Job, SpeechError> {
        let _turn = self.turn.acquire().await.map_err(|e| SpeechError::Broken(e.to_string()))?;
        let (network, options) = (Arc::clone(&self.network), self.options.clone());
        blocking(move || job.advance(&network, &options)).await
    }
}

/// Runs `work` where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpeechError> + Send + 'static,
) -> Result<T, SpeechError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| SpeechError::Broken(format!("the engine panicked: {e}")))?
}

/// A text on its way: what is left to say, and the file so far.
struct Job {
    pieces: std::vec::IntoIter<Piece>,
    speaker: String,
    emotion: Emotion,
    encoder: mp3::Encoder,
}

impl Job {
    fn new(utterance: &Utterance) -> Result<Self, SpeechError> {
        let pieces = text::prepare(&utterance.text, PIECE)?;
        let language = dominant(&utterance.text);
        Ok(Self {
            pieces: pieces.into_iter(),
            speaker: voices::speaker(&utterance.voice, language).to_owned(),
            emotion: utterance.emotion,
            encoder: mp3::Encoder::new(SAMPLE_RATE)?,
        })
    }

    /// Says the next piece.
    fn advance(mut self, network: &Mutex<Loaded>, options: &KokoroOptions) -> Result<Self, SpeechError> {
        let Some(piece) = self.pieces.next() else { return Ok(self) };
        let mut loaded = network.lock().unwrap_or_else(PoisonError::into_inner);
        let network = loaded.get(options)?;
        let prosody = self.emotion.prosody();
        for part in symbols::parts(&text::phonemes(&piece.text)) {
            // What the change of pitch will make shorter is spoken slower before.
            let samples = network.run(&part, &self.speaker, prosody.pace / prosody.pitch)?;
            let samples = audio::pitched(audio::trimmed(&samples, SAMPLE_RATE), prosody.pitch);
            self.encoder.push(&audio::levelled(&samples, prosody));
        }
        self.encoder.push(&audio::silence(piece.pause_ms, prosody.pause, SAMPLE_RATE));
        Ok(self)
    }
}

impl Loaded {
    fn get(&mut self, options: &KokoroOptions) -> Result<&mut Network, SpeechError> {
        if matches!(self, Self::Not) {
            *self = match Network::load(options) {
                Ok(network) => Self::Here(Box::new(network)),
                Err(error) => {
                    tracing::error!(%error, "the speech engine could not be loaded");
                    Self::Failed(error)
                }
            };
        }
        match self {
            Self::Here(network) => Ok(network),
            Self::Failed(error) => Err(error.clone()),
            Self::Not => Err(SpeechError::Unavailable("not loaded".to_owned())),
        }
    }
}

/// The language of most of a text: who speaks it.
fn dominant(text: &str) -> Language {
    let han = text.chars().filter(|c| text::language(&c.to_string()) == Some(Language::Chinese)).count();
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    // A Chinese character is about as much speech as four letters.
    if han * 4 >= latin && han > 0 { Language::Chinese } else { Language::English }
}

/// Counts a text while it lives.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[async_trait]
impl Speech for Kokoro {
    async fn speak(&self, utterance: Utterance) -> Result<Clip, SpeechError> {
        if !VOICE_NAMES.contains(&utterance.voice.as_str()) {
            return Err(SpeechError::Voice(utterance.voice));
        }
        let before = self.texts.fetch_add(1, Ordering::AcqRel);
        let _place = Place(&self.texts);
        if before >= self.options.queue.max(1) {
            let texts = u32::try_from(before).unwrap_or(u32::MAX);
            return Err(SpeechError::Busy { retry_after_secs: texts.saturating_mul(SECONDS_PER_TEXT).clamp(1, 600) });
        }
        let mut job = blocking(move || Job::new(&utterance)).await?;
        while job.pieces.len() > 0 {
            job = self.say(job).await?;
        }
        blocking(move || job.encoder.finish()).await
    }

    fn voices(&self) -> Vec<Voice> {
        voices::all()
    }

    fn name(&self) -> String {
        "kokoro-82m".to_owned()
    }

    fn status(&self) -> Status {
        // Locked while a sentence is spoken: then it is ready.
        match self.network.try_lock().as_deref() {
            Ok(Loaded::Failed(error)) => Status::Failed(error.to_string()),
            _ => Status::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kokoro(queue: usize) -> Kokoro {
        let path = PathBuf::from("/no/such");
        let files = KokoroFiles { model: path.clone(), voices: path.clone(), library: path };
        Kokoro::new(KokoroOptions { files, threads: 1, queue })
    }

    fn say(text: &str, voice: &str) -> Utterance {
        Utterance { text: text.into(), voice: voice.into(), emotion: Emotion::Fluent }
    }

    #[tokio::test]
    async fn what_cannot_be_said_is_refused_before_anything_is_loaded() {
        let kokoro = kokoro(4);
        assert_eq!(kokoro.speak(say("Hi", "nobody")).await, Err(SpeechError::Voice("nobody".into())));
        assert_eq!(kokoro.speak(say("Привет", "af_heart")).await, Err(SpeechError::Language("Cyrillic".into())));
        assert_eq!(kokoro.speak(say("…", "af_heart")).await, Err(SpeechError::Nothing));
        assert_eq!(kokoro.status(), Status::Ready);
        assert!(matches!(kokoro.speak(say("Hi", "af_heart")).await, Err(SpeechError::Unavailable(_))));
        assert!(matches!(kokoro.status(), Status::Failed(_)));
        assert_eq!(kokoro.texts.load(Ordering::Acquire), 0, "nobody waits any more");
    }

    #[test]
    fn most_of_the_text_decides_who_speaks() {
        assert_eq!(dominant("I live in 杭州 and work there."), Language::English);
        assert_eq!(dominant("我用Rust写代码"), Language::Chinese);
        assert_eq!(dominant("2026"), Language::English);
    }
}
