use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::ChatMessage;

fn ask(text: &str) -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::system("be kind"), ChatMessage::user(text)], 100)
}

#[tokio::test]
async fn echo_repeats_the_last_user_message_word_by_word() {
    let echo = Scripted::echo();
    let events: Vec<_> = echo.start(ask("hello  there")).await.unwrap().collect().await;
    let texts: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            Ok(ChatEvent::Text(t)) => Some(t.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["You ", "said: ", "hello ", " ", "there"]);
    let Some(Ok(ChatEvent::Finished { reason, usage })) = events.last() else { panic!("no end: {events:?}") };
    assert_eq!((*reason, usage.completion_tokens), (FinishReason::Stop, 5));
    assert_eq!(echo.requests()[0].last_user_text(), "hello  there");
    assert_eq!(echo.info().name, "echo");
}

#[tokio::test]
async fn echo_honours_max_tokens() {
    let mut request = ask("one two three");
    request.max_tokens = 3;
    let answer = Scripted::echo().start(request).await.unwrap().collect_answer().await.unwrap();
    assert_eq!((answer.text.as_str(), answer.reason), ("You said: one ", FinishReason::Length));
}

#[tokio::test]
async fn a_forgetful_one_answers_and_keeps_nothing() {
    let echo = Scripted::echo().forgetful();
    let answer = echo.start(ask("hello")).await.unwrap().collect_answer().await.unwrap();
    assert_eq!((answer.text.as_str(), echo.requests().len()), ("You said: hello", 0));
}

#[tokio::test]
async fn scripts_can_refuse_fail_cut_and_run_out() {
    let busy = ModelError::Busy { retry_after_secs: 3 };
    let broken = ModelError::Broken("x".into());
    let model = Scripted::sequence(vec![
        vec![Step::Refuse(busy.clone())],
        vec![Step::text("a"), Step::Fail(broken.clone()), Step::text("b")],
        vec![Step::text("a"), Step::Cut],
    ]);
    assert_eq!(model.start(ask("1")).await.unwrap_err(), busy);
    let events: Vec<_> = model.start(ask("2")).await.unwrap().collect().await;
    assert_eq!(events, [Ok(ChatEvent::Text("a".into())), Err(broken)]);
    let cut = model.start(ask("3")).await.unwrap().collect_answer().await.unwrap();
    assert_eq!((cut.text.as_str(), cut.reason), ("a", FinishReason::Length));
    assert!(matches!(model.start(ask("4")).await, Err(ModelError::Unavailable(_))));
    assert_eq!(model.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_script_hangs_after_its_first_pieces() {
    let model = Scripted::new(vec![Step::text("a"), Step::Wait(Duration::from_secs(5)), Step::text("b"), Step::Hang]);
    let mut stream = model.start(ask("1")).await.unwrap();
    assert_eq!(stream.next().await, Some(Ok(ChatEvent::Text("a".into()))));
    assert_eq!(stream.next().await, Some(Ok(ChatEvent::Text("b".into()))));
    assert!(tokio::time::timeout(Duration::from_secs(3600), stream.next()).await.is_err());
}

#[test]
fn the_minimal_instance_follows_the_schema() {
    let schema = json!({
        "type": "object",
        "properties": {
            "act": {"type": "boolean"},
            "kind": {"enum": ["b", "a"]},
            "name": {"type": "string", "minLength": 2},
            "count": {"type": "integer", "minimum": 3},
            "below": {"type": "number", "exclusiveMinimum": 1},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
            "maybe": {"type": ["null", "string"]},
            "either": {"anyOf": [{"const": 7}, {"type": "string"}]},
            "both": {"allOf": [{"properties": {"x": {"type": "boolean"}}}, {"properties": {"y": {"type": "null"}}}]}
        },
        "required": ["act"],
        "$defs": {"tag": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    });
    let expected = json!({
        "act": false, "kind": "b", "name": "xx", "count": 3, "below": 2.0, "tags": [{"id": 0}, {"id": 0}],
        "maybe": null, "either": 7, "both": {"x": false, "y": null}
    });
    assert_eq!(minimal_instance(&schema), expected);
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({"properties": {"child": {"$ref": "#"}}});
    assert!(minimal_instance(&schema).to_string().contains("null"));
}
