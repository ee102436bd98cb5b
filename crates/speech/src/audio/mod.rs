//! Sound as samples: silence, pitch, loudness; and the MP3 file at the end.

pub(crate) mod mp3;
mod wav;

pub(crate) use wav::samples as wav_samples;

use crate::emotion::Prosody;

/// What is quieter than this is taken for silence at a sentence's ends.
const SILENCE: f32 = 0.008;
/// Sound kept before the first and behind the last loud sample, in milliseconds.
const MARGIN_MS: usize = 35;

/// Cuts the silence off both ends, up to a margin.
pub(crate) fn trimmed(samples: &[f32], rate: u32) -> &[f32] {
    let margin = rate as usize * MARGIN_MS / 1000;
    let loud = |s: &f32| s.abs() > SILENCE;
    let (Some(first), Some(last)) = (samples.iter().position(loud), samples.iter().rposition(loud)) else {
        return &[];
    };
    &samples[first.saturating_sub(margin)..(last + margin + 1).min(samples.len())]
}

/// Raises the pitch by reading faster; the length shrinks by the same factor.
pub(crate) fn pitched(samples: &[f32], factor: f32) -> Vec<f32> {
    if (factor - 1.0).abs() < 1e-3 || samples.is_empty() {
        return samples.to_vec();
    }
    let at = |index: isize| samples[index.clamp(0, samples.len() as isize - 1) as usize];
    let length = (samples.len() as f64 / f64::from(factor)) as usize;
    (0..length)
        .map(|n| {
            let position = n as f64 * f64::from(factor);
            let (base, t) = (position.floor() as isize, position.fract() as f32);
            let (a, b, c, d) = (at(base - 1), at(base), at(base + 1), at(base + 2));
            // Cubic between the two middle points (Catmull and Rom).
            b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
        })
        .collect()
}

/// As 16-bit samples, louder by the prosody's gain; peaks are rounded off and not cut.
pub(crate) fn levelled(samples: &[f32], prosody: Prosody) -> Vec<i16> {
    let soft = |x: f32| if x.abs() <= 0.8 { x } else { x.signum() * (0.8 + 0.2 * ((x.abs() - 0.8) / 0.2).tanh()) };
    samples.iter().map(|s| (soft(s * prosody.gain) * f32::from(i16::MAX)) as i16).collect()
}

/// So much silence.
pub(crate) fn silence(milliseconds: u32, factor: f32, rate: u32) -> Vec<i16> {
    vec![0; (milliseconds as f32 * factor * rate as f32 / 1000.0) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Emotion;

    fn tone(hertz: f32, seconds: f32) -> Vec<f32> {
        let count = (seconds * 24_000.0) as usize;
        (0..count).map(|n| 0.5 * (n as f32 * hertz * std::f32::consts::TAU / 24_000.0).sin()).collect()
    }

    fn crossings(samples: &[f32]) -> usize {
        samples.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count()
    }

    #[test]
    fn silence_is_cut_off_and_sound_is_kept() {
        let mut samples = vec![0.0; 12_000];
        samples.extend(tone(440.0, 0.5));
        samples.extend(vec![0.001; 24_000]);
        let kept = trimmed(&samples, 24_000);
        assert!((12_000..12_000 + 2 * 900).contains(&kept.len()), "{}", kept.len());
        assert!(trimmed(&[0.0; 100], 24_000).is_empty());
    }

    #[test]
    fn pitch_goes_up_by_the_factor_and_length_down() {
        let tone = tone(200.0, 1.0);
        let higher = pitched(&tone, 1.25);
        assert_eq!(higher.len(), 19_200);
        assert!((198..=201).contains(&crossings(&higher)), "the same waves in less time");
        assert_eq!(pitched(&tone, 1.0), tone);
    }

    #[test]
    fn loudness_never_overflows() {
        let loud = levelled(&[2.0, -2.0, 0.1], Emotion::Angry.prosody());
        assert!(loud[0] > 31_000 && loud[1] < -31_000);
        assert_eq!(loud[2], (0.13 * 32_767.0) as i16);
    }
}
