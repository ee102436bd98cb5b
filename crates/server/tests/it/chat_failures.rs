//! What goes wrong in a stream: before the first byte, in the middle, when the client leaves, when the server stops.

use std::time::Duration;

use futures::StreamExt;
use secondme_llm::scripted::Step;
use secondme_llm::{ModelError, Scripted};
use serde_json::{Value, json};

use crate::harness::{ADA, Setup, TestDb, World, both, data, refused};

const SESSION: &str = "labs_sess_0123456789ab";

both! {
    async fn a_model_that_refuses_is_an_http_error_and_leaves_no_trace(db: TestDb) {
        let refuse = |error| vec![Step::Refuse(error)];
        let world = World::with_model(db, Scripted::sequence(vec![
            refuse(ModelError::Busy { retry_after_secs: 7 }),
            refuse(ModelError::Upstream { status: Some(500), message: "out of memory".into() }),
            refuse(ModelError::Timeout("first token".into())),
            refuse(ModelError::Unavailable("loading".into())),
            refuse(ModelError::Broken("crash".into())),
            refuse(ModelError::TooLong { tokens: 9_000, limit: 8_000 }),
            vec![Step::text("ok")],
        ])).await;
        let response = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA).json(&json!({"message": "x"})).send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "7");
        refused(&crate::harness::answer(response).await, 503, "secondme.model.busy");
        for (status, sub_code) in [
            (502, "secondme.stream.error"), (504, "secondme.model.timeout"), (503, "secondme.model.unavailable"),
            (500, "secondme.stream.error"), (400, "secondme.context.too_long"),
        ] {
            refused(&world.post("secondme/chat/stream", ADA, &json!({"message": "x"})).await, status, sub_code);
        }
        assert_eq!(data(world.get("secondme/chat/session/list", ADA).await), json!({"sessions": []}));
        world.chat(ADA, &json!({"message": "x"})).await;
    }

    async fn a_failure_in_the_middle_is_an_error_event_and_keeps_what_was_said(db: TestDb) {
        let failing = Scripted::new(vec![Step::text("Once upon "), Step::text("a time"), Step::Fail(ModelError::Broken("crash".into()))]);
        let world = World::with_model(db, failing).await;
        let events = world.chat(ADA, &json!({"message": "x", "sessionId": SESSION})).await;
        let error = events.iter().find(|e| e.name == "error").unwrap();
        assert_eq!((error.data["code"].as_i64(), error.data["subCode"].as_str()), (Some(500), Some("secondme.stream.error")));
        assert!(error.data["message"].is_string());
        let stored = messages(&world).await;
        assert_eq!((stored[1]["content"].as_str(), stored[1]["status"].as_str()), (Some("Once upon a time"), Some("interrupted")));
    }

    async fn a_failure_before_the_first_word_of_an_existing_session_is_an_http_error(db: TestDb) {
        let slow_refusal = vec![Step::Refuse(ModelError::Upstream { status: Some(503), message: "no".into() })];
        let world = World::with_model(db, Scripted::sequence(vec![vec![Step::text("hi")], slow_refusal])).await;
        world.chat(ADA, &json!({"message": "x", "sessionId": SESSION})).await;
        refused(&world.post("secondme/chat/stream", ADA, &json!({"message": "y", "sessionId": SESSION})).await, 502, "secondme.stream.error");
        assert_eq!(messages(&world).await.len(), 2);
    }

    async fn a_client_that_hangs_up_finds_the_whole_answer_later(db: TestDb) {
        let slow: Vec<Step> = (0..10).flat_map(|n| [Step::text(format!("{n} ")), Step::Wait(Duration::from_millis(30))]).collect();
        let world = World::with_model(db, Scripted::new(slow)).await;
        hang_up_after_the_first_word(&world).await;
        let stored = eventually(&world).await;
        assert_eq!((stored["content"].as_str(), stored["status"].as_str()), (Some("0 1 2 3 4 5 6 7 8 9 "), Some("complete")));
    }

    async fn after_the_grace_an_abandoned_answer_is_stopped_and_kept(db: TestDb) {
        let endless: Vec<Step> = (0..10_000).flat_map(|_| [Step::text("more "), Step::Wait(Duration::from_millis(20))]).collect();
        let mut setup = Setup { model: Scripted::new(endless), ..Setup::default() };
        setup.config.chat.hangup_grace_seconds = 0;
        let world = World::with(db, setup).await;
        hang_up_after_the_first_word(&world).await;
        let stored = eventually(&world).await;
        assert_eq!(stored["status"], "interrupted");
        assert!(stored["content"].as_str().unwrap().starts_with("more "));
        assert!(stored["content"].as_str().unwrap().len() < 5_000);
    }

    async fn a_model_that_falls_silent_is_given_up(db: TestDb) {
        let mut setup = Setup { model: Scripted::new(vec![Step::text("so"), Step::Hang]), ..Setup::default() };
        setup.config.chat.stall_seconds = 1;
        let world = World::with(db, setup).await;
        let events = world.chat(ADA, &json!({"message": "x", "sessionId": SESSION})).await;
        assert_eq!(events[events.len() - 2].data["subCode"], "secondme.model.timeout");
        assert_eq!(messages(&world).await[1]["content"], "so");
    }

    async fn a_stop_ends_streams_with_an_error_event_and_keeps_what_was_said(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::text("half"), Step::Hang])).await;
        let response = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA)
            .json(&json!({"message": "x", "sessionId": SESSION})).send().await.unwrap();
        let mut body = response.bytes_stream();
        let mut text = String::new();
        while !text.contains("half") { text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap()); }
        world.app.stop().await;
        while let Some(Ok(bytes)) = body.next().await { text.push_str(std::str::from_utf8(&bytes).unwrap()); }
        let events = crate::harness::events(&text);
        assert_eq!(events[events.len() - 2].data["subCode"], "secondme.server.stopping");
        let stored = secondme_server::chat::sessions::messages(world.app.store(), 1, SESSION).await.unwrap();
        assert_eq!((stored[1].content.as_str(), stored[1].status.as_str()), ("half", "interrupted"));
    }

    async fn an_answer_without_a_word_is_not_stored(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::Wait(Duration::from_millis(1)), Step::Fail(ModelError::Broken("crash".into()))])).await;
        let events = world.chat(ADA, &json!({"message": "x", "sessionId": SESSION})).await;
        assert_eq!(events.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["session", "error", ""]);
        assert_eq!(messages(&world).await.len(), 1, "the question is kept");
    }

    async fn two_hundred_streams_at_once(db: TestDb) {
        let world = World::new(db).await;
        let streams = (0..200).map(|n| {
            let world = &world;
            async move {
                let events = world.chat(ADA, &json!({"message": format!("number {n}")})).await;
                let said: String = events.iter().filter_map(|e| e.delta()).collect();
                assert_eq!(said, format!("You said: number {n}"));
            }
        });
        futures::future::join_all(streams).await;
        let list = data(world.get("secondme/chat/session/list", ADA).await);
        let sessions = list["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), 200);
        assert!(sessions.iter().all(|s| s["messageCount"] == 2));
    }
}

async fn messages(world: &World) -> Vec<Value> {
    let history = data(world.get(&format!("secondme/chat/session/messages?sessionId={SESSION}"), ADA).await);
    history["messages"].as_array().unwrap().clone()
}

async fn hang_up_after_the_first_word(world: &World) {
    let response = world
        .request(reqwest::Method::POST, "secondme/chat/stream", ADA)
        .json(&json!({"message": "x", "sessionId": SESSION}))
        .send()
        .await
        .unwrap();
    let mut body = response.bytes_stream();
    let mut text = String::new();
    while !text.contains("choices") {
        text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
}

/// The answer, once it is stored.
async fn eventually(world: &World) -> Value {
    for _ in 0..200 {
        if let Some(answer) = messages(world).await.get(1) {
            return answer.clone();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the answer was never stored");
}
