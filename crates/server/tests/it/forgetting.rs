//! What an app contributed is forgotten when the user says so, and nothing else.

use secondme_server::access::Kind;
use secondme_server::memory::forgetting::{self, Counts};
use serde_json::{Value, json};

use crate::harness::{ADA, TestDb, World, both, data};

async fn total(world: &World, path: &str) -> i64 {
    data(world.get(path, ADA).await)["total"].as_i64().unwrap()
}

both! {
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
        let entries = secondme_store::sql!("SELECT COUNT(*) AS n FROM memory_entries WHERE user_id = 1 AND app_id = 'app_demo'");
        let row = world.app.store().opt(entries, secondme_store::params![]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 0);
        let receipts = forgetting::receipts(&world.app, 1).await.unwrap();
        assert_eq!((receipts.len(), receipts[0].counts, receipts[0].finished_at.is_some()), (1, counts, true));
        // Again is nothing more; the counts stay.
        assert_eq!(forgetting::forget(&world.app, 1, "app_demo", "receipt-1").await.unwrap(), counts);
    }
}
