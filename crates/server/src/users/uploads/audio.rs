//! Recordings: recognised by their bytes, and followed to their end, so that nothing is taken which cannot be played. They are kept
//! as they are (any bytes can be sound) and served so that a browser does nothing but play them.

use std::io::{Cursor, ErrorKind};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::Flaw;

/// The extension of the recording that these bytes are.
pub(super) fn sniff(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"RIFF") && bytes.get(8..16) == Some(b"WAVEfmt ") {
        let channels = bytes.get(22..24)?;
        return (1..=8).contains(&u16::from_le_bytes([channels[0], channels[1]])).then_some("wav");
    }
    if bytes.starts_with(b"OggS\0") {
        return Some("ogg");
    }
    if bytes.starts_with(b"fLaC") {
        return Some("flac");
    }
    if bytes.get(4..8) == Some(b"ftyp")
        && [b"M4A ", b"mp42", b"isom", b"mp41"].iter().any(|b| bytes.get(8..12) == Some(*b))
    {
        return Some("m4a");
    }
    if bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) && bytes.get(..64).is_some_and(|head| contains(head, b"webm")) {
        return Some("webm");
    }
    let tag = after_tag(bytes)?;
    is_mp3(bytes.get(tag..)?).then_some("mp3")
}

/// Whether a player can follow the recording: one track, of sound, with packets to its end.
pub(super) fn check(bytes: &[u8], extension: &str) -> Result<(), Flaw> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let probe = symphonia::default::get_probe();
    let found = probe.probe(&hint, source, FormatOptions::default(), MetadataOptions::default());
    let mut recording = found.map_err(|_| Flaw::Broken)?;
    if !matches!(recording.tracks(), [track] if matches!(track.codec_params, Some(CodecParameters::Audio(_)))) {
        return Err(Flaw::Unknown);
    }
    let mut heard = 0;
    loop {
        match recording.next_packet() {
            Ok(Some(packet)) => heard += packet.data.len(),
            Ok(None) => break,
            // Recorders that are switched off leave their last packet unfinished; players do not mind.
            Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(_) => return Err(Flaw::Broken),
        }
    }
    if heard > 0 { Ok(()) } else { Err(Flaw::Broken) }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Where the sound begins after an ID3 tag, whose length is four times seven bits.
fn after_tag(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(b"ID3") {
        return Some(0);
    }
    let size = bytes.get(6..10)?;
    if size.iter().any(|b| b & 0x80 != 0) {
        return None;
    }
    let size = size.iter().fold(0_usize, |size, b| size << 7 | usize::from(*b));
    Some(10 + size)
}

/// Two frames of MPEG audio, layer III, one behind the other: two bytes alone would let almost anything pass.
fn is_mp3(bytes: &[u8]) -> bool {
    let Some(length) = frame_length(bytes) else { return false };
    bytes.get(length..).is_some_and(|next| frame_length(next).is_some())
}

/// Bytes of the frame that begins here.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    const KBIT_1: [usize; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const KBIT_2: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [sync, version, rates] = [*bytes.first()?, *bytes.get(1)?, *bytes.get(2)?];
    let (generation, layer) = (version >> 3 & 3, version >> 1 & 3);
    if sync != 0xff || version & 0xe0 != 0xe0 || generation == 1 || layer != 1 {
        return None;
    }
    let bitrate = usize::from(rates >> 4).checked_sub(1)?;
    let first = generation == 3;
    let kbit = *(if first { KBIT_1 } else { KBIT_2 }).get(bitrate)?;
    let hertz = [44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3)).copied()?;
    let hertz = match generation {
        3 => hertz,
        2 => hertz / 2,
        _ => hertz / 4,
    };
    let samples = if first { 144 } else { 72 };
    Some(samples * kbit * 1_000 / hertz + usize::from(rates >> 1 & 1))
}
