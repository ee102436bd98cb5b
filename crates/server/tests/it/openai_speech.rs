//! `/v1/audio/speech`: the user's own voice for OpenAI's clients.

use std::sync::Arc;

use secondme_server::access::Kind;
use secondme_speech::{Hum, SpeechError, measure};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data};

async fn humming(db: TestDb) -> (World, Arc<Hum>) {
    let world = World::new(db).await;
    let hum = Arc::new(Hum::default());
    world.app.speaker().set(hum.clone());
    (world, hum)
}

async fn send(world: &World, token: &str, body: &Value) -> reqwest::Response {
    world.http.post(format!("{}/v1/audio/speech", world.url)).bearer_auth(token).json(body).send().await.unwrap()
}

/// What OpenAI's own clients send, and more or other members.
fn asks(text: &str, other: &Value) -> Value {
    let mut body = json!({"model": "secondme/voice", "input": text, "voice": "alloy"});
    body.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    body
}

async fn speak(world: &World, body: &Value) -> bytes::Bytes {
    let response = send(world, ADA, body).await;
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, "audio/mpeg"));
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let file = response.bytes().await.unwrap();
    assert_eq!(file.len(), length);
    file
}

async fn refused(world: &World, token: &str, body: &Value) -> (u16, Value) {
    let response = send(world, token, body).await;
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(
        body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()) && body.get("subCode").is_none(),
        "{body}"
    );
    (status, body["error"].clone())
}

both! {
    async fn the_users_voice_speaks_to_openais_clients(db: TestDb) {
        let (world, hum) = humming(db).await;
        let plain = json!({});
        let first = speak(&world, &asks("Hello from Lisbon.", &plain)).await;
        assert!(measure(&first).unwrap().duration_ms > 500);
        // The same file as the API's own route gives, whatever voice the client names.
        let spoken = data(world.post("secondme/tts/generate", ADA, &json!({"text": "Hello from Lisbon."})).await);
        let file = world.http.get(spoken["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
        assert_eq!((&file, hum.calls()), (&first, 1));
        let hints = json!({"voice": {"id": "nobody"}, "instructions": "Speak like a pirate.", "response_format": "mp3", "speed": 1.0, "stream_format": "audio"});
        assert_eq!(speak(&world, &asks("Hello from Lisbon.", &hints)).await, first);
        let sad = speak(&world, &asks("Hello from Lisbon.", &json!({"instructions": "sad"}))).await;
        assert!(measure(&sad).unwrap().duration_ms > measure(&first).unwrap().duration_ms);
        let other = json!({"voiceId": "am_puck"});
        data(world.post("secondme/tts/voice", ADA, &other).await);
        assert_ne!(speak(&world, &asks("Hello from Lisbon.", &plain)).await, first);
        let models: Value = world.http.get(format!("{}/v1/models", world.url)).bearer_auth(ADA).send().await.unwrap().json().await.unwrap();
        assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "secondme/voice"), "{models}");
    }

    async fn what_cannot_be_spoken_is_told_in_openais_words(db: TestDb) {
        let (world, hum) = humming(db).await;
        for (wrong, param) in [
            (json!({"input": null}), "input"), (json!({"input": " \n"}), "input"), (json!({"input": "😀…"}), "input"),
            (json!({"response_format": "opus"}), "response_format"), (json!({"speed": 1.5}), "speed"), (json!({"stream_format": "sse"}), "stream_format"),
        ] {
            let (status, error) = refused(&world, ADA, &asks("Hi", &wrong)).await;
            assert_eq!((status, &error["type"], &error["param"]), (400, &json!("invalid_request_error"), &json!(param)), "{error}");
        }
        for wrong in [json!({"input": 7}), json!({"speed": "fast"}), json!([])] {
            let body = if wrong.is_array() { wrong } else { asks("Hi", &wrong) };
            assert_eq!(refused(&world, ADA, &body).await.0, 400);
        }
        let long = refused(&world, ADA, &asks(&"a".repeat(10_001), &json!({}))).await;
        assert_eq!((long.0, &long.1["code"], &long.1["param"]), (400, &json!("tts.text.too_long"), &json!("input")));
        let russian = refused(&world, ADA, &asks("Привет", &json!({}))).await;
        assert_eq!((russian.0, &russian.1["code"]), (400, &json!("tts.language.unsupported")));
        let unknown = refused(&world, ADA, &asks("Hi", &json!({"model": "tts-1"}))).await;
        assert_eq!((unknown.0, &unknown.1["code"]), (404, &json!("model_not_found")));
        assert_eq!(hum.calls(), 2, "only what the engine itself refused was asked");
        for (failure, status, kind) in [
            (SpeechError::Busy { retry_after_secs: 9 }, 503, "server_error"),
            (SpeechError::Timeout("slow".into()), 504, "server_error"),
            (SpeechError::Broken("secret".into()), 502, "server_error"),
        ] {
            hum.fail_with(Some(failure));
            let response = send(&world, ADA, &asks("Hi", &json!({}))).await;
            let waits = response.headers().get("retry-after").cloned();
            assert_eq!((response.status().as_u16(), waits.is_some()), (status, status == 503));
            let body: Value = response.json().await.unwrap();
            assert!(body["error"]["type"] == kind && !body.to_string().contains("secret"), "{body}");
        }
    }

    async fn it_needs_a_voice_and_the_scope(db: TestDb) {
        let (world, _) = humming(db).await;
        let body = asks("Hi", &json!({}));
        assert_eq!(refused(&world, "lba_at_nobody", &body).await.1["code"], "invalid_api_key");
        let without = world.mint(Kind::Access, "userinfo chat.write").await;
        assert_eq!(refused(&world, &without, &body).await.0, 403);
        let only = world.mint(Kind::Access, "voice").await;
        assert_eq!(send(&world, &only, &body).await.status(), 200);
        data(world.post("secondme/tts/voice", LIN, &json!({"voiceId": ""})).await);
        let (status, error) = refused(&world, LIN, &body).await;
        assert_eq!((status, &error["code"]), (400, &json!("tts.voice_id.not_set")));
    }

    async fn a_server_that_cannot_speak_offers_no_voice(db: TestDb) {
        let world = World::new(db).await;
        let (status, error) = refused(&world, ADA, &asks("Hi", &json!({}))).await;
        assert_eq!((status, &error["code"]), (503, &json!("tts.engine.unavailable")));
        let answer = world.http.get(format!("{}/v1/models/secondme/voice", world.url)).bearer_auth(ADA).send().await.unwrap();
        assert_eq!(answer.status(), 404);
    }

    async fn spoken_texts_take_the_users_space(db: TestDb) {
        let world = World::with_config(db, |config| config.uploads.user_max_bytes = 30_000).await;
        world.app.speaker().set(Arc::new(Hum::default()));
        let first = asks("A text that takes more than a second.", &json!({}));
        speak(&world, &first).await;
        let (status, error) = refused(&world, ADA, &asks("Another text, just as long as that.", &json!({}))).await;
        assert_eq!((status, &error["code"]), (413, &json!("cos.upload.failed")));
        speak(&world, &first).await;
    }
}
