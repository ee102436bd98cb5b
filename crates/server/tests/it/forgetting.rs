//! What an app contributed is forgotten when the user says so, and nothing else.

use std::sync::Arc;

use secondme_llm::ScriptedEmbedder;
use secondme_server::access::Kind;
use secondme_server::chat::memories;
use secondme_server::learning::portrait;
use secondme_server::memory::audience::Listener;
use secondme_server::memory::forgetting::{self, Counts};
use secondme_server::memory::index::waiting;
use secondme_store::{params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, TestDb, World, both, data};

async fn total(world: &World, path: &str) -> i64 {
    data(world.get(path, ADA).await)["total"].as_i64().unwrap()
}

/// A word that only the app ever says.
const MARK: &str = "zanzibarite";

/// Rows of the database in which the app's word stands, wherever a text of a user is kept.
async fn rows_with_the_mark(world: &World) -> i64 {
    let everywhere = sql!(
        "SELECT COUNT(*) AS n FROM (
            SELECT display_text || action_label || body AS words FROM memory_events
            UNION ALL SELECT title || content || search_text FROM notes
            UNION ALL SELECT url || title || content FROM note_links
            UNION ALL SELECT actor || object || content || search_text FROM key_memories
            UNION ALL SELECT bio || diff || interests FROM portraits
            UNION ALL SELECT content FROM memory_entries
            UNION ALL SELECT bio || self_introduction FROM users
            UNION ALL SELECT payload FROM job
            UNION ALL SELECT content FROM chat_messages
        ) everything WHERE words LIKE '%' || $1 || '%'"
    );
    world.app.store().opt(everywhere, params![MARK]).await.unwrap().unwrap().get("n").unwrap()
}

async fn recalled(world: &World) -> bool {
    while waiting::pass(&world.app).await.unwrap() > 0 {}
    let hits = memories::recall(&world.app, 1, &Listener::Owner, "What about my zanzibarite?", None).await.unwrap();
    hits.iter().any(|hit| hit.text.contains(MARK))
}

both! {
    async fn nothing_of_a_revoked_app_is_found_told_or_exported(db: TestDb) {
        let world = World::with_config(db, |config| config.learning.model = "off".into()).await;
        world.app.set_embedder(Arc::new(ScriptedEmbedder::default()));
        let (app, _) = world.connect(ADA, &["agent_memory", "note.write", "memory.write"]).await;
        let events: Vec<Value> = (0..3).map(|n| json!({"channel": {"kind": "post"}, "action": "post", "display_text": format!("Posted {MARK} number {n}"),
            "refs": [{"object_type": "post", "object_id": n, "snapshot": {"text": MARK}}]})).collect();
        data(world.post("secondme/agent_memory/ingest", &app, &json!(events)).await);
        data(world.post("secondme/note/add", &app, &json!({"title": MARK, "content": format!("All about {MARK}. ").repeat(100)})).await);
        data(world.post("secondme/memory/key", &app, &json!({"content": format!("I collect {MARK} crystals"), "visibility": 1})).await);
        assert!(recalled(&world).await);
        portrait::dream(&world.app, 1).await.unwrap();
        assert!(data(world.get("secondme/user/info", ADA).await)["bio"].as_str().unwrap().contains(MARK), "the portrait has it");
        assert!(rows_with_the_mark(&world).await > 5);
        let vectors = sql!("SELECT COUNT(*) AS n FROM memory_vectors v WHERE v.user_id = 1");
        let vectors = async || world.app.store().opt(vectors, params![]).await.unwrap().unwrap().get::<i64>("n").unwrap();
        assert!(vectors().await > 5);
        let receipt = data(world.post("authorizations/app_demo/revoke", ADA, &json!({"forget": true})).await)["receiptId"].clone();
        while world.run_jobs().await > 0 {}
        let receipts = data(world.get("authorizations/forgotten", ADA).await);
        let one = &receipts["list"][0];
        assert_eq!((&one["receiptId"], &one["appId"], &one["events"], &one["notes"], &one["keyMemories"]),
            (&receipt, &json!("app_demo"), &json!(3), &json!(1), &json!(1)));
        assert!(one["finishedAt"].is_string());
        assert_eq!(data(world.get("authorizations/forgotten", crate::harness::LIN).await)["total"], 0, "nobody else's");
        assert_eq!((rows_with_the_mark(&world).await, vectors().await), (0, 0));
        assert!(!recalled(&world).await);
        for path in ["secondme/user/info", "secondme/user/shades", "secondme/note/search", "secondme/memory/key/search",
            "secondme/agent_memory/list", "secondme/activity/day-overview?date=2025-06-15"] {
            let seen = data(world.get(path, ADA).await).to_string();
            assert!(!seen.contains(MARK), "{path}: {seen}");
        }
        world.chat(ADA, &json!({"message": "Which crystals do I collect?"})).await;
        let prompt = world.model.requests().pop().unwrap().messages;
        assert!(prompt.iter().all(|message| !message.text.contains(MARK)), "{prompt:?}");
    }

    async fn an_apps_events_notes_and_memories_go(db: TestDb) {
        let world = World::new(db).await;
        let app = world.mint(Kind::Access, "agent_memory note.write memory.write").await;
        let notes = total(&world, "secondme/note/search").await;
        let memories = total(&world, "secondme/memory/key/search").await;
        let events: Vec<Value> = (0..60).map(|n| json!({"channel": {"kind": "post"}, "action": "post",
            "refs": [{"object_type": "post", "object_id": n}]})).collect();
        let listed = total(&world, "secondme/agent_memory/list").await;
        data(world.post("secondme/agent_memory/ingest", &app, &json!(events)).await);
        data(world.post("secondme/note/add", &app, &json!({"content": "From the app. ".repeat(200)})).await);
        data(world.post("secondme/memory/key", &app, &json!({"content": "I like what the app likes"})).await);
        data(world.post("secondme/memory/key", &app, &json!({"content": "I like sourdough rye"})).await);
        data(world.post("secondme/memory/key", ADA, &json!({"content": "I like sourdough rye"})).await);
        assert_eq!(total(&world, "secondme/memory/key/search").await, memories + 2);
        let counts = forgetting::forget(&world.app, 1, "app_demo", "receipt-1").await.unwrap();
        assert_eq!(counts, Counts { events: 60, notes: 1, key_memories: 1, kept_key_memories: 1 });
        assert_eq!(total(&world, "secondme/agent_memory/list").await, listed);
        assert_eq!(total(&world, "secondme/note/search").await, notes);
        assert_eq!(total(&world, "secondme/memory/key/search").await, memories + 1);
        let entries = sql!("SELECT COUNT(*) AS n FROM memory_entries WHERE user_id = 1 AND app_id = 'app_demo'");
        let row = world.app.store().opt(entries, params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 0);
        let receipts = forgetting::receipts(&world.app, 1).await.unwrap();
        assert_eq!((receipts.len(), receipts[0].counts, receipts[0].finished_at.is_some()), (1, counts, true));
        // Again is nothing more; the counts stay.
        assert_eq!(forgetting::forget(&world.app, 1, "app_demo", "receipt-1").await.unwrap(), counts);
    }
}
