//! `enableWebSearch`: tool events in their order, results before the model, and no trace of it where no search is configured.

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::harness::{ADA, TestDb, World, both};

both! {
    async fn a_search_runs_before_the_answer(db: TestDb) {
        let url = search_server(json!({"results": [
            {"title": "Sourdough", "url": "https://bread.example/", "content": "Flour, water, salt."},
            {"title": "Rye", "url": "https://rye.example/", "content": "Rye."},
        ]})).await;
        let world = World::with_config(db, |c| c.search.url = url).await;
        let events = world.chat(ADA, &json!({"message": "bread?", "enableWebSearch": true})).await;
        let names: Vec<&str> = events.iter().take(3).map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["session", "tool_call", "tool_result"]);
        assert_eq!(events[1].data, json!({"toolName": "web_search", "status": "searching"}));
        assert_eq!(events[2].data, json!({"toolName": "web_search", "query": "bread?", "resultCount": 2}));
        let asked = world.model.requests()[0].messages.last().unwrap().text.clone();
        assert!(asked.contains("Flour, water, salt.") && asked.ends_with("bread?"), "{asked}");
        let quiet = world.chat(ADA, &json!({"message": "bread?"})).await;
        assert!(quiet.iter().all(|e| !e.name.starts_with("tool")));
    }

    async fn a_search_that_fails_found_nothing(db: TestDb) {
        let world = World::with_config(db, |c| c.search.url = "http://127.0.0.1:9/search".to_owned()).await;
        let events = world.chat(ADA, &json!({"message": "bread?", "enableWebSearch": true})).await;
        assert_eq!(events[2].data["resultCount"], 0);
        assert_eq!(events.iter().filter_map(|e| e.delta()).collect::<String>(), "You said: bread?");
    }

    async fn without_an_address_there_is_no_search(db: TestDb) {
        let world = World::new(db).await;
        let events = world.chat(ADA, &json!({"message": "bread?", "enableWebSearch": true})).await;
        assert!(events.iter().all(|e| !e.name.starts_with("tool")));
    }
}

async fn search_server(answer: Value) -> String {
    let handler = move |Query(query): Query<HashMap<String, String>>| async move {
        assert_eq!((query["q"].as_str(), query["format"].as_str()), ("bread?", "json"));
        Json(answer)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/search", listener.local_addr().unwrap());
    let router = Router::new().route("/search", get(handler));
    #[expect(clippy::disallowed_methods, reason = "a fake server that ends with its test")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}
