//! A speech server that notes what it is asked for.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secondme_kit::Secret;

use super::*;
use crate::Emotion;

type Seen = Arc<Mutex<Vec<(String, Value)>>>;
type Answer = fn(&Value) -> Response;

async fn server(answer: Answer) -> (String, Seen) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seen = Seen::default();
    let note = move |State(seen): State<Seen>, headers: HeaderMap, body: Body| async move {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let key = headers.get("authorization").map_or("", |v| v.to_str().unwrap()).to_owned();
        let answer = answer(&body);
        seen.lock().unwrap().push((key, body));
        answer
    };
    let router = Router::new().route("/v1/audio/speech", post(note)).with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

fn sound(rate: u32) -> Vec<i16> {
    (0..rate / 2).map(|n| ((n % 100) * 200) as i16).collect()
}

fn upstream(url: &str) -> Upstream {
    Upstream::new(UpstreamOptions {
        base_url: url.to_owned(),
        model: "tts-1".to_owned(),
        api_key: Secret::new("sk-secret"),
        voices: vec!["alloy".to_owned()],
        max_chars: 60,
        ..UpstreamOptions::default()
    })
    .unwrap()
}

fn say(text: &str, emotion: Emotion) -> Utterance {
    Utterance { text: text.into(), voice: "alloy".into(), emotion }
}

#[tokio::test]
async fn long_texts_are_sent_in_pieces_and_joined() {
    let (url, seen) = server(|_| mp3::encode(&sound(24_000), 24_000).unwrap().mp3.into_response()).await;
    let text = "The first sentence is here. The second one follows it. And a third one ends it all.";
    let clip = upstream(&url).speak(say(text, Emotion::Sad)).await.unwrap();
    let seen = seen.lock().unwrap();
    let one = mp3::encode(&sound(24_000), 24_000).unwrap().duration_ms;
    assert_eq!((clip.duration_ms, clip.sample_rate), (2 * one, 24_000));
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].0, "Bearer sk-secret");
    assert_eq!(
        seen[0].1,
        json!({"model": "tts-1", "input": "The first sentence is here. The second one follows it.", "voice": "alloy",
               "response_format": "mp3", "instructions": "Speak in a sad tone."})
    );
}

#[tokio::test]
async fn a_wav_answer_becomes_an_mp3() {
    let (url, _) = server(|_| {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(22_050u32.to_le_bytes());
        wav.extend([0, 0, 0, 0, 2, 0, 16, 0]);
        wav.extend(b"data\xff\xff\xff\xff");
        wav.extend(sound(22_050).iter().flat_map(|s| s.to_le_bytes()));
        wav.into_response()
    })
    .await;
    let clip = upstream(&url).speak(say("Hello", Emotion::Fluent)).await.unwrap();
    assert_eq!(clip.sample_rate, 22_050);
    assert!((500..620).contains(&clip.duration_ms), "{}", clip.duration_ms);
}

#[tokio::test]
async fn failures_say_what_happened_and_never_the_key() {
    let said = |status: u16, message: &str| SpeechError::Upstream { status: Some(status), message: message.into() };
    let answers: [(Answer, SpeechError); 4] = [
        (
            |_| (StatusCode::BAD_REQUEST, r#"{"error":{"message":"bad voice for sk-secret"}}"#).into_response(),
            said(400, "bad voice for [redacted]"),
        ),
        (
            |_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], "").into_response(),
            SpeechError::Busy { retry_after_secs: 7 },
        ),
        (
            |_| "<html>no sound</html>".into_response(),
            SpeechError::Upstream { status: None, message: "the answer is neither MP3 nor WAV".into() },
        ),
        (|_| (StatusCode::INTERNAL_SERVER_ERROR, "boom").into_response(), said(500, "boom")),
    ];
    for (answer, expected) in answers {
        let (url, _) = server(answer).await;
        assert_eq!(upstream(&url).speak(say("Hello", Emotion::Fluent)).await, Err(expected));
    }
    let nobody = upstream("http://127.0.0.1:1").speak(say("Hello", Emotion::Fluent)).await;
    assert!(matches!(nobody, Err(SpeechError::Unavailable(_))), "{nobody:?}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_once() {
    let options = UpstreamOptions { base_url: "ftp://x".into(), ..UpstreamOptions::default() };
    assert!(matches!(Upstream::new(options), Err(SpeechError::Unavailable(_))));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let upstream = upstream("http://127.0.0.1:1/v1/audio/speech");
    assert!(upstream.endpoint.ends_with("/v1/audio/speech"), "{}", upstream.endpoint);
    let other = Utterance { voice: "nova".into(), ..say("Hello", Emotion::Fluent) };
    assert_eq!(upstream.speak(other).await, Err(SpeechError::Voice("nova".into())));
    assert_eq!(upstream.speak(say("…", Emotion::Fluent)).await, Err(SpeechError::Nothing));
}
