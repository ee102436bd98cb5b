//! Texts spoken with the user's voice (contract 12).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secondme_server::access::Kind;
use secondme_speech::{
    Clip, Emotion, Hum, Speech, SpeechError, SpeechSpec, Status, UpstreamOptions, Utterance, Voice, measure,
};
use secondme_store::{params, sql};
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
        assert!(url.starts_with(&format!("{}/cdn/", world.url)) && url.ends_with(".mp3"), "{url}");
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
        let end = world.http.get(url).header("range", "bytes=-10").send().await.unwrap();
        assert_eq!((end.status().as_u16(), end.bytes().await.unwrap()), (206, file.slice(file.len() - 10..)));
        let beyond = world.http.get(url).header("range", format!("bytes={}-", file.len())).send().await.unwrap();
        assert_eq!((beyond.status().as_u16(), beyond.bytes().await.unwrap()), (200, file));
        let info = data(world.get("secondme/user/info", ADA).await);
        assert_eq!(info["hasVoice"], true);
    }

    async fn what_was_spoken_once_is_not_spoken_again(db: TestDb) {
        let (world, hum) = humming(db).await;
        let body = json!({"text": "你好，世界。"});
        let first = say(&world, ADA, body.clone()).await;
        assert_eq!(say(&world, ADA, body.clone()).await, first);
        assert_eq!(say(&world, ADA, json!({"text": "你好，世界。", "emotion": "fluent"})).await, first);
        assert_eq!(hum.calls(), 1);
        // Another emotion, another text, another voice: each is a file of its own.
        let mut seen = vec![first["url"].clone()];
        for other in [json!({"text": "你好，世界。", "emotion": "sad"}), json!({"text": "你好，宇宙。"})] {
            seen.push(say(&world, ADA, other).await["url"].clone());
        }
        data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": "am_puck"})).await);
        seen.push(say(&world, ADA, body.clone()).await["url"].clone());
        let distinct: std::collections::HashSet<_> = seen.iter().map(|u| u.as_str().unwrap()).collect();
        assert_eq!((distinct.len(), hum.calls()), (4, 4));
        // Another user's text is spoken for them, and nobody can tell from the answer that it was spoken before. Where the
        // engine makes the same bytes of it they are stored once.
        assert_eq!(say(&world, LIN, body).await, first);
        assert_eq!(hum.calls(), 5);
        let objects = sql!("SELECT COUNT(*) AS n FROM upload_objects");
        let row = world.app.store().opt(objects, params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 4);
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
            (SpeechError::Unavailable("/secret/no library".into()), 503, "tts.engine.unavailable"),
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

    async fn an_openai_compatible_server_can_speak(db: TestDb) {
        let world = World::new(db).await;
        let (base_url, seen) = speech_server().await;
        let options = UpstreamOptions { base_url, voices: vec!["alloy".to_owned()], max_chars: 60, ..UpstreamOptions::default() };
        world.app.speaker().set(secondme_speech::open(&SpeechSpec::Upstream(options)).unwrap());
        let text = "The first sentence is here. The second one follows it. And a third one ends it all.";
        let body = json!({"text": text, "emotion": "happy"});
        // The demo user's voice is one of another engine.
        refused(&world.post(GENERATE, ADA, &body).await, 400, "tts.voice_id.not_set");
        assert!(seen.lock().unwrap().is_empty());
        data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": "alloy"})).await);
        let spoken = say(&world, ADA, body.clone()).await;
        let file = world.http.get(spoken["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
        let measured = measure(&file).unwrap();
        assert_eq!(spoken["durationMs"].as_u64(), Some(measured.duration_ms));
        assert_eq!(spoken["sampleRate"], 22_050, "the rate of the file, whatever the documents say");
        assert!((1_000..1_300).contains(&measured.duration_ms), "two pieces of half a second: {measured:?}");
        say(&world, ADA, body).await;
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 2, "a piece each, and nothing the second time");
        assert!(seen.iter().all(|asked| asked["voice"] == "alloy" && asked["instructions"] == "Speak in a happy tone."));
    }

    async fn one_user_cannot_take_all_places(db: TestDb) {
        let world = World::with_config(db, |config| config.speech.user_queue = 2).await;
        let engine = Arc::new(Slow::default());
        world.app.speaker().set(engine.clone());
        let texts = [json!({"text": "one"}), json!({"text": "two"})];
        let waiting = futures::future::join_all(texts.iter().map(|text| say(&world, ADA, text.clone())));
        let others = async {
            while engine.hum.calls() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let (status, body) = world.post(GENERATE, ADA, &json!({"text": "three"})).await;
            refused(&(status, body), 503, "tts.engine.busy");
            let lin = async { say(&world, LIN, json!({"text": "three"})).await };
            let let_go = async {
                while engine.hum.calls() < 3 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                engine.go.add_permits(10);
            };
            futures::join!(lin, let_go);
        };
        futures::join!(waiting, others);
        say(&world, ADA, json!({"text": "three"})).await;
    }

    async fn spoken_texts_count_towards_the_users_space(db: TestDb) {
        let world = World::with_config(db, |config| config.uploads.user_max_bytes = 30_000).await;
        let hum = Arc::new(Hum::default());
        world.app.speaker().set(hum.clone());
        let first = json!({"text": "A text that takes more than a second."});
        say(&world, ADA, first.clone()).await;
        refused(&world.post(GENERATE, ADA, &json!({"text": "Another text, just as long as that."})).await, 413, "cos.upload.failed");
        say(&world, ADA, first).await;
        say(&world, LIN, json!({"text": "Somebody else has space."})).await;
    }
}

/// An engine that begins, and goes on when it is let.
struct Slow {
    hum: Hum,
    go: tokio::sync::Semaphore,
}

impl Default for Slow {
    fn default() -> Self {
        Self { hum: Hum::default(), go: tokio::sync::Semaphore::new(0) }
    }
}

#[async_trait::async_trait]
impl Speech for Slow {
    async fn speak(&self, utterance: Utterance) -> Result<Clip, SpeechError> {
        let clip = self.hum.speak(utterance).await;
        self.go.acquire().await.unwrap().forget();
        clip
    }

    fn voices(&self) -> Vec<Voice> {
        self.hum.voices()
    }

    fn name(&self) -> String {
        self.hum.name()
    }

    fn status(&self) -> Status {
        self.hum.status()
    }
}

/// A server that says half a second of the same sound to everything, as a WAV file.
async fn speech_server() -> (String, Arc<Mutex<Vec<Value>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let speak = move |axum::Json(body): axum::Json<Value>| async move {
        note.lock().unwrap().push(body);
        let samples: Vec<u8> = (0..11_025_u32).flat_map(|n| ((n % 100 * 200) as i16).to_le_bytes()).collect();
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(22_050_u32.to_le_bytes());
        wav.extend([0, 0, 0, 0, 2, 0, 16, 0]);
        wav.extend(b"data\xff\xff\xff\xff");
        wav.extend(samples);
        wav
    };
    let router = axum::Router::new().route("/v1/audio/speech", axum::routing::post(speak));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}
