//! Kokoro itself, from the user's cache. `make test-model` fetches it and runs these with `-- --ignored`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests are tests")]

use std::io::Cursor;
use std::path::PathBuf;

use secondme_speech::{Clip, Emotion, Kokoro, KokoroFiles, KokoroOptions, Speech, Utterance, measure};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

fn kokoro() -> Kokoro {
    #[expect(clippy::disallowed_methods, reason = "a test reads where the cache is")]
    let cache = std::env::var("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .expect("a home")
        .join("secondme/models");
    let library = std::fs::read_dir(&cache)
        .unwrap()
        .flatten()
        .map(|item| item.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("libonnxruntime-") && name.ends_with(".so")
        })
        .expect("secondme model pull onnxruntime");
    let files =
        KokoroFiles { model: cache.join("kokoro-82m-int8.onnx"), voices: cache.join("kokoro-voices.bin"), library };
    Kokoro::new(KokoroOptions { files, threads: 2, queue: 4 })
}

async fn say(kokoro: &Kokoro, text: &str, voice: &str, emotion: Emotion) -> (Clip, Vec<f32>) {
    let utterance = Utterance { text: text.into(), voice: voice.into(), emotion };
    let clip = kokoro.speak(utterance).await.unwrap();
    let samples = decoded(&clip.mp3);
    (clip, samples)
}

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

/// The energy of 20 ms windows.
fn energies(samples: &[f32]) -> Vec<f32> {
    samples.chunks(480).map(|w| (w.iter().map(|s| s * s).sum::<f32>() / w.len() as f32).sqrt()).collect()
}

/// What tells speech from noise and from a tone without understanding it: loud and quiet alternate some times a second, pauses
/// are there but not most of it, most of it is voiced (few changes of sign), and hissing comes between.
fn speech_or_why_not(samples: &[f32]) -> Result<(), String> {
    let within = |range: std::ops::Range<f32>, value: f32, what: &str| {
        if range.contains(&value) { Ok(()) } else { Err(format!("{what}: {value}")) }
    };
    let energies = energies(samples);
    let loudest = energies.iter().copied().fold(0.0, f32::max);
    within(0.03..0.9, loudest, "loudness")?;
    let share = |is: &dyn Fn(f32) -> bool| energies.iter().filter(|e| is(**e)).count() as f32 / energies.len() as f32;
    within(0.01..0.5, share(&|e| e < loudest * 0.03), "share of silence")?;
    let average = energies.iter().sum::<f32>() / energies.len() as f32;
    let crossings = energies.windows(2).filter(|w| (w[0] < average) != (w[1] < average)).count() as f32;
    within(2.0..25.0, crossings / (samples.len() as f32 / 24_000.0), "changes of loudness a second")?;
    let sign_changes = |w: &[f32]| w.windows(2).filter(|p| (p[0] < 0.0) != (p[1] < 0.0)).count();
    let loud = samples.chunks(480).zip(&energies).filter(|(_, e)| **e > loudest * 0.1);
    let rates: Vec<usize> = loud.map(|(w, _)| sign_changes(w)).collect();
    let part = |is: &dyn Fn(usize) -> bool| rates.iter().filter(|r| is(**r)).count() as f32 / rates.len() as f32;
    within(0.5..1.0, part(&|r| r < 60), "voiced part")?;
    let (low, high) = (rates.iter().min().copied().unwrap_or(0), rates.iter().max().copied().unwrap_or(0));
    within(50.0..480.0, (high - low) as f32, "spread between humming and hissing")
}

#[test]
fn noise_tones_and_silence_are_not_taken_for_speech() {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as f32 / 65_536.0 - 0.5
    };
    let second = |n: usize| n as f32 / 24_000.0;
    // Loud and quiet alternate as in speech, with pauses: only the sound itself is another one.
    let beat = |n: usize| ((second(n) * 2.0 * std::f32::consts::TAU).sin().max(0.0)) * 0.5;
    let tone = |n: usize| (second(n) * 220.0 * std::f32::consts::TAU).sin() * 0.5;
    let count = 24_000 * 4;
    let sounds: [(&str, Vec<f32>); 6] = [
        ("silence", vec![0.0; count]),
        ("noise", (0..count).map(|_| noise()).collect()),
        ("noise in beats", (0..count).map(|n| noise() * beat(n)).collect()),
        ("a tone", (0..count).map(tone).collect()),
        ("a tone in beats", (0..count).map(|n| tone(n) * beat(n)).collect()),
        ("a word and nothing more", (0..count).map(|n| if n < 24_000 { tone(n) * beat(n) } else { 0.0 }).collect()),
    ];
    for (what, samples) in sounds {
        assert!(speech_or_why_not(&samples).is_err(), "{what}");
    }
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn english_and_chinese_are_spoken_as_speech() {
    let kokoro = kokoro();
    let cases = [
        ("af_heart", "Good morning! My name is Ada Zuckerstein, and I bake sourdough bread on Saturdays."),
        ("am_michael", "In 2026 we sold 1,250 loaves, which is 40% more than the year before. Isn't that great?"),
        ("zf_xiaoxiao", "你好，我是林小满。我住在杭州，周末常在西湖边拍日出，每天早上喝一杯手冲咖啡。"),
        ("zm_yunxi", "2026年11月22日，我们用Rust写了3个服务，一共花了15天。"),
    ];
    for (voice, text) in cases {
        let (clip, samples) = say(&kokoro, text, voice, Emotion::Fluent).await;
        let measured = samples.len() as u64 * 1000 / 24_000;
        assert!(measured.abs_diff(clip.duration_ms) <= 50, "{voice}: {measured} and {}", clip.duration_ms);
        assert_eq!(measure(&clip.mp3).unwrap().sample_rate, clip.sample_rate);
        assert_eq!(speech_or_why_not(&samples), Ok(()), "{voice}");
        let units: usize = text.chars().map(|c| if c > '\u{2E7F}' { 3 } else { 1 }).sum();
        let each = clip.duration_ms as f32 / units as f32;
        assert!((40.0..130.0).contains(&each), "{voice}: {each} ms for a letter");
    }
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn emotions_are_heard_and_voices_differ() {
    let kokoro = kokoro();
    let text = "We will meet at the station in the evening.";
    let (plain, plain_samples) = say(&kokoro, text, "af_heart", Emotion::Fluent).await;
    let (sad, sad_samples) = say(&kokoro, text, "af_heart", Emotion::Sad).await;
    let (angry, angry_samples) = say(&kokoro, text, "af_heart", Emotion::Angry).await;
    assert!(sad.duration_ms > plain.duration_ms * 105 / 100, "{} {}", sad.duration_ms, plain.duration_ms);
    assert!(angry.duration_ms < plain.duration_ms, "{} {}", angry.duration_ms, plain.duration_ms);
    let loudness = |samples: &[f32]| (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt();
    assert!(loudness(&sad_samples) < loudness(&plain_samples) && loudness(&plain_samples) < loudness(&angry_samples));
    let (other, _) = say(&kokoro, text, "am_michael", Emotion::Fluent).await;
    assert_ne!(other.mp3, plain.mp3);
    let (again, _) = say(&kokoro, text, "af_heart", Emotion::Fluent).await;
    assert_eq!(again.mp3, plain.mp3, "the same text sounds the same");
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn a_long_text_is_spoken_to_its_end() {
    let kokoro = kokoro();
    let sentence = "The cat of this house likes fish. ";
    let (one, _) = say(&kokoro, sentence, "af_heart", Emotion::Fluent).await;
    let (ten, samples) = say(&kokoro, &sentence.repeat(10), "af_heart", Emotion::Fluent).await;
    assert!(ten.duration_ms > one.duration_ms * 9, "{} and {}", one.duration_ms, ten.duration_ms);
    let end = energies(&samples[samples.len() - 24_000..]);
    assert!(end.iter().any(|e| *e > 0.02), "the last second is not silent");
}
