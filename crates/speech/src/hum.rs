//! The fake: hums a note for each letter. For tests, and for a server without a speech model.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::audio::{self, mp3};
use crate::{Clip, Language, Speech, SpeechError, Status, Utterance, Voice, kokoro, text};

const RATE: u32 = 24_000;
/// The length of a letter's note; a Chinese character takes as long as three.
const NOTE_MS: u32 = 70;
const PIECE: usize = 220;

/// A fake engine that answers to the names of Kokoro's voices.
#[derive(Debug, Default)]
pub struct Hum {
    calls: AtomicUsize,
    failure: Mutex<Option<SpeechError>>,
}

impl Hum {
    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    /// Every call fails like this from now on; `None`: no more.
    pub fn fail_with(&self, error: Option<SpeechError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

fn notes(utterance: &Utterance) -> Result<Clip, SpeechError> {
    let mut encoder = mp3::Encoder::new(RATE)?;
    let prosody = utterance.emotion.prosody();
    let base = if utterance.voice.as_bytes().get(1) == Some(&b'm') { 110.0 } else { 220.0 };
    for piece in text::prepare(&utterance.text, PIECE)? {
        for c in piece.text.chars() {
            let length = if text::language(&c.to_string()) == Some(Language::Chinese) { 3 * NOTE_MS } else { NOTE_MS };
            let length = (length as f32 / prosody.pace) as u32;
            if !c.is_alphanumeric() {
                encoder.push(&audio::silence(length, 1.0, RATE));
                continue;
            }
            let hertz = base * prosody.pitch * (1.0 + (u32::from(c) % 12) as f32 / 12.0);
            let count = length * RATE / 1000;
            let note = |n: u32| 0.4 * (n as f32 * hertz * std::f32::consts::TAU / RATE as f32).sin();
            encoder.push(&audio::levelled(&(0..count).map(note).collect::<Vec<_>>(), prosody));
        }
        encoder.push(&audio::silence(piece.pause_ms, prosody.pause, RATE));
    }
    encoder.finish()
}

#[async_trait]
impl Speech for Hum {
    async fn speak(&self, utterance: Utterance) -> Result<Clip, SpeechError> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        if let Some(error) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error);
        }
        if !self.voices().iter().any(|voice| voice.id == utterance.voice) {
            return Err(SpeechError::Voice(utterance.voice));
        }
        tokio::task::spawn_blocking(move || notes(&utterance)).await.map_err(|e| SpeechError::Broken(e.to_string()))?
    }

    fn voices(&self) -> Vec<Voice> {
        kokoro::all_voices()
    }

    fn name(&self) -> String {
        "hum".to_owned()
    }

    fn status(&self) -> Status {
        Status::Ready
    }
}
