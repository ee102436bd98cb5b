//! The law of act: whatever a model says, the client sees one document that is valid under the schema, or a typed error.
//! 2,000 cases by default; `SECONDME_ACT_CASES=100000 cargo test --test it act_laws` runs the full number.

use futures::stream::{self, StreamExt};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use secondme_llm::scripted::{Step, minimal_instance};
use secondme_llm::{ChatRequest, Output, Role, Scripted};
use secondme_server::chat::act::Decision;
use secondme_server::chat::models::ModelName;
use secondme_server::chat::reply;
use secondme_server::chat::turn::{Task, Turn};
use secondme_server::error::Lang;
use secondme_store::Dialect;
use serde_json::{Value, json};

use crate::harness::{TestDb, World, events};

/// How the model goes wrong, and with what.
#[derive(Clone, Debug)]
struct Case {
    control: String,
    mischief: u8,
    noise: String,
}

fn field() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("boolean".to_owned()),
        Just("\"string\"".to_owned()),
        Just("number".to_owned()),
        Just("0-10".to_owned()),
        Just("\"like\"|\"dislike\"|\"neutral\"".to_owned()),
        Just("[\"string\"]".to_owned()),
        Just("string|null".to_owned()),
        Just("布尔".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| proptest::collection::vec(inner, 1..3).prop_map(|types| object(&types)))
}

fn object(types: &[String]) -> String {
    let members: Vec<String> = types.iter().enumerate().map(|(i, t)| format!("\"field_{i}\": {t}")).collect();
    format!("{{{}}}", members.join(", "))
}

fn case() -> impl Strategy<Value = Case> {
    let control = proptest::collection::vec(field(), 1..4)
        .prop_map(|types| format!("Only output JSON of this structure: {}. Nothing else.", object(&types)));
    (control, 0u8..9, "\\PC{0,30}").prop_map(|(control, mischief, noise)| Case { control, mischief, noise })
}

#[test]
fn whatever_a_free_model_says() {
    secondme_store::testing::run(Dialect::Sqlite, |db| story(db, false));
}

#[test]
fn whatever_happens_to_a_constrained_model() {
    secondme_store::testing::run(Dialect::Sqlite, |db| story(db, true));
}

async fn story(db: TestDb, constrained: bool) {
    #[expect(clippy::disallowed_methods, reason = "how long to run is the caller's choice")]
    let cases = std::env::var("SECONDME_ACT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let model = Scripted::with(mischief);
    let world = World::with_model(db, if constrained { model } else { model.unconstrained() }).await;
    let mut runner = TestRunner::deterministic();
    let drawn = (0..cases).map(|_| {
        let mut case = case().new_tree(&mut runner).unwrap().current();
        if constrained {
            // It says nothing invalid; what can happen to it is to be cut or to break.
            case.mischief = [2, 6, 7][usize::from(case.mischief % 3)];
        }
        case
    });
    let judged = stream::iter(drawn).map(|case| judge(&world, case, constrained)).buffer_unordered(16);
    let valid = judged.filter(|valid| std::future::ready(*valid)).count().await;
    assert!(valid > cases / 5 && valid < cases, "{valid} of {cases} were valid: the mischief has lost its variety");
}

async fn judge(world: &World, case: Case, constrained: bool) -> bool {
    let decision = Decision::new(case.control.clone());
    assert!(decision.shape.understood, "{}", case.control);
    let schema = decision.shape.schema.clone();
    let turn = Turn {
        user_id: 1,
        client_app_id: None,
        task: Task::Act(Box::new(decision)),
        session_id: None,
        bucket: "laws".to_owned(),
        system_prompt: None,
        message: format!("{}{}", case.mischief, case.noise),
        images: Vec::new(),
        model: ModelName::Nano,
        max_tokens: 2_000,
    };
    let mut frames = reply::start(&world.app, turn, Lang::En).await.unwrap();
    let mut text = String::new();
    while let Some(frame) = frames.recv().await {
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    let events = events(&text);
    let said: String = events.iter().filter_map(|e| e.delta()).collect();
    let error = events.iter().find(|e| e.name == "error").map(|e| e.data["subCode"].as_str().unwrap().to_owned());
    let Some(code) = error else {
        let value: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said} for {case:?}"));
        secondme_shape::validate(&schema, &value).unwrap_or_else(|e| panic!("{e}: {said} for {case:?}"));
        return true;
    };
    assert!(code.starts_with("secondme.act.output.") || code == "secondme.stream.error", "{code} for {case:?}");
    // Only a small judgement of a constrained model streams as it comes, and can break when a part of it was sent.
    assert!(said.is_empty() || constrained, "{said} for {case:?}");
    false
}

/// The first letter of the message says what to do wrong, the rest is the noise to do it with.
fn mischief(request: &ChatRequest) -> Vec<Step> {
    let question = request.messages.iter().find(|m| m.role == Role::User).map(|m| m.text.as_str()).unwrap_or_default();
    let (pick, noise) = question.split_at(1);
    let Output::Json(schema) = &request.output else { return vec![Step::text("no schema")] };
    let good = minimal_instance(schema);
    let text = good.to_string();
    match pick {
        "0" => vec![Step::text(noise)],
        "1" => vec![Step::text(format!("{noise}\n```json\n{text}\n```\n{noise}"))],
        "2" => vec![Step::text(half(&text)), Step::Cut],
        "3" => vec![Step::text(json!({"field_0": {"wrong": noise}}).to_string())],
        "4" => {
            let mut more = good;
            more["more"] = json!(noise);
            vec![Step::text(more.to_string())]
        }
        "5" => vec![Step::text(format!("[{text}]"))],
        "6" => vec![Step::text(half(&text)), Step::text(text[half(&text).len()..].to_owned())],
        "7" => vec![Step::text(" "), Step::Fail(secondme_llm::ModelError::Broken("crash".into()))],
        _ => vec![Step::text(half(&text))],
    }
}

fn half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}
