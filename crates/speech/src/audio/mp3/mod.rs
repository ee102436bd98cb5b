//! MP3: an encoder for speech, and the frames of any file.
//!
//! The encoder is our own because every kept-up one is under the LGPL or does not reach the quality (ADR 0050). It knows what
//! speech needs: one channel, the half sample rates of MPEG-2, a constant bit rate, and frames that depend on no other one, so
//! that files can be joined frame by frame.

mod bits;
mod filterbank;
mod frames;
mod quantise;
mod tables;

use bytes::Bytes;

pub(crate) use frames::frames;
pub use frames::{Measured, measure};

use crate::{Clip, SpeechError};
use filterbank::Filterbank;

/// Samples in a frame of MPEG-2.
const FRAME: usize = 576;
/// How many samples later a decoder gives back what went in.
const DELAY: usize = 1_057;
const KILOBITS: usize = 64;
/// The number of that rate in a frame's header.
const KILOBITS_INDEX: u32 = 8;
/// The rates that can be encoded, with their number in a frame's header at their index.
const RATES: [u32; 3] = [22_050, 24_000, 16_000];
/// Bytes before the coded numbers: header and side information.
const HEAD: usize = 4 + 9;

/// Encodes samples as they come.
pub(crate) struct Encoder {
    rate: u32,
    filterbank: Filterbank,
    waiting: Vec<f32>,
    file: Vec<u8>,
    /// Bytes that the frames so far are too short by, in parts of the rate.
    owed: usize,
}

impl Encoder {
    /// An encoder for one of 16,000, 22,050 and 24,000 samples in a second.
    ///
    /// # Errors
    /// `Unavailable` for any other rate.
    pub(crate) fn new(rate: u32) -> Result<Self, SpeechError> {
        if !RATES.contains(&rate) {
            return Err(SpeechError::Unavailable(format!("sound with {rate} samples in a second cannot be encoded")));
        }
        // The last samples come out of a decoder late: the beginning of the delay is filled here.
        Ok(Self { rate, filterbank: Filterbank::new(), waiting: Vec::new(), file: Vec::new(), owed: 0 })
    }

    /// Takes more samples.
    pub(crate) fn push(&mut self, samples: &[i16]) {
        self.waiting.extend(samples.iter().map(|s| f32::from(*s) / 32_768.0));
        let mut done = 0;
        while self.waiting.len() - done >= FRAME {
            let lines = self.filterbank.lines(&self.waiting[done..done + FRAME]);
            done += FRAME;
            self.write(&lines);
        }
        self.waiting.drain(..done);
    }

    /// The file; silence is added until the last sample is out.
    ///
    /// # Errors
    /// `Broken` if the file has no sound, which it always has.
    pub(crate) fn finish(mut self) -> Result<Clip, SpeechError> {
        let missing = (FRAME - (self.waiting.len() + DELAY) % FRAME) % FRAME;
        self.push(&vec![0; DELAY + missing]);
        clip(self.file.into()).ok_or_else(|| SpeechError::Broken("nothing was encoded".to_owned()))
    }

    /// One frame of a constant length on average: some are a byte longer where the rate does not divide.
    fn write(&mut self, lines: &[f32; FRAME]) {
        let bits = 72 * KILOBITS * 1_000;
        let rate = self.rate as usize;
        let mut length = bits / rate;
        self.owed += bits % rate;
        let padded = self.owed >= rate;
        if padded {
            self.owed -= rate;
            length += 1;
        }
        let coded = quantise::code(lines, self.rate, (length - HEAD) * 8);
        let start = self.file.len();
        let mut out = bits::Writer::new(&mut self.file);
        let rate_index = RATES.iter().position(|r| *r == self.rate).unwrap_or(0) as u32;
        // Sync, MPEG-2, layer III, no checksum; rates; one channel, original.
        out.put(0xFFF3, 16);
        out.put((KILOBITS_INDEX << 4) | (rate_index << 2) | (u32::from(padded) << 1), 8);
        out.put(0b1100_0100, 8);
        coded.write(&mut out);
        out.finish();
        self.file.resize(start + length, 0);
    }
}

/// Encodes a whole sound.
///
/// # Errors
/// As [`Encoder::new`].
pub(crate) fn encode(samples: &[i16], rate: u32) -> Result<Clip, SpeechError> {
    let mut encoder = Encoder::new(rate)?;
    encoder.push(samples);
    encoder.finish()
}

/// A file with its measures; `None` if it is no MP3.
pub(crate) fn clip(mp3: Bytes) -> Option<Clip> {
    let Measured { duration_ms, sample_rate } = measure(&mp3)?;
    Some(Clip { mp3, duration_ms, sample_rate })
}

#[cfg(test)]
mod tests;
