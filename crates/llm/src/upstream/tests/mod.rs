//! A real server on a real port that streams in the odd ways that real servers do.

mod server;

use std::time::Duration;

use futures::StreamExt;
use proptest::prelude::*;
use secondme_kit::Secret;
use serde_json::{Value, json};

use self::server::{Part, Server, json_answer, sse};
use super::*;
use crate::{Answer, ChatEvent, ChatMessage, FinishReason, Image, Output, Sampling, Usage};

fn upstream(server: &Server) -> Upstream {
    with(server, |_| {})
}

fn with(server: &Server, change: impl FnOnce(&mut UpstreamOptions)) -> Upstream {
    crate::install_tls();
    let mut options = UpstreamOptions {
        base_url: server.address.clone(),
        model: "m".into(),
        api_key: Secret::new("sk-very-secret"),
        first_token_timeout_ms: 2_000,
        idle_timeout_ms: 300,
        ..UpstreamOptions::default()
    };
    change(&mut options);
    Upstream::new(options).unwrap()
}

fn ask() -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::system("be kind"), ChatMessage::user("hi")], 50)
}

async fn answer(body: &str) -> Result<Answer, ModelError> {
    let server = Server::start(vec![sse(vec![Part::text(body)])]).await;
    upstream(&server).start(ask()).await?.collect_answer().await
}

fn delta(text: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]}))
}

#[tokio::test]
async fn a_well_behaved_server() {
    let usage = r#"{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}"#;
    let body = [
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n".into(),
        delta("Hel"),
        delta("lo"),
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n".into(),
        format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n"),
        "data: [DONE]\n\n".into(),
    ]
    .concat();
    let server = Server::start(vec![sse(vec![Part::text(&body)])]).await;
    let mut request = ask();
    request.sampling = Sampling { temperature: 0.7, top_p: 0.9, seed: Some(5) };
    request.stop = vec![String::new(), "END".into()];
    let events: Vec<_> = upstream(&server).start(request).await.unwrap().collect().await;
    let expected = Usage { prompt_tokens: 9, cached_tokens: 4, completion_tokens: 2 };
    assert_eq!(
        events,
        [
            Ok(ChatEvent::Text("Hel".into())),
            Ok(ChatEvent::Text("lo".into())),
            Ok(ChatEvent::Finished { reason: FinishReason::Length, usage: expected }),
        ]
    );
    let seen = server.requests();
    assert!(seen[0].head.starts_with("POST /v1/chat/completions HTTP/1.1"));
    assert!(seen[0].head.to_lowercase().contains("authorization: bearer sk-very-secret"));
    assert_eq!(
        seen[0].body,
        json!({
            "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 50,
            "temperature": 0.7, "top_p": 0.9, "seed": 5, "stop": ["END"],
            "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
        })
    );
}

#[tokio::test]
async fn odd_streams_are_understood() {
    let cases = [
        ("no [DONE] and no reason", format!("{}{}", delta("a"), delta("b"))),
        ("no blank line at the end", format!("{}{}", delta("a"), delta("b").trim_end())),
        ("CRLF", format!("{}{}data: [DONE]\r\n\r\n", delta("a"), delta("b")).replace("\n\n", "\r\n\r\n")),
        ("comments and names", format!(": ping\n\nevent: x\n\n{}: ping\n\n{}", delta("a"), delta("b"))),
        (
            "an empty reason in every frame",
            "data:{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}]}\n\n\
             data:{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}\n\n\
             data:{\"choices\":[{\"delta\":{\"content\":null},\"finish_reason\":\"stop\"}],\"error\":null}\n\n"
                .into(),
        ),
        (
            "content in parts, thoughts left out",
            "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n\
             data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"ab\"}]}}]}\n\n"
                .into(),
        ),
        ("a byte order mark and frames after [DONE]", format!("\u{feff}{}data: [DONE]\n\n{}", delta("ab"), delta("c"))),
    ];
    for (name, body) in cases {
        let answer = answer(&body).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((answer.text.as_str(), answer.reason), ("ab", FinishReason::Stop), "{name}");
        assert!(answer.usage.prompt_tokens > 0, "{name}: usage is guessed when the server does not count");
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = json!({"choices": [{"message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop"}],
                      "usage": {"prompt_tokens": 3, "completion_tokens": 1}});
    let server = Server::start(vec![json_answer(200, &body.to_string())]).await;
    let answer = upstream(&server).start(ask()).await.unwrap().collect_answer().await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage.prompt_tokens), ("ab", 3));
}

#[tokio::test]
async fn errors_inside_the_stream_end_it_and_never_show_the_key() {
    let broken =
        format!("{}data: {{\"error\":{{\"message\":\"key sk-very-secret is bad\",\"code\":500}}}}\n\n", delta("a"));
    let server = Server::start(vec![sse(vec![Part::text(&broken)])]).await;
    let events: Vec<_> = upstream(&server).start(ask()).await.unwrap().collect().await;
    let message = "key [redacted] is bad".to_owned();
    let expected = Err(ModelError::Upstream { status: Some(500), message });
    assert_eq!(events, [Ok(ChatEvent::Text("a".into())), expected]);
    assert!(matches!(answer("data: <html>\n\n").await, Err(ModelError::Upstream { status: None, .. })));
    assert!(matches!(answer("").await, Err(ModelError::Upstream { status: None, .. })));
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_is_an_error() {
    let server = Server::start(vec![sse(vec![Part::text(&delta("a")), Part::Abort])]).await;
    let events: Vec<_> = upstream(&server).start(ask()).await.unwrap().collect().await;
    assert_eq!(events[0], Ok(ChatEvent::Text("a".into())));
    assert!(matches!(&events[1], Err(ModelError::Upstream { status: None, message }) if message.contains("broke off")));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let long = "x ".repeat(1000);
    let cases: Vec<(u16, String, Check)> = vec![
        (401, r#"{"error":{"message":"no sk-very-secret"}}"#.into(), upstream_says(401, "no [redacted]")),
        (404, r#"{"error":"model not found"}"#.into(), upstream_says(404, "model not found")),
        (422, r#"{"detail":[{"msg":"bad field"}]}"#.into(), upstream_says(422, "bad field")),
        (500, "<html>oops</html>".into(), upstream_says(500, "<html>oops</html>")),
        (302, String::new(), upstream_says(302, "")),
        (429, "{}".into(), Box::new(|e| *e == ModelError::Busy { retry_after_secs: 7 })),
        (
            400,
            r#"{"error":{"type":"exceed_context_size_error","n_prompt_tokens":99,"n_ctx":64}}"#.into(),
            Box::new(|e| *e == ModelError::TooLong { tokens: 99, limit: 64 }),
        ),
        (500, long, Box::new(|e| matches!(e, ModelError::Upstream { message, .. } if message.chars().count() == 301))),
    ];
    for (status, body, expected) in cases {
        let server = Server::start(vec![json_answer(status, &body)]).await;
        let error = upstream(&server).start(ask()).await.unwrap_err();
        assert!(expected(&error), "{status} {body}: {error:?}");
    }
}

type Check = Box<dyn Fn(&ModelError) -> bool>;

fn upstream_says(status: u16, message: &str) -> Check {
    let expected = ModelError::Upstream { status: Some(status), message: message.to_owned() };
    Box::new(move |e| *e == expected)
}

#[tokio::test]
async fn every_wait_has_a_limit() {
    let pause = || Part::Wait(Duration::from_secs(5));
    let hanging = Server::start(vec![vec![pause()]]).await;
    let hurried = with(&hanging, |o| o.first_token_timeout_ms = 100);
    assert!(matches!(hurried.start(ask()).await, Err(ModelError::Timeout(_))));

    let silent = Server::start(vec![sse(vec![Part::text(": ping\n\n"), pause()])]).await;
    let hurried = with(&silent, |o| o.first_token_timeout_ms = 200);
    let mut stream = hurried.start(ask()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Err(ModelError::Timeout(_)))));
    assert!(stream.next().await.is_none());

    let stuck = Server::start(vec![sse(vec![Part::text(&delta("a")), pause()])]).await;
    let events: Vec<_> = upstream(&stuck).start(ask()).await.unwrap().collect().await;
    assert!(matches!(events[1], Err(ModelError::Timeout(_))), "{events:?}");

    let nobody = with(&stuck, |o| o.base_url = "http://127.0.0.1:1".into());
    assert!(matches!(nobody.start(ask()).await, Err(ModelError::Unavailable(_))));
}

#[tokio::test]
async fn one_request_too_many_is_busy_until_a_stream_is_dropped() {
    let slow = || sse(vec![Part::text(&delta("a")), Part::Wait(Duration::from_secs(5))]);
    let server = Server::start(vec![slow(), slow()]).await;
    let model = with(&server, |o| o.max_concurrent = 1);
    let first = model.start(ask()).await.unwrap();
    assert!(matches!(model.start(ask()).await, Err(ModelError::Busy { .. })));
    drop(first);
    assert!(model.start(ask()).await.is_ok());
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let server = Server::start(vec![sse(vec![Part::text(&delta("a")), Part::UntilClosed])]).await;
    let mut stream = upstream(&server).start(ask()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    tokio::time::timeout(Duration::from_secs(2), server.closed()).await.unwrap();
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_and_remembered() {
    let refusal = |word: &str| json_answer(400, &json!({"error": {"message": format!("unknown: {word}")}}).to_string());
    let fine = || sse(vec![Part::text(&delta("{}"))]);
    let server = Server::start(vec![refusal("stream_options"), refusal("response_format"), fine(), fine()]).await;
    let model = upstream(&server);
    let mut request = ask();
    request.output = Output::Json(json!({"type": "object"}));
    model.start(request.clone()).await.unwrap().collect_answer().await.unwrap();
    model.start(request).await.unwrap().collect_answer().await.unwrap();
    let bodies: Vec<Value> = server.requests().into_iter().map(|r| r.body).collect();
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[0]["response_format"]["json_schema"]["schema"], json!({"type": "object"}));
    for body in &bodies[2..] {
        assert!(body.get("stream_options").is_none());
        assert_eq!(body["response_format"], json!({"type": "json_object"}));
        let system = body["messages"][0]["content"].as_str().unwrap();
        assert!(system.starts_with("be kind\n\n") && system.contains(r#"{"type":"object"}"#));
    }
}

#[tokio::test]
async fn a_schema_that_a_server_refuses_does_not_cost_the_others_their_constraint() {
    let invalid = json_answer(400, r#"{"error": {"message": "Invalid schema for response_format 'answer': no"}}"#);
    let fine = || sse(vec![Part::text(&delta("{}"))]);
    let server = Server::start(vec![invalid, fine(), fine()]).await;
    let model = upstream(&server);
    let mut request = ask();
    request.output = Output::Json(json!({"type": "object"}));
    for _ in 0..2 {
        model.start(request.clone()).await.unwrap().collect_answer().await.unwrap();
    }
    let kinds = server.requests().into_iter().map(|r| r.body["response_format"]["type"].clone());
    assert_eq!(kinds.collect::<Vec<_>>(), ["json_schema", "json_object", "json_schema"]);
}

#[tokio::test]
async fn pictures_go_only_to_models_that_see() {
    let server = Server::start(vec![sse(vec![Part::text(&delta("a"))])]).await;
    let mut request = ask();
    request.messages[1].images.push(Image { media_type: "image/png".into(), data: vec![1, 2, 3] });
    let blind = upstream(&server).start(request.clone()).await;
    assert!(matches!(blind, Err(ModelError::Unsupported(_))));
    with(&server, |o| o.vision = true).start(request).await.unwrap().collect_answer().await.unwrap();
    let content = &server.requests()[0].body["messages"][1]["content"];
    assert_eq!(content[1]["image_url"]["url"], "data:image/png;base64,AQID");
}

#[test]
fn the_endpoint_is_completed() {
    let endpoint = |base: &str| UpstreamOptions { base_url: base.into(), ..Default::default() }.endpoint();
    for base in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"] {
        assert_eq!(endpoint(base).unwrap(), "http://h:1/v1/chat/completions", "{base}");
    }
    assert_eq!(endpoint("https://h/api/v3?x=1").unwrap(), "https://h/api/v3/chat/completions?x=1");
    for base in ["", "h:1", "ftp://h/"] {
        assert!(matches!(endpoint(base), Err(ModelError::Unavailable(_))), "{base}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// However the network cuts the bytes, in the middle of a character or of a line end, the answer is the same.
    #[test]
    fn cuts_between_bytes_do_not_matter(text in "[a-z你好😀\"\\\\\n ]{1,12}", size in 1usize..7, crlf: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut body: String = text.chars().map(|c| delta(&c.to_string())).collect::<String>() + "data: [DONE]\n\n";
        if crlf {
            body = body.replace('\n', "\r\n");
        }
        let parts = body.as_bytes().chunks(size).map(|c| Part::Bytes(c.to_vec())).collect();
        let answer = runtime.block_on(async {
            let server = Server::start(vec![sse(parts)]).await;
            upstream(&server).start(ask()).await.unwrap().collect_answer().await.unwrap()
        });
        prop_assert_eq!(answer.text, text);
    }

    #[test]
    fn no_frame_makes_the_reader_panic(data in "\\PC{0,60}") {
        let _ = frame::parse(&data);
    }
}
