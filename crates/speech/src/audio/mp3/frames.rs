//! The frames of an MP3 file: what is measured, and what files are joined from.

/// What a file is, by its own frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How long a player plays it.
    pub duration_ms: u64,
    /// Samples in a second.
    pub sample_rate: u32,
}

/// The header of a frame of layer III.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub sample_rate: u32,
    pub channels: u8,
    samples: u32,
    length: usize,
    /// Bytes of side information behind the header.
    side: usize,
}

const RATES: [u32; 3] = [44_100, 48_000, 32_000];
/// Kilobits in a second, for MPEG-1 and for the half and quarter rates of MPEG-2 and 2.5.
const KILOBITS: [[u32; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Header {
    /// Reads one; `None` if these four bytes are none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d] = *bytes.first_chunk()?;
        if a != 0xFF || b & 0xE6 != 0xE2 {
            return None;
        }
        let (full, shift) = match (b >> 3) & 3 {
            3 => (true, 0),
            2 => (false, 1),
            0 => (false, 2),
            _ => return None,
        };
        let kilobits = *KILOBITS[usize::from(!full)].get(usize::from(c >> 4).checked_sub(1)?)?;
        let sample_rate = RATES.get(usize::from((c >> 2) & 3))? >> shift;
        let mono = d >> 6 == 3;
        let samples = if full { 1152 } else { 576 };
        let padding = u32::from((c >> 1) & 1);
        let length = (samples / 8 * kilobits * 1000 / sample_rate + padding) as usize;
        let checksum = if b & 1 == 0 { 2 } else { 0 };
        let side = checksum
            + match (full, mono) {
                (true, false) => 32,
                (true, true) | (false, false) => 17,
                (false, true) => 9,
            };
        Some(Self { sample_rate, channels: if mono { 1 } else { 2 }, samples, length, side })
    }
}

/// The frames of a file that carry sound: without tags, and without the frame in which encoders describe the file.
pub(crate) fn frames(file: &[u8]) -> Vec<(Header, &[u8])> {
    let mut out: Vec<(Header, &[u8])> = Vec::new();
    let mut at = id3_length(file);
    while at + 4 <= file.len() {
        let Some((header, frame)) = frame_at(file, at) else {
            at += 1;
            continue;
        };
        // A header found by chance inside something else is not followed by another one.
        let behind = at + header.length;
        let follows =
            behind >= file.len() || Header::parse(&file[behind..]).is_some() || file[behind..].starts_with(b"TAG");
        if out.is_empty() && !follows {
            at += 1;
            continue;
        }
        let describes = out.is_empty() && describes_file(frame, header);
        if !describes && out.first().is_none_or(|(first, _)| first.sample_rate == header.sample_rate) {
            out.push((header, frame));
        }
        at = behind;
    }
    out
}

fn frame_at(file: &[u8], at: usize) -> Option<(Header, &[u8])> {
    let header = Header::parse(file.get(at..)?)?;
    Some((header, file.get(at..at + header.length)?))
}

fn describes_file(frame: &[u8], header: Header) -> bool {
    let at = 4 + header.side;
    matches!(frame.get(at..at + 4), Some(b"Xing" | b"Info")) || frame.get(36..40) == Some(b"VBRI")
}

/// Bytes of the tag at the file's beginning.
fn id3_length(file: &[u8]) -> usize {
    match file.first_chunk::<10>() {
        Some([b'I', b'D', b'3', _, _, flags, a, b, c, d]) => {
            let size = [a, b, c, d].iter().fold(0, |size, byte| (size << 7) | usize::from(**byte & 0x7F));
            size + if flags & 0x10 == 0 { 10 } else { 20 }
        }
        _ => 0,
    }
}

/// Measures a file by its frames; `None` if it has none.
pub fn measure(file: &[u8]) -> Option<Measured> {
    let frames = frames(file);
    let sample_rate = frames.first()?.0.sample_rate;
    let samples: u64 = frames.iter().map(|(header, _)| u64::from(header.samples)).sum();
    Some(Measured { duration_ms: samples * 1000 / u64::from(sample_rate), sample_rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A silent frame of MPEG-2, 24 kHz, mono, 64 kbit/s.
    fn frame() -> Vec<u8> {
        let mut frame = vec![0xFF, 0xF3, 0x84, 0xC4];
        frame.resize(192, 0);
        frame
    }

    #[test]
    fn tags_and_descriptions_are_not_sound() {
        let mut file = b"ID3\x04\0\0\0\0\0\x05hello".to_vec();
        let mut info = frame();
        info[13..17].copy_from_slice(b"Info");
        file.extend(info);
        for _ in 0..10 {
            file.extend(frame());
        }
        file.extend(b"TAG and a title");
        assert_eq!(measure(&file), Some(Measured { duration_ms: 240, sample_rate: 24_000 }));
        assert_eq!(frames(&file).len(), 10);
        assert_eq!(measure(b"<html>no sound</html>"), None);
        assert_eq!(measure(&[]), None);
    }

    #[test]
    fn a_cut_frame_does_not_count() {
        let mut file = frame();
        file.extend(&frame()[..100]);
        assert_eq!(measure(&file).unwrap().duration_ms, 24);
    }
}
