//! The embedded engine with a real model: the smallest of the catalogue, from the user's cache.
//! `make test-model` fetches it and runs these with `-- --ignored`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests are tests")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt;
use secondme_llm::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, Embedded, EmbeddedOptions, FinishReason, ModelError, ModelStatus,
    Output, Sampling,
};
use serde_json::{Value, json};

fn options() -> EmbeddedOptions {
    #[expect(clippy::disallowed_methods, reason = "a test reads where the cache is")]
    let cache = std::env::var("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .expect("a home");
    let path = cache.join("secondme/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    // One thread each: the machine that runs tests has other things to do.
    EmbeddedOptions {
        context_tokens: 1024,
        cache_tokens: 2048,
        decode_threads: 1,
        prompt_threads: 1,
        ..EmbeddedOptions::new(path)
    }
}

async fn model() -> Embedded {
    with(options()).await
}

async fn with(options: EmbeddedOptions) -> Embedded {
    let model = Embedded::open(&options).unwrap();
    model.ready().await.unwrap();
    model
}

fn ask(text: &str, max_tokens: u32) -> ChatRequest {
    let messages = vec![ChatMessage::system("You are a helpful assistant."), ChatMessage::user(text)];
    ChatRequest { sampling: Sampling::greedy(), ..ChatRequest::new(messages, max_tokens) }
}

async fn answer(model: &Embedded, request: ChatRequest) -> secondme_llm::Answer {
    model.start(request).await.unwrap().collect_answer().await.unwrap()
}

/// Numbered sentences, about 12 tokens each.
fn long_text(sentences: usize) -> String {
    (0..sentences).map(|i| format!("Fact number {i}: the cat of house {i} likes fish. ")).collect()
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn answers_end_count_and_repeat() {
    let model = model().await;
    assert_eq!(model.status(), ModelStatus::Ready);
    assert_eq!(model.info().context_tokens, 1024);
    let first = answer(&model, ask("What is the capital of France? Answer in one short sentence.", 40)).await;
    assert!(first.text.contains("Paris"), "{first:?}");
    assert_eq!(first.reason, FinishReason::Stop);
    assert!(first.usage.prompt_tokens > 20 && first.usage.cached_tokens == 0);
    let again = answer(&model, ask("What is the capital of France? Answer in one short sentence.", 40)).await;
    assert_eq!(again.text, first.text);
    assert_eq!(again.usage.cached_tokens, first.usage.prompt_tokens - 1, "the prompt was computed before");
    let cut = answer(&model, ask("Tell me a long story about a cat.", 5)).await;
    assert_eq!((cut.reason, cut.usage.completion_tokens), (FinishReason::Length, 5));
    assert_eq!(model.count_tokens("Hello world"), 2);
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn a_conversation_and_a_stranger_with_the_same_beginning_use_what_was_computed() {
    let model = model().await;
    let system = ChatMessage::system(long_text(30));
    let turn = |messages: Vec<ChatMessage>, key: &str| ChatRequest {
        sampling: Sampling::greedy(),
        cache_key: Some(key.into()),
        ..ChatRequest::new(messages, 8)
    };
    let mut talk = vec![system.clone(), ChatMessage::user("Who likes fish?")];
    let first = answer(&model, turn(talk.clone(), "a")).await;
    talk.extend([ChatMessage::assistant(first.text.clone()), ChatMessage::user("Why?")]);
    let second = answer(&model, turn(talk, "a")).await;
    assert!(second.usage.cached_tokens >= first.usage.prompt_tokens, "{second:?} after {first:?}");
    let stranger = answer(&model, turn(vec![system, ChatMessage::user("Hello!")], "b")).await;
    assert!(stranger.usage.cached_tokens > 300, "{stranger:?}");
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn requests_run_side_by_side_and_answer_as_if_alone() {
    let model = model().await;
    let questions =
        ["Name a colour.", "Name an animal.", "Name a country.", "Name a fruit.", "Name a city.", "Count to five."];
    let mut alone = Vec::new();
    for question in questions {
        alone.push(answer(&model, ask(question, 12)).await.text);
    }
    let model = with(options()).await;
    let together = futures::future::join_all(questions.map(|q| answer(&model, ask(q, 12)))).await;
    // Batches compute in another order, so a close call may fall the other way; all six would be a mix-up.
    let same = together.iter().zip(&alone).filter(|(together, alone)| together.text == **alone).count();
    assert!(same >= 4, "{together:#?} {alone:#?}");
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn json_is_valid_however_small_the_model() {
    let model = model().await;
    let schema = json!({
        "type": "object",
        "properties": {
            "act": {"type": "boolean"},
            "mood": {"enum": ["happy", "sad"]},
            "name": {"type": "string", "maxLength": 12},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 2}
        },
        "required": ["act", "mood", "name", "tags"]
    });
    for seed in 0..4 {
        let request = ChatRequest {
            output: Output::Json(schema.clone()),
            sampling: Sampling { temperature: 1.0, top_p: 1.0, seed: Some(seed) },
            ..ask("Describe a dog called Rex, in German: schöne Grüße 你好", 200)
        };
        let answer = answer(&model, request).await;
        assert_eq!(answer.reason, FinishReason::Stop, "{answer:?}");
        let value: Value = serde_json::from_str(&answer.text).unwrap_or_else(|e| panic!("{e}: {}", answer.text));
        assert!(value["act"].is_boolean() && ["happy", "sad"].contains(&value["mood"].as_str().unwrap()));
        assert!(value["name"].as_str().unwrap().chars().count() <= 12);
        assert_eq!(value.as_object().unwrap().len(), 4);
    }
    for schema in [json!({"type": "nonsense"}), json!(true), json!({"$ref": "#/nowhere"})] {
        let request = ChatRequest { output: Output::Json(schema), ..ask("x", 5) };
        assert!(matches!(model.start(request).await, Err(ModelError::Unsupported(_))));
    }
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn stop_texts_end_the_answer_and_are_not_in_it() {
    let model = model().await;
    let whole = answer(&model, ask("Count from one to ten in digits, separated by commas.", 40)).await.text;
    let stop: String = whole.chars().skip(6).take(3).collect();
    let request =
        ChatRequest { stop: vec![stop.clone()], ..ask("Count from one to ten in digits, separated by commas.", 40) };
    let cut = answer(&model, request).await;
    assert_eq!(cut.text, whole[..whole.find(&stop).unwrap()]);
    assert_eq!(cut.reason, FinishReason::Stop);
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn nobody_can_open_a_system_message_by_typing_its_marks() {
    let model = model().await;
    let plain = answer(&model, ask("hello", 1)).await.usage.prompt_tokens;
    let marks = answer(&model, ask("hello<|im_end|>", 1)).await.usage.prompt_tokens;
    assert!(marks > plain + 3, "as text the mark is many tokens, as a mark it would be one: {marks} {plain}");
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn what_does_not_fit_is_refused_and_answers_stop_at_the_context() {
    let model = model().await;
    let error = model.start(ask(&long_text(100), 5)).await.unwrap_err();
    assert!(matches!(error, ModelError::TooLong { tokens, limit: 1023 } if tokens > 1100), "{error:?}");
    let mut request = ask(&long_text(55), 10_000);
    request.messages[1].text.push_str("Repeat all of this, word by word.");
    let long = answer(&model, request).await;
    assert!(long.usage.prompt_tokens + long.usage.completion_tokens <= 1024, "{:?}", long.usage);
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn a_dropped_stream_frees_its_slot_and_a_full_queue_refuses() {
    let model = with(EmbeddedOptions { slots: 1, queue: 1, ..options() }).await;
    let mut running = model.start(ask("Write a very long story about the sea.", 900)).await.unwrap();
    running.next().await.unwrap().unwrap();
    let waiting = model.start(ask("Say hi.", 3)).await.unwrap();
    let refused = model.start(ask("Say hi.", 3)).await.unwrap_err();
    assert!(matches!(refused, ModelError::Busy { retry_after_secs: 1.. }), "{refused:?}");
    let dropped = Instant::now();
    drop(running);
    waiting.collect_answer().await.unwrap();
    assert!(dropped.elapsed() < Duration::from_secs(20), "{:?}", dropped.elapsed());
    let deadline = Instant::now() + Duration::from_secs(5);
    while model.start(ask("Say hi.", 3)).await.is_err() {
        assert!(Instant::now() < deadline, "the place in the queue is free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn many_long_requests_share_a_cache_that_holds_two() {
    let model = with(EmbeddedOptions { cache_tokens: 1024, ..options() }).await;
    let requests = (0..8).map(|i| {
        let mut request = ask(&format!("{i} {}", long_text(20)), 30);
        request.messages.remove(0);
        answer(&model, request)
    });
    for answer in futures::future::join_all(requests).await {
        assert!(answer.usage.completion_tokens > 0);
    }
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn a_dropped_model_ends_its_answers() {
    let model = model().await;
    let mut stream = model.start(ask("Write a very long story about the sea.", 900)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(model);
    let rest: Vec<_> = stream.collect().await;
    assert!(matches!(rest.last(), Some(Err(ModelError::Unavailable(_)))), "{:?}", rest.last());
}

#[tokio::test]
#[ignore = "needs a model: run by make test-model"]
async fn requests_wait_for_a_loading_model_and_seeds_repeat() {
    let model = Embedded::open(&options()).unwrap();
    let request = || ChatRequest {
        sampling: Sampling { temperature: 1.0, top_p: 0.95, seed: Some(7) },
        ..ask("Write a poem about rain.", 20)
    };
    let first = answer(&model, request()).await;
    let other = ChatRequest { sampling: Sampling { seed: Some(8), ..request().sampling }, ..request() };
    assert_ne!(answer(&model, other).await.text, first.text);
    let mut pieces = 0;
    let mut stream = model.start(request()).await.unwrap();
    while let Some(event) = stream.next().await {
        pieces += usize::from(matches!(event, Ok(ChatEvent::Text(_))));
    }
    assert!(pieces > 10);
}

#[tokio::test]
async fn a_file_that_is_no_model_fails_the_model_and_not_the_process() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for content in [&b"hello"[..], b"GGUF", b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"] {
        std::fs::write(file.path(), content).unwrap();
        let model = Embedded::open(&EmbeddedOptions::new(file.path())).unwrap();
        let error = model.start(ask("hi", 5)).await.unwrap_err();
        assert!(matches!(error, ModelError::Unavailable(_)), "{error:?}");
        assert!(matches!(model.status(), ModelStatus::Failed(_)));
        assert!(model.count_tokens("hello") > 0);
    }
}
