//! Chat streams: the bytes clients read, the options of a request, and what is stored.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use serde_json::json;

use crate::harness::{ADA, TestDb, World, both, data, refused};

both! {
    async fn the_stream_has_exactly_the_documented_bytes(db: TestDb) {
        let world = World::with_model(db, Scripted::saying("Hi you")).await;
        let body = json!({"message": "hello", "sessionId": "labs_sess_0123456789ab"});
        let response = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA).json(&body).send().await.unwrap();
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/event-stream"));
        assert_eq!(header("x-accel-buffering"), "no");
        assert!(header("cache-control").contains("no-cache"));
        let text = response.text().await.unwrap();
        assert_eq!(text, concat!(
            "event: session\ndata: {\"sessionId\":\"labs_sess_0123456789ab\"}\n\n",
            "data: {\"model\":\"secondme/nano\",\"choices\":[{\"delta\":{\"content\":\"Hi \"}}],\"content\":\"Hi \"}\n\n",
            "data: {\"model\":\"secondme/nano\",\"choices\":[{\"delta\":{\"content\":\"you\"}}],\"content\":\"you\"}\n\n",
            "data: [DONE]\n\n",
        ));
    }

    async fn the_sdk_mirror_can_be_turned_off(db: TestDb) {
        let world = World::with_config(db, |c| c.compat.sdk_content = false).await;
        let events = world.chat(ADA, &json!({"message": "x", "model": "secondme/pro"})).await;
        assert_eq!(events[1].data, json!({"model": "secondme/pro", "choices": [{"delta": {"content": "You "}}]}));
    }

    async fn null_and_empty_options_mean_absent(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({
            "message": "x", "model": null, "maxTokens": null, "images": [], "sessionId": null, "systemPrompt": "",
            "appId": null, "receiverUserId": null, "enableWebSearch": null, "target_user_id": 3, "messages": [],
        });
        let events = world.chat(ADA, &body).await;
        assert!(events.iter().filter(|e| e.delta().is_some()).all(|e| e.data["model"] == "secondme/nano"));
        world.chat(ADA, &json!({"message": "x", "model": ""})).await;
        assert_eq!(world.model.requests()[0].max_tokens, 2_000);
    }

    async fn model_and_max_tokens_are_422(db: TestDb) {
        let world = World::new(db).await;
        for (field, value) in [
            ("maxTokens", json!(0)), ("maxTokens", json!(16_001)), ("maxTokens", json!("x")), ("maxTokens", json!(1.5)),
            ("maxTokens", json!(-1)), ("model", json!("gpt-4")), ("model", json!(3)), ("model", json!("anthropic/claude-sonnet-4-5")),
        ] {
            let answer = world.post("secondme/chat/stream", ADA, &json!({"message": "x", field: value})).await;
            refused(&answer, 422, "invalid.param");
            assert_eq!(answer.1["detail"][0]["loc"], json!(["body", field]), "{}", answer.1);
            assert!(answer.1["detail"][0]["msg"].is_string() && answer.1["detail"][0]["type"].is_string());
        }
        // Authentication comes first.
        refused(&world.post("secondme/chat/stream", "", &json!({"maxTokens": 0})).await, 401, "apikey.auth.missing");
        for n in [1, 16_000] { world.chat(ADA, &json!({"message": "x", "maxTokens": n})).await; }
        assert!(world.model.requests().iter().all(|r| [1, 16_000].contains(&r.max_tokens)));
    }

    async fn historic_model_names_work_behind_a_switch(db: TestDb) {
        let world = World::with_config(db, |c| c.compat.legacy_models = true).await;
        let events = world.chat(ADA, &json!({"message": "x", "model": "anthropic/claude-sonnet-4-5"})).await;
        assert_eq!(events[1].data["model"], "secondme/pro");
    }

    async fn messages_have_limits(db: TestDb) {
        let world = World::new(db).await;
        for body in [
            json!({}), json!({"message": ""}), json!({"message": "  \n"}), json!({"message": 3}),
            json!({"message": "x".repeat(20_001)}), json!({"message": "x", "systemPrompt": "x".repeat(20_001)}),
            json!({"message": "x", "appId": "x".repeat(101)}), json!({"message": "x", "sessionId": 5}),
        ] {
            refused(&world.post("secondme/chat/stream", ADA, &body).await, 400, "invalid.param");
        }
        let body = json!({"message": "x", "receiverUserId": "me"});
        refused(&world.post("secondme/chat/stream", ADA, &body).await, 400, "secondme.user.invalid_id");
        assert!(world.model.requests().is_empty());
        assert_eq!(data(world.get("secondme/chat/session/list", ADA).await), json!({"sessions": []}));
    }

    async fn pictures_are_checked_passed_on_and_remembered(db: TestDb) {
        let world = World::new(db).await;
        let picture = STANDARD.encode(b"not really a picture");
        let image = |media_type: &str, data: &str| json!({"data": data, "mediaType": media_type});
        for images in [
            json!([image("image/tiff", &picture)]),
            json!([image("image/png", "data:image/png;base64,AAAA")]),
            json!([image("image/png", "")]),
            json!([{"mediaType": "image/png"}]),
            json!("picture"),
            json!(vec![image("image/png", &picture); 5]),
        ] {
            let answer = world.post("secondme/chat/stream", ADA, &json!({"message": "x", "images": images})).await;
            refused(&answer, 422, "invalid.param");
        }
        let body = json!({"message": "look", "images": [image("image/png", &picture), image("image/webp", &picture)]});
        let events = world.chat(ADA, &body).await;
        world.chat(ADA, &json!({"message": "and?", "sessionId": events[0].data["sessionId"]})).await;
        for request in world.model.requests() {
            let images: Vec<_> = request.messages.iter().flat_map(|m| m.images.clone()).collect();
            assert_eq!(images.len(), 2);
            assert_eq!((images[1].media_type.as_str(), images[1].data.as_slice()), ("image/webp", &b"not really a picture"[..]));
        }
    }

    async fn a_model_that_cannot_see_is_told_so(db: TestDb) {
        let world = World::with_model(db, Scripted::echo().without_vision()).await;
        let image = json!({"data": STANDARD.encode(b"x"), "mediaType": "image/gif"});
        world.chat(ADA, &json!({"message": "look", "images": [image]})).await;
        let request = world.model.requests().pop().unwrap();
        assert!(request.messages.last().unwrap().text.contains("1 picture(s)"));
    }

    async fn banned_apps_are_refused(db: TestDb) {
        let world = World::with_config(db, |c| c.policy.banned_apps = vec!["de300000-0000-4000-8000-000000000001".into()]).await;
        let token = world.mint(secondme_server::access::Kind::Access, "chat").await;
        refused(&world.post("secondme/chat/stream", &token, &json!({"message": "x"})).await, 403, "secondme.app.banned");
        world.chat(ADA, &json!({"message": "x"})).await;
    }

    async fn silence_is_filled_with_comments(db: TestDb) {
        let model = Scripted::new(vec![Step::text("a"), Step::Wait(Duration::from_millis(2_300)), Step::text("b")]);
        let mut setup = crate::harness::Setup { model, ..Default::default() };
        setup.config.chat.keep_alive_seconds = 1;
        let world = World::with(db, setup).await;
        let response = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA).json(&json!({"message": "x"})).send().await.unwrap();
        let text = response.text().await.unwrap();
        assert_eq!(text.matches(": keep-alive\n\n").count(), 2, "{text}");
        assert_eq!(crate::harness::events(&text).iter().filter_map(|e| e.delta()).collect::<String>(), "ab");
    }

    async fn the_session_event_does_not_wait_for_a_slow_model(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::Wait(Duration::from_secs(30)), Step::text("late")])).await;
        let response = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA).json(&json!({"message": "x"})).send().await.unwrap();
        let mut body = response.bytes_stream();
        let first = tokio::time::timeout(Duration::from_secs(5), body.next()).await.unwrap().unwrap().unwrap();
        assert!(first.starts_with(b"event: session\n"));
    }
}
