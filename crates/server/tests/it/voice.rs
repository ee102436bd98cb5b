//! Texts spoken with the user's voice (contract 12).

use std::sync::Arc;

use secondme_server::access::Kind;
use secondme_speech::{Emotion, Hum, SpeechError, measure};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

const GENERATE: &str = "secondme/tts/generate";

/// A server whose engine hums.
async fn humming(db: TestDb) -> (World, Arc<Hum>) {
    let world = World::new(db).await;
    let hum = Arc::new(Hum::default());
    world.app.speaker().set(hum.clone());
    (world, hum)
}

async fn say(world: &World, token: &str, body: Value) -> Value {
    data(world.post(GENERATE, token, &body).await)
}

both! {
    async fn a_text_becomes_a_file_that_anybody_can_play(db: TestDb) {
        let (world, _) = humming(db).await;
        let spoken = say(&world, ADA, json!({"text": "Hello from Lisbon. How are you?"})).await;
        assert_eq!((spoken["sampleRate"].as_i64(), spoken["format"].as_str()), (Some(24_000), Some("mp3")));
        assert_eq!(spoken.as_object().unwrap().len(), 4);
        let url = spoken["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/speech/", world.url)) && url.ends_with(".mp3"), "{url}");
        let response = world.http.get(url).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "audio/mpeg");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let file = response.bytes().await.unwrap();
        let measured = measure(&file).unwrap();
        assert_eq!(spoken["durationMs"].as_u64(), Some(measured.duration_ms));
        assert!(measured.duration_ms > 1_000, "{measured:?}");
        let part = world.http.get(url).header("range", "bytes=0-99").send().await.unwrap();
        assert_eq!(part.status(), 206);
        assert_eq!(part.headers()["content-range"].to_str().unwrap(), format!("bytes 0-99/{}", file.len()));
        assert_eq!(part.bytes().await.unwrap(), file.slice(..100));
        let other = format!("{}/speech/{}.mp3", world.url, "0".repeat(64));
        assert_eq!(world.http.get(other).send().await.unwrap().status(), 404);
    }

    async fn what_was_spoken_once_is_not_spoken_again(db: TestDb) {
        let (world, hum) = humming(db).await;
        let body = json!({"text": "你好，世界。"});
        let first = say(&world, ADA, body.clone()).await;
        assert_eq!(say(&world, ADA, body.clone()).await, first);
        assert_eq!(say(&world, ADA, json!({"text": "你好，世界。", "emotion": "fluent"})).await, first);
        assert_eq!(hum.calls(), 1);
        // Another emotion, another text, another user, another voice: each is a file of its own.
        let mut seen = vec![first["url"].clone()];
        for (token, body) in [
            (ADA, json!({"text": "你好，世界。", "emotion": "sad"})),
            (ADA, json!({"text": "你好，世界！"})),
            (LIN, body.clone()),
        ] {
            seen.push(say(&world, token, body).await["url"].clone());
        }
        data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": "am_puck"})).await);
        seen.push(say(&world, ADA, body).await["url"].clone());
        let distinct: std::collections::HashSet<_> = seen.iter().map(|u| u.as_str().unwrap()).collect();
        assert_eq!((distinct.len(), hum.calls()), (5, 5));
    }

    async fn the_same_text_asked_for_at_once_is_spoken_once(db: TestDb) {
        let (world, hum) = humming(db).await;
        let body = json!({"text": "Everybody wants to hear this one sentence.".repeat(20)});
        let answers = futures::future::join_all((0..6).map(|_| say(&world, ADA, body.clone()))).await;
        assert!(answers.iter().all(|a| *a == answers[0]));
        assert_eq!(hum.calls(), 1);
    }

    async fn every_emotion_of_the_contract_is_taken_and_no_other(db: TestDb) {
        let (world, hum) = humming(db).await;
        let mut durations = Vec::new();
        for emotion in Emotion::ALL {
            let spoken = say(&world, ADA, json!({"text": "One two three four five.", "emotion": emotion.as_str()})).await;
            durations.push(spoken["durationMs"].as_i64().unwrap());
        }
        assert_eq!(hum.calls(), Emotion::ALL.len());
        assert!(durations[1] > durations[7], "sad is slower than fluent: {durations:?}");
        say(&world, ADA, json!({"text": "x", "emotion": null})).await;
        for wrong in [json!("bored"), json!("Happy"), json!(7)] {
            let body = json!({"text": "One", "emotion": wrong});
            refused(&world.post(GENERATE, ADA, &body).await, 400, "invalid.param");
        }
    }

    async fn limits_and_missing_texts_are_refused(db: TestDb) {
        let (world, hum) = humming(db).await;
        for body in [json!({}), json!({"text": null}), json!({"text": "  \n"}), json!({"text": 7}), json!({"text": "😀…"})] {
            refused(&world.post(GENERATE, ADA, &body).await, 400, "invalid.param");
        }
        let longest = "好".repeat(10_000);
        let (status, body) = world.post(GENERATE, ADA, &json!({"text": format!("{longest}好")})).await;
        assert!(body["message"].as_str().unwrap().contains("10000"), "{body}");
        refused(&(status, body), 400, "tts.text.too_long");
        refused(&world.post(GENERATE, ADA, &json!({"text": "Привет, мир"})).await, 400, "tts.language.unsupported");
        assert_eq!(hum.calls(), 2, "only what the engine itself refused was asked");
        let chinese = world.request(reqwest::Method::POST, GENERATE, ADA).header("accept-language", "zh-CN");
        let chinese = chinese.json(&json!({"text": "Привет"})).send().await.unwrap();
        assert!(chinese.text().await.unwrap().contains("仅支持中文和英文"));
    }

    async fn the_longest_text_is_spoken(db: TestDb) {
        let (world, _) = humming(db).await;
        let text = "Ten letters. ".repeat(769);
        let spoken = say(&world, ADA, json!({"text": &text[..10_000 - 3]})).await;
        assert!(spoken["durationMs"].as_i64().unwrap() > 600_000, "{spoken}");
    }

    async fn the_voice_is_the_users_choice(db: TestDb) {
        let (world, _) = humming(db).await;
        let voices = data(world.get("secondme/tts/voices", ADA).await);
        assert_eq!(voices["voiceId"], "af_heart");
        assert_eq!(voices["voices"][0], json!({"id": "af_heart", "name": "Heart", "language": "en", "gender": "female"}));
        let nobody = world.post("secondme/tts/voice", ADA, &json!({"voiceId": "nobody"})).await;
        refused(&nobody, 400, "invalid.param");
        assert_eq!(data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": ""})).await), json!({"voiceId": ""}));
        refused(&world.post(GENERATE, ADA, &json!({"text": "Hi"})).await, 400, "tts.voice_id.not_set");
        say(&world, LIN, json!({"text": "Hi"})).await;
        data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": "zm_yunxi"})).await);
        say(&world, ADA, json!({"text": "Hi", "voiceId": "nobody"})).await;
        assert_eq!(data(world.get("secondme/tts/voices", ADA).await)["voiceId"], "zm_yunxi");
    }

    async fn an_operator_may_give_a_voice_to_those_who_chose_none(db: TestDb) {
        let world = World::with_config(db, |config| config.speech.default_voice = "af_bella".into()).await;
        world.app.speaker().set(Arc::new(Hum::default()));
        data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": ""})).await);
        say(&world, ADA, json!({"text": "Hi"})).await;
    }

    async fn a_token_needs_the_scope(db: TestDb) {
        let (world, _) = humming(db).await;
        let without = world.mint(Kind::Access, "userinfo chat.write").await;
        refused(&world.post(GENERATE, &without, &json!({"text": "Hi"})).await, 403, "oauth2.scope.insufficient");
        refused(&world.get("secondme/tts/voices", &without).await, 403, "oauth2.scope.insufficient");
        let only = world.mint(Kind::Access, "voice").await;
        say(&world, &only, json!({"text": "Hi"})).await;
        let choice = world.post("secondme/tts/voice", &only, &json!({"voiceId": "am_puck"})).await;
        refused(&choice, 403, "oauth2.scope.insufficient");
        refused(&world.post(GENERATE, "lba_at_nobody", &json!({"text": "Hi"})).await, 401, "auth.token.invalid");
        refused(&world.post(GENERATE, "", &json!({})).await, 401, "apikey.auth.missing");
    }

    async fn failures_of_the_engine_have_their_own_codes(db: TestDb) {
        let (world, hum) = humming(db).await;
        let upstream = SpeechError::Upstream { status: Some(500), message: "secret details".into() };
        for (error, status, code) in [
            (SpeechError::Busy { retry_after_secs: 9 }, 503, "tts.engine.busy"),
            (SpeechError::Unavailable("no library".into()), 503, "tts.engine.unavailable"),
            (SpeechError::Timeout("slow".into()), 504, "tts.engine.timeout"),
            (SpeechError::Broken("panic".into()), 502, "tts.engine.failed"),
            (upstream, 502, "tts.engine.failed"),
            (SpeechError::Voice("gone".into()), 400, "tts.voice_id.not_set"),
        ] {
            hum.fail_with(Some(error));
            let answer = world.post(GENERATE, ADA, &json!({"text": "Hi"})).await;
            assert!(!answer.1.to_string().contains("secret"), "{}", answer.1);
            refused(&answer, status, code);
        }
        hum.fail_with(None);
        say(&world, ADA, json!({"text": "Hi"})).await;
    }

    async fn a_server_without_an_engine_says_why(db: TestDb) {
        let world = World::new(db).await;
        refused(&world.post(GENERATE, ADA, &json!({"text": "Hi"})).await, 503, "tts.engine.unavailable");
        world.app.speaker().tell("kokoro-82m is being fetched, 40 % are here".into());
        let (_, body) = world.post(GENERATE, ADA, &json!({"text": "Hi"})).await;
        assert!(body["message"].as_str().unwrap().contains("40 %"), "{body}");
        refused(&world.get("secondme/tts/voices", ADA).await, 503, "tts.engine.unavailable");
    }
}
