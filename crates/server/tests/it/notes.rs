//! Notes: texts, and links whose pages are read.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::get;
use secondme_server::access::Kind;
use secondme_server::memory::notes::jobs::fetch;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

const ADD: &str = "secondme/note/add";
const LIST: &str = "secondme/note/list";
const SEARCH: &str = "secondme/note/search";

/// A web site with a page to read, one that is away for a moment, one that is a picture.
async fn site() -> String {
    let story = "<p>The lighthouse keeper wrote every evening about the ships that passed.</p>".repeat(15);
    let page = format!(
        "<html><head><title>The Lighthouse</title></head><body><nav>Menu</nav><article>{story}</article></body></html>"
    );
    let app = Router::new()
        .route("/page", get(move || async move { Html(page) }))
        .route("/moved", get(|| async { Redirect::temporary("/page") }))
        .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route("/gone", get(|| async { StatusCode::NOT_FOUND }))
        .route("/picture", get(|| async { ([("content-type", "image/png")], "x") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a web site outside the server")]
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn listed(world: &World, body: Value) -> Value {
    data(world.post(LIST, LIN, &body).await)
}

both! {
    async fn a_text_is_added_found_changed_and_deleted(db: TestDb) {
        let world = World::new(db).await;
        let had = listed(&world, json!({})).await["total"].as_i64().unwrap();
        let long = "I met Ada at the harbour. ".repeat(100);
        let added = data(world.post(ADD, LIN, &json!({"title": "Harbour", "content": long})).await);
        let id = added["noteId"].as_i64().unwrap();
        assert_eq!(added, json!({"noteId": id, "id": id}));
        world.clock.advance(5);
        data(world.post(ADD, LIN, &json!({"type": "text", "content": "Buy rye flour"})).await);
        let found = data(world.get(&format!("{SEARCH}?keyword=harbour%20ada"), LIN).await);
        assert_eq!((found["total"].as_i64(), found["list"][0]["id"].as_i64()), (Some(1), Some(id)));
        assert!(found["list"][0]["content"].as_str().unwrap().chars().count() < 210);
        let list = listed(&world, json!({"size": 1, "from": 1, "dataTypes": ["Memo"]})).await;
        assert_eq!(list["total"], had + 2);
        let item = &list["list"][0];
        assert_eq!((item["id"].as_i64(), item["type"].as_str()), (Some(id), Some("note")));
        assert_eq!(item["note"], json!({"title": "Harbour", "content": long, "memoryType": "TEXT", "attachments": [], "status": "READY"}));
        assert_eq!(listed(&world, json!({"dataTypes": ["Audio", "Chat"]})).await["total"], 0);
        refused(&world.post(LIST, LIN, &json!({"dataTypes": ["Video"]})).await, 400, "invalid.param");
        data(world.post(&format!("secondme/note/{id}/update"), LIN, &json!({"content": "Short now"})).await);
        let changed = &listed(&world, json!({"query": "short"})).await["list"][0]["note"];
        assert_eq!((changed["title"].as_str(), changed["content"].as_str()), (Some("Harbour"), Some("Short now")));
        refused(&world.post(&format!("secondme/note/{id}/update"), ADA, &json!({"title": "x"})).await, 404, "note.update.failed");
        refused(&world.post(&format!("secondme/note/{id}/delete"), ADA, &json!({})).await, 404, "note.delete.failed");
        assert_eq!(data(world.post(&format!("secondme/note/{id}/delete"), LIN, &json!({})).await), json!(null));
        refused(&world.post(&format!("secondme/note/{id}/delete"), LIN, &json!({})).await, 404, "note.delete.failed");
        assert_eq!(listed(&world, json!({})).await["total"], had + 1);
    }

    async fn what_is_no_note_is_refused(db: TestDb) {
        let world = World::with_config(db, |config| config.policy.note_whitelist = vec!["somebody".into()]).await;
        refused(&world.post(ADD, ADA, &json!({})).await, 400, "note.content.required");
        refused(&world.post(ADD, ADA, &json!({"memoryType": "link"})).await, 400, "note.urls.required");
        for body in [
            json!({"memoryType": "LINK", "urls": ["file:///etc/passwd"]}),
            json!({"memoryType": "LINK", "urls": vec!["https://example.org"; 11]}),
            json!({"memoryType": "AUDIO", "content": "x"}),
            json!({"content": "x".repeat(50_001)}),
            json!({"content": "x", "title": "x".repeat(201)}),
        ] {
            refused(&world.post(ADD, ADA, &body).await, 400, "invalid.param");
        }
        let app = world.mint(Kind::Access, "note.write").await;
        refused(&world.post(ADD, &app, &json!({"content": "x"})).await, 403, "note.add.not_whitelisted");
        refused(&world.post(LIST, &app, &json!({})).await, 403, "note.list.not_whitelisted");
        let other = world.mint(Kind::Access, "chat.write").await;
        refused(&world.post(ADD, &other, &json!({"content": "x"})).await, 403, "auth.scope.missing");
    }

    async fn links_are_fetched_and_failures_are_seen(db: TestDb) {
        let world = World::with_config(db, |config| config.memory.links_may_be_private = true).await;
        let site = site().await;
        let urls: Vec<String> = ["moved", "busy", "gone", "picture"].iter().map(|page| format!("{site}/{page}")).collect();
        let id = data(world.post(ADD, LIN, &json!({"memoryType": "URL", "urls": urls})).await)["noteId"].as_i64().unwrap();
        let links = async || listed(&world, json!({"dataTypes": ["Link"]})).await["list"][0]["note"].clone();
        assert_eq!(links().await["status"], "PENDING");
        assert_eq!(fetch(&world.app, 2, id, false).await.unwrap(), 1);
        assert_eq!(links().await["status"], "PENDING");
        assert_eq!(fetch(&world.app, 2, id, true).await.unwrap(), 0);
        let note = links().await;
        assert_eq!((note["status"].as_str(), note["title"].as_str()), (Some("PARTIAL"), Some("The Lighthouse")));
        assert!(note["content"].as_str().unwrap().contains("lighthouse keeper wrote"));
        let states: Vec<_> = note["attachments"].as_array().unwrap().iter().map(|a| a["status"].as_str().unwrap()).collect();
        assert_eq!(states, ["READY", "FAILED", "FAILED", "FAILED"]);
        assert!(note["attachments"][1]["failure"].as_str().unwrap().contains("503"), "{note}");
        assert_eq!(data(world.get(&format!("{SEARCH}?keyword=ships"), LIN).await)["total"], 1);
    }

    async fn links_into_the_servers_own_network_are_refused(db: TestDb) {
        let world = World::new(db).await;
        let urls = [format!("{}/healthz", world.url), "http://localhost/".to_owned()];
        let id = data(world.post(ADD, LIN, &json!({"memoryType": "LINK", "urls": urls})).await)["noteId"].as_i64().unwrap();
        assert_eq!(fetch(&world.app, 2, id, false).await.unwrap(), 0);
        let note = &listed(&world, json!({"dataTypes": ["Link"]})).await["list"][0]["note"];
        assert_eq!(note["status"], "FAILED");
        assert!(note["attachments"][1]["failure"].as_str().unwrap().contains("private network"), "{note}");
    }
}
