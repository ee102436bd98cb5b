//! What the encoder writes, read back by a decoder that is not ours.

use std::io::Cursor;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::*;

/// The samples of a file.
fn decoded(file: &[u8]) -> Vec<f32> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(file.to_vec())), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(Hint::new().with_extension("mp3"), source, FormatOptions::default(), MetadataOptions::default())
        .unwrap();
    let parameters = format.tracks()[0].codec_params.as_ref().unwrap().audio().unwrap().clone();
    let mut decoder =
        symphonia::default::get_codecs().make_audio_decoder(&parameters, &AudioDecoderOptions::default()).unwrap();
    let mut samples = Vec::new();
    while let Some(packet) = format.next_packet().unwrap() {
        let mut part: Vec<f32> = Vec::new();
        decoder.decode(&packet).unwrap().copy_to_vec_interleaved(&mut part);
        samples.extend(part);
    }
    samples
}

/// Something like a voice: harmonics that rise and fall, a little noise, and pauses.
fn voice(rate: u32, seconds: f32) -> Vec<i16> {
    let mut noise = 12_345u32;
    (0..(seconds * rate as f32) as usize)
        .map(|n| {
            let t = n as f32 / rate as f32;
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (noise >> 16) as f32 / 65_536.0 - 0.5;
            let loud = (t * 9.0).sin().max(0.0);
            let pitch = 140.0 + 30.0 * (t * 4.0).sin();
            let tone: f32 = (1..16).map(|h| (t * pitch * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum();
            (loud * (tone * 0.2 + hiss * 0.05) * 30_000.0) as i16
        })
        .collect()
}

/// Signal to noise in decibels, with the decoder's delay taken out.
fn quality(sound: &[i16], decoded: &[f32]) -> f64 {
    let (mut signal, mut noise) = (0.0, 0.0);
    for (sample, back) in sound.iter().zip(&decoded[DELAY..]) {
        let sample = f64::from(*sample) / 32_768.0;
        signal += sample * sample;
        noise += (sample - f64::from(*back)).powi(2);
    }
    10.0 * (signal / noise).log10()
}

#[test]
fn a_decoder_gives_back_what_went_in() {
    for rate in RATES {
        let sound = voice(rate, 2.0);
        let clip = encode(&sound, rate).unwrap();
        let back = decoded(&clip.mp3);
        assert_eq!(clip.sample_rate, rate);
        assert_eq!(back.len() as u64 * 1000 / u64::from(rate), clip.duration_ms);
        assert!(back.len() >= sound.len() + DELAY, "the end is not cut off");
        let quality = quality(&sound, &back);
        assert!(quality > 20.0, "{rate}: {quality:.1} dB");
        let bits = clip.mp3.len() as f64 * 8.0 * f64::from(rate) / back.len() as f64;
        assert!((63_800.0..64_200.0).contains(&bits), "{rate}: {bits} bits in a second");
    }
}

#[test]
fn silence_and_the_loudest_noise_are_encoded_too() {
    let mut noise = 1u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if noise >> 31 == 0 { i16::MAX } else { i16::MIN }
    };
    let loud: Vec<i16> = (0..24_000).map(|_| next()).collect();
    for sound in [vec![0; 5_000], loud, vec![i16::MAX; 3_000], vec![], vec![7]] {
        let clip = encode(&sound, 24_000).unwrap();
        let back = decoded(&clip.mp3);
        assert!(back.len() >= sound.len());
        assert!(sound.iter().any(|s| *s != 0) || back.iter().all(|s| s.abs() < 1e-4));
    }
    assert!(encode(&[0], 44_100).is_err());
}

#[test]
fn files_joined_frame_by_frame_play_one_after_the_other() {
    let (first, second) = (encode(&voice(24_000, 0.5), 24_000).unwrap(), encode(&voice(24_000, 0.7), 24_000).unwrap());
    let joined = [first.mp3.as_ref(), second.mp3.as_ref()].concat();
    let measured = measure(&joined).unwrap();
    assert_eq!(measured.duration_ms, first.duration_ms + second.duration_ms);
    assert_eq!(decoded(&joined).len() as u64 / 24, measured.duration_ms);
}
