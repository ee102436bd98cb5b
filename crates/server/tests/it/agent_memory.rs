//! Agent memory: what apps report, once and for ever.

use futures::future::join_all;
use reqwest::Method;
use secondme_server::access::Kind;
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, START, TestDb, World, answer, both, data, refused};

/// The Client ID of the demo app.
const CLIENT: &str = "de300000-0000-4000-8000-000000000001";
const INGEST: &str = "secondme/agent_memory/ingest";
const LIST: &str = "secondme/agent_memory/list";

fn minimal(object_id: &str) -> Value {
    json!({"channel": {"kind": "post"}, "action": "post_created", "refs": [{"object_type": "post", "object_id": object_id}]})
}

fn full() -> Value {
    json!({
        "channel": {"kind": "thread", "id": "thread_1", "url": "https://c.example/t/1", "platform": "spoofed", "meta": {"a": 1}},
        "action": "reply", "action_label": "Replied to thread", "display_text": "Replied: transformers dominate",
        "importance": 0.7, "event_time": 1_711_900_800_000_i64, "event_desc": "dev", "mood": "fine",
        "refs": [{"object_type": "thread_reply", "object_id": "reply_1", "url": "https://c.example/t/1#1", "rank": 3,
                  "content_preview": "I think…",
                  "snapshot": {"text": "I think transformers dominate", "captured_at": 1_711_900_800_000_i64, "hash": "sha256:x"}}],
        "payload": {"jumpUrl": "https://c.example/t/1#1", "tags": ["ai"], "postId": 9}
    })
}

both! {
    async fn an_event_is_kept_with_every_field(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        let receipt = data(world.post(INGEST, &token, &full()).await);
        let id = receipt["eventId"].as_i64().unwrap();
        assert_eq!(receipt, json!({"eventId": id, "isDuplicate": false}));
        assert!(id >= 1000);
        let list = data(world.get(LIST, &token).await);
        assert_eq!(list, json!({
            "items": [{
                "eventId": id, "userId": 1, "eventTime": 1_711_900_800_000_i64, "action": "reply",
                "actionLabel": "Replied to thread", "displayText": "Replied: transformers dominate", "importance": 0.7,
                "platform": CLIENT, "eventDesc": "dev", "mood": "fine",
                "payload": {"jumpUrl": "https://c.example/t/1#1", "tags": ["ai"], "postId": 9},
                "channel": {"kind": "thread", "id": "thread_1", "url": "https://c.example/t/1", "platform": CLIENT, "meta": {"a": 1}},
                "refs": [{
                    "objectType": "thread_reply", "objectId": "reply_1", "url": "https://c.example/t/1#1", "rank": 3,
                    "contentPreview": "I think…", "type": "external_action",
                    "snapshot": {"text": "I think transformers dominate", "capturedAt": 1_711_900_800_000_i64, "hash": "sha256:x"},
                    "platform": CLIENT,
                }],
            }],
            "total": 1, "pageNo": 1, "pageSize": 20, "hasMore": false,
        }));
    }

    async fn both_spellings_mixed_are_the_same_event(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        data(world.post(INGEST, &token, &minimal("abc")).await);
        let camel = json!({"channel": {"kind": "post"}, "action": "other", "displayText": null, "display_text": "x",
                           "refs": [{"objectType": "post", "object_id": "abc"}]});
        let receipt = data(world.post(INGEST, &token, &camel).await);
        assert_eq!(receipt, json!({"eventId": 0, "isDuplicate": true}));
        let item = &data(world.get(LIST, &token).await)["items"][0];
        assert_eq!((item["action"].as_str(), item["displayText"].as_str()), (Some("post_created"), Some("Post created: post abc")));
        assert_eq!((item["importance"].as_f64(), item["eventTime"].as_i64()), (Some(0.5), Some(START)));
    }

    async fn a_key_of_ones_own_decides_and_counts_per_user_and_app(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        let with = |key: &str, id: &str| {
            let mut event = minimal(id);
            event["idempotencyKey"] = key.into();
            event
        };
        let is_duplicate = |receipt: Value| receipt["isDuplicate"].as_bool().unwrap();
        assert!(!is_duplicate(data(world.post(INGEST, &token, &with("k1", "a")).await)));
        assert!(is_duplicate(data(world.post(INGEST, &token, &with("k1", "b")).await)));
        assert!(!is_duplicate(data(world.post(INGEST, &token, &with("k2", "a")).await)));
        // Another user, and the user's own tools, have keys of their own.
        assert!(!is_duplicate(data(world.post(INGEST, LIN, &with("k1", "a")).await)));
        assert!(!is_duplicate(data(world.post(INGEST, ADA, &with("k1", "a")).await)));
        // The same body again much later is a duplicate still.
        world.clock.advance(3_000_000);
        assert!(is_duplicate(data(world.post(INGEST, &token, &with("k2", "z")).await)));
        assert_eq!(data(world.get(LIST, &token).await)["total"], 2);
        assert_eq!(data(world.get(LIST, ADA).await)["total"], 3);
        assert_eq!(data(world.get(&format!("{LIST}?platform={CLIENT}"), ADA).await)["total"], 2);
    }

    async fn two_thousand_equal_events_at_once_are_one(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        let event = full();
        let mut first = Vec::new();
        for _ in 0..4 {
            let posts = (0..500).map(|_| {
                let request = world.request(Method::POST, INGEST, &token).json(&event);
                async move { data(answer(request.send().await.unwrap()).await) }
            });
            first.extend(join_all(posts).await.into_iter().filter(|r| r["isDuplicate"] == false));
        }
        assert_eq!(first, [json!({"eventId": first[0]["eventId"], "isDuplicate": false})]);
        assert!(first[0]["eventId"].as_i64().unwrap() > 0);
        assert_eq!(data(world.get(LIST, &token).await)["total"], 1);
    }

    async fn an_array_is_answered_with_an_array(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        let receipts = data(world.post(INGEST, &token, &json!([minimal("a"), minimal("b"), minimal("a")])).await);
        let flags: Vec<_> = receipts.as_array().unwrap().iter().map(|r| r["isDuplicate"].as_bool().unwrap()).collect();
        assert_eq!(flags, [false, false, true]);
        assert!(data(world.post(INGEST, &token, &json!([minimal("z")])).await).is_array());
        // One that is malformed: none is stored.
        let answer = world.post(INGEST, &token, &json!([minimal("c"), {"channel": {"kind": "x"}}])).await;
        assert!(answer.1["message"].as_str().unwrap().contains("[1].action"), "{}", answer.1);
        refused(&answer, 400, "invalid.param");
        refused(&world.post(INGEST, &token, &json!([])).await, 400, "invalid.param");
        refused(&world.post(INGEST, &token, &json!(vec![minimal("d"); 101])).await, 400, "invalid.param");
        assert_eq!(data(world.get(LIST, &token).await)["total"], 3);
    }

    async fn what_breaks_a_limit_is_named(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        for (pointer, value, named) in [
            ("/channel", json!(null), "channel"),
            ("/channel/kind", json!(" "), "channel.kind"),
            ("/channel/meta", json!("x"), "channel.meta"),
            ("/action", json!(7), "action"),
            ("/refs", json!([]), "refs"),
            ("/refs", json!({}), "refs"),
            ("/refs/0/object_id", json!(null), "refs[0].objectId"),
            ("/refs/0/snapshot/text", json!(null), "refs[0].snapshot.text"),
            ("/refs/0/url", json!("x".repeat(4_001)), "refs[0].url"),
            ("/importance", json!(1.01), "importance"),
            ("/importance", json!("0.7"), "importance"),
            ("/event_time", json!("today"), "eventTime"),
            ("/event_time", json!(-1), "eventTime"),
            ("/payload", json!([1]), "payload"),
        ] {
            let mut event = full();
            *event.pointer_mut(pointer).unwrap() = value;
            let answer = world.post(INGEST, &token, &event).await;
            assert!(answer.1["message"].as_str().unwrap().contains(&format!("`{named}`")), "{pointer}: {}", answer.1);
            refused(&answer, 400, "invalid.param");
        }
        assert_eq!(data(world.get(LIST, &token).await)["total"], 0);
        // Sizes are clamped, pages tile the list, newest first.
        let many: Vec<Value> = (0..25).map(|n| {
            let mut event = minimal(&n.to_string());
            event["event_time"] = (START + n).into();
            event
        }).collect();
        data(world.post(INGEST, &token, &json!(many)).await);
        let second = data(world.get(&format!("{LIST}?pageNo=2&page_size=10"), &token).await);
        assert_eq!(second["items"][0]["eventTime"], START + 14);
        assert_eq!((second["hasMore"].as_bool(), second["pageSize"].as_i64()), (Some(true), Some(10)));
        assert_eq!(data(world.get(&format!("{LIST}?pageSize=1000"), &token).await)["pageSize"], 100);
    }

    async fn the_user_turns_writing_off(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        let settings = "secondme/memory/settings";
        assert_eq!(data(world.get(settings, ADA).await), json!({"agentMemoryWrite": true, "timeZone": "UTC"}));
        data(world.post(INGEST, &token, &minimal("a")).await);
        data(world.post(settings, ADA, &json!({"agentMemoryWrite": false, "timeZone": "Asia/Shanghai"})).await);
        for body in [minimal("b"), minimal("a"), json!([minimal("c")])] {
            refused(&world.post(INGEST, &token, &body).await, 403, "agent.memory.write.disabled");
        }
        // Another user's apps go on; reading goes on.
        data(world.post(INGEST, LIN, &minimal("a")).await);
        assert_eq!(data(world.get(LIST, &token).await)["total"], 1);
        let on = data(world.post(settings, ADA, &json!({"agentMemoryWrite": true})).await);
        assert_eq!(on, json!({"agentMemoryWrite": true, "timeZone": "Asia/Shanghai"}));
        assert_eq!(data(world.post(INGEST, &token, &minimal("b")).await)["isDuplicate"], false);
        refused(&world.post(settings, ADA, &json!({"timeZone": "Mars/Olympus"})).await, 400, "invalid.param");
    }

    async fn apps_of_the_first_generation_pass_when_the_operator_says_so(db: TestDb) {
        let world = World::with_config(db, |config| config.compat.agent_memory_without_scope = true).await;
        let old = world.mint(Kind::Access, "user.info chat").await;
        data(world.post(INGEST, &old, &minimal("a")).await);
        let new = world.mint(Kind::Access, "userinfo chat.write").await;
        refused(&world.post(INGEST, &new, &minimal("b")).await, 403, "oauth2.scope.insufficient");
    }
}
