//! The sound of a WAV file, for servers that answer with one whatever they were asked for.

/// Mono samples and their rate of a file with 16-bit samples; `None` if it is anything else.
pub(crate) fn samples(file: &[u8]) -> Option<(Vec<i16>, u32)> {
    if file.get(..4)? != b"RIFF" || file.get(8..12)? != b"WAVE" {
        return None;
    }
    let u16_at = |at: usize| file.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let u32_at = |at: usize| file.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (mut at, mut format) = (12, None);
    loop {
        let name = file.get(at..at + 4)?;
        let length = u32_at(at + 4)? as usize;
        let body = at + 8;
        if name == b"fmt " {
            let (kind, channels, rate, bits) =
                (u16_at(body)?, u16_at(body + 2)?, u32_at(body + 4)?, u16_at(body + 14)?);
            if !matches!(kind, 1 | 0xFFFE) || bits != 16 || channels == 0 {
                return None;
            }
            format = Some((usize::from(channels), rate));
        } else if name == b"data" {
            let (channels, rate) = format?;
            // Streamed files do not know their length: everything that is left.
            let data = file.get(body..)?;
            let data = &data[..length.min(data.len())];
            let frames = data.chunks_exact(2 * channels);
            let mono = |frame: &[u8]| {
                let sum: i32 = frame.chunks_exact(2).map(|b| i32::from(i16::from_le_bytes([b[0], b[1]]))).sum();
                (sum / channels as i32) as i16
            };
            return Some((frames.map(mono).collect(), rate));
        }
        at = body + length + length % 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(channels: u16, data: &[i16]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
        out.extend(16u32.to_le_bytes());
        for half in [1, channels] {
            out.extend(half.to_le_bytes());
        }
        out.extend(22_050u32.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend((2 * channels).to_le_bytes());
        out.extend(16u16.to_le_bytes());
        out.extend(b"LIST\x03\0\0\0abc\0data");
        out.extend((u32::MAX).to_le_bytes());
        out.extend(data.iter().flat_map(|s| s.to_le_bytes()));
        out
    }

    #[test]
    fn samples_are_read_and_channels_mixed() {
        assert_eq!(samples(&wav(1, &[1, -2, 3])), Some((vec![1, -2, 3], 22_050)));
        assert_eq!(samples(&wav(2, &[10, 20, -4, -6])), Some((vec![15, -5], 22_050)));
        assert_eq!(samples(b"ID3 something else"), None);
        assert_eq!(samples(&wav(1, &[1])[..30]), None);
    }
}
