//! Act: what is refused, what is sent, and that nothing invalid ever is.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use secondme_llm::scripted::{Step, minimal_instance};
use secondme_llm::{ModelError, Output, Scripted};
use secondme_server::access::Kind;
use serde_json::{Value, json};

use crate::harness::{ADA, Event, Setup, TestDb, World, answer, both, data, events, refused};

const CONTROL: &str = r#"Only output valid JSON objects, no explanations.
Output structure: {"is_liked": boolean}.
Set is_liked=true when the user clearly expresses liking or support, otherwise is_liked=false."#;
const WORDS: &str =
    r#"Only output JSON. Structure: {"reason": "string", "score": 0-10}. Otherwise {"reason": "", "score": 0}."#;

both! {
    async fn a_judgement_is_json_of_the_shape_asked_for(db: TestDb) {
        let world = World::new(db).await;
        let events = act(&world, &json!({"message": "I love it", "actionControl": CONTROL})).await;
        assert_eq!(events[0].name, "session");
        assert!(said(&events)["is_liked"].is_boolean());
        assert!(events.iter().all(|e| ["session", "", "error"].contains(&e.name.as_str())));
        let request = world.model.requests().pop().unwrap();
        let Output::Json(schema) = &request.output else { panic!("the model was not constrained") };
        assert_eq!(schema["properties"]["is_liked"]["type"], "boolean");
        let system = &request.messages[0].text;
        assert!(system.contains("Lisbon") && system.contains("clearly expresses liking"), "{system}");
        assert_eq!(request.sampling.temperature, 0.0);
        let session = events[0].data["sessionId"].as_str().unwrap();
        let list = data(world.get("secondme/chat/session/list", ADA).await);
        assert_eq!(list["sessions"][0]["sessionId"], session);
        let history = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), ADA).await);
        let stored: Value = serde_json::from_str(history["messages"][1]["content"].as_str().unwrap()).unwrap();
        assert_eq!(stored, said(&events));
    }

    async fn controls_are_refused_with_help(db: TestDb) {
        let world = World::new(db).await;
        let padded = |n: usize| { let mut text = "{\"a\": boolean} ".to_owned(); while text.chars().count() < n { text.push('长') } text };
        for (control, sub_code, length) in [
            (json!(""), "empty", 0), (json!("   "), "empty", 3), (json!(null), "empty", 0),
            (json!(padded(19)), "too_short", 19), (json!(padded(8_001)), "too_long", 8_001),
            (json!("answer with yes or no, please"), "invalid_format", 29),
            (json!("a list such as [true, false] will do"), "invalid_format", 36),
            (json!("} the wrong way round, is it not {"), "invalid_format", 34),
        ] {
            let answer = world.post("secondme/act/stream", ADA, &json!({"message": "x", "actionControl": control})).await;
            refused(&answer, 400, &format!("secondme.act.action_control.{sub_code}"));
            let body = answer.1;
            assert_eq!((body["constraints"]["minLength"].as_i64(), body["constraints"]["maxLength"].as_i64()), (Some(20), Some(8000)));
            assert_eq!(body["constraints"]["currentLength"], length, "{body}");
            assert_eq!(body["constraints"]["requiredElements"].as_array().unwrap().len(), 4);
            assert_eq!(body["suggestions"].as_array().unwrap().len(), 3);
            assert!(body["issues"][0]["code"].is_string() && body["issues"][0]["message"].is_string());
        }
        let missing = world.post("secondme/act/stream", ADA, &json!({"message": "x"})).await;
        refused(&missing, 400, "secondme.act.action_control.empty");
        for n in [20, 8_000] {
            let control = format!("{{\"a\": boolean}} {}", "x".repeat(n - 15));
            assert_eq!(control.chars().count(), n);
            act(&world, &json!({"message": "x", "actionControl": control})).await;
        }
        let zh = world.request(reqwest::Method::POST, "secondme/act/stream", ADA).header("Accept-Language", "zh")
            .json(&json!({"message": "x", "actionControl": "no structure at all here"})).send().await.unwrap();
        assert!(answer(zh).await.1["message"].as_str().unwrap().contains("issues"));
    }

    async fn the_other_rules_are_those_of_chat(db: TestDb) {
        let world = World::new(db).await;
        let ask = |extra: Value| {
            let mut body = json!({"message": "x", "actionControl": CONTROL});
            body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            body
        };
        for extra in [json!({"model": "gpt-4"}), json!({"maxTokens": 0}), json!({"maxTokens": 16_001})] {
            refused(&world.post("secondme/act/stream", ADA, &ask(extra)).await, 422, "invalid.param");
        }
        refused(&world.post("secondme/act/stream", ADA, &ask(json!({"message": ""}))).await, 400, "invalid.param");
        let narrow = world.mint(Kind::Access, "chat.read").await;
        refused(&world.post("secondme/act/stream", &narrow, &ask(json!({}))).await, 403, "auth.scope.missing");
        let first = act(&world, &ask(json!({"systemPrompt": "Be strict", "appId": "judge", "model": "secondme/pro"}))).await;
        assert_eq!(first[1].data["model"], "secondme/pro");
        let session = &first[0].data["sessionId"];
        let second = act(&world, &ask(json!({"sessionId": session, "systemPrompt": "Be lax"}))).await;
        assert!(second.iter().all(|e| e.name != "session"));
        let system = world.model.requests()[1].messages[0].text.clone();
        assert!(system.contains("Be strict") && !system.contains("Be lax"));
    }

    async fn what_a_free_model_adds_is_stripped(db: TestDb) {
        let texts = [
            "```json\n{\"is_liked\": true}\n```", "Sure, here it is:\n{\"is_liked\": true}\nHope this helps!", "  {\"is_liked\":true}  ",
        ];
        let model = Scripted::sequence(texts.iter().map(|text| vec![Step::text(*text)]).collect());
        let world = World::with_model(db, model.unconstrained()).await;
        for text in texts {
            let events = act(&world, &json!({"message": "x", "actionControl": CONTROL})).await;
            assert_eq!(said(&events), json!({"is_liked": true}), "{text}");
        }
    }

    async fn an_invalid_answer_gets_one_repair_round(db: TestDb) {
        let say = |text: &str| vec![Step::text(text)];
        let model = Scripted::sequence(vec![say("{\"is_liked\": \"maybe\"}"), say("{\"is_liked\": false}"), say("no"), say("never")]);
        let world = World::with_model(db, model.unconstrained()).await;
        let events = act(&world, &json!({"message": "x", "actionControl": CONTROL})).await;
        assert_eq!(said(&events), json!({"is_liked": false}));
        let repair = world.model.requests().pop().unwrap();
        assert!(repair.messages.last().unwrap().text.contains("is_liked"), "the model is told what was wrong");
        let events = act(&world, &json!({"message": "x", "actionControl": CONTROL})).await;
        assert_eq!(failure(&events), "secondme.act.output.invalid");
        assert!(events.iter().all(|e| e.delta().is_none()));
    }

    async fn an_answer_that_was_cut_is_a_typed_error_and_never_half_an_object(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::text("{\"reason\": \"because"), Step::Cut])).await;
        let events = act(&world, &json!({"message": "x", "actionControl": WORDS, "maxTokens": 3})).await;
        assert_eq!(failure(&events), "secondme.act.output.incomplete");
        assert!(events.iter().all(|e| e.delta().is_none()));
    }

    async fn a_model_that_breaks_in_the_middle_sends_nothing(db: TestDb) {
        let model = Scripted::new(vec![Step::text("{\"reason\": "), Step::Fail(ModelError::Broken("crash".into()))]);
        let world = World::with_model(db, model).await;
        let events = act(&world, &json!({"message": "x", "actionControl": WORDS})).await;
        assert_eq!(failure(&events), "secondme.stream.error");
        assert!(events.iter().all(|e| e.delta().is_none()));
    }

    async fn a_small_judgement_of_a_constrained_model_streams_as_it_comes(db: TestDb) {
        let steps = vec![Step::text("{\"is_liked\""), Step::text(": "), Step::Wait(Duration::from_millis(20)), Step::text("true}")];
        let world = World::with_model(db, Scripted::new(steps)).await;
        let events = act(&world, &json!({"message": "x", "actionControl": CONTROL})).await;
        assert_eq!(events.iter().filter(|e| e.delta().is_some()).count(), 3);
        assert_eq!(said(&events), json!({"is_liked": true}));
    }

    async fn whatever_a_free_model_says_the_client_sees_valid_json_or_a_typed_error(db: TestDb) {
        let mut setup = Setup { model: Scripted::with(mumble).unconstrained(), ..Setup::default() };
        setup.config.log.filter = "error".into();
        let world = World::with(db, setup).await;
        let mut runner = TestRunner::deterministic();
        let mut valid = 0;
        for _ in 0..300 {
            let noise = "\\PC{0,40}".new_tree(&mut runner).unwrap().current();
            let pick = (0u8..8).new_tree(&mut runner).unwrap().current();
            let events = act(&world, &json!({"message": format!("{pick}{noise}"), "actionControl": WORDS})).await;
            let text: String = events.iter().filter_map(|e| e.delta()).collect();
            if text.is_empty() {
                assert!(failure(&events).starts_with("secondme.act.output."));
            } else {
                let value: Value = serde_json::from_str(&text).unwrap();
                assert!(value["reason"].is_string() && (0.0..=10.0).contains(&value["score"].as_f64().unwrap()), "{value}");
                assert_eq!(value.as_object().unwrap().len(), 2);
                valid += 1;
            }
        }
        assert!((50..280).contains(&valid), "{valid} of 300 were valid: the mumbling has lost its variety");
    }
}

/// What goes wrong is chosen by the first letter of the message, the noise is the rest.
fn mumble(request: &secondme_llm::ChatRequest) -> Vec<Step> {
    let message = request.messages.iter().rev().find(|m| m.text.starts_with(|c: char| c.is_ascii_digit()));
    let message = message.map(|m| m.text.clone()).unwrap_or_default();
    let (pick, noise) = message.split_at(1.min(message.len()));
    let Output::Json(schema) = &request.output else { return vec![Step::text("no schema")] };
    let good = minimal_instance(schema).to_string();
    match pick {
        "0" => vec![Step::text(noise)],
        "1" => vec![Step::text(format!("{noise}\n```json\n{good}\n```\n{noise}"))],
        "2" => vec![Step::text(good[..good.len() / 2].to_owned()), Step::Cut],
        "3" => vec![Step::text(json!({"reason": noise, "score": "7"}).to_string())],
        "4" => vec![Step::text(json!({"reason": noise, "score": 11}).to_string())],
        "5" => vec![Step::text(json!({"reason": noise, "score": 3, "more": 1}).to_string())],
        "6" => vec![Step::text(json!({"reason": noise, "score": 3}).to_string())],
        _ => vec![Step::text(format!("[{noise}]"))],
    }
}

async fn act(world: &World, body: &Value) -> Vec<Event> {
    let response = world.request(reqwest::Method::POST, "secondme/act/stream", ADA).json(body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    events(&response.text().await.unwrap())
}

fn said(events: &[Event]) -> Value {
    let text: String = events.iter().filter_map(|e| e.delta()).collect();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?} in {events:?}"))
}

fn failure(events: &[Event]) -> String {
    let error = events.iter().find(|e| e.name == "error").unwrap_or_else(|| panic!("no error in {events:?}"));
    error.data["subCode"].as_str().unwrap().to_owned()
}
