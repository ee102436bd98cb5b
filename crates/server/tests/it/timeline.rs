//! The overview of a day, in the user's time zone.

use secondme_server::access::Kind;
use serde_json::{Value, json};

use crate::harness::{ADA, START, TestDb, World, both, data, refused};

const INGEST: &str = "secondme/agent_memory/ingest";
const DAY: &str = "secondme/activity/day-overview";
const HOUR: i64 = 3_600_000;

fn event(id: &str, at: i64, importance: f64) -> Value {
    json!({"channel": {"kind": "post"}, "action": "post_created", "action_label": "Posted", "importance": importance,
           "display_text": format!("Posted {id}"), "event_time": at, "payload": {"jumpUrl": "https://c.example/1"},
           "refs": [{"object_type": "post", "object_id": id}]})
}

both! {
    async fn a_day_counts_per_app_and_shows_what_is_important(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "agent_memory activity chat.write").await;
        data(world.post(INGEST, &token, &json!([event("a", START, 0.7), event("b", START + 1, 0.69), event("c", START + 2, 1.0)])).await);
        world.chat(&token, &json!({"message": "hello there"})).await;
        let day = data(world.get(DAY, &token).await);
        assert_eq!(day["date"], "2025-06-15");
        assert_eq!((day["totalCount"].as_i64(), day["importantCount"].as_i64()), (Some(4), Some(2)));
        let app = &day["apps"][0];
        assert_eq!(app["platformLabel"], "Demo App");
        assert_eq!((app["actionCount"].clone(), app["actionLabels"].clone()), (json!({"post_created": 3}), json!({"post_created": "Posted"})));
        let shown: Vec<_> = app["importantEvents"].as_array().unwrap().iter().map(|e| e["displayText"].as_str().unwrap()).collect();
        assert_eq!(shown, ["Posted c", "Posted a"]);
        assert_eq!(app["importantEvents"][0]["jumpUrl"], "https://c.example/1");
        let chat = &day["apps"][1];
        assert_eq!((chat["platform"].as_str(), chat["platformLabel"].as_str()), (Some("secondme_chat"), Some("Chats")));
        assert_eq!(chat["totalCount"], 1);
        // Reported events only; what happened here is not the app's.
        assert_eq!(data(world.get("secondme/agent_memory/list", &token).await)["total"], 3);
        let second = data(world.get(&format!("{DAY}?pageNo=2&pageSize=1"), &token).await);
        assert_eq!((second["apps"][0]["platform"].as_str(), second["totalCount"].as_i64()), (Some("secondme_chat"), Some(4)));
        assert_eq!(second["hasMore"], false);
        refused(&world.get(&format!("{DAY}?date=15.06.2025"), &token).await, 400, "invalid.param");
    }

    async fn another_zone_or_a_late_event_moves_events_and_counts_none_twice(db: TestDb) {
        let world = World::new(db).await;
        // 2025-06-15T15:06:40Z; an event every hour for three days around it, some reported late.
        let events: Vec<Value> = (-36..36).map(|hour| event(&hour.to_string(), START + hour * HOUR, 0.5)).collect();
        let (late, early) = events.split_at(30);
        data(world.post(INGEST, ADA, &json!(early)).await);
        let counts = async |world: &World| {
            let mut counts = Vec::new();
            for date in ["2025-06-13", "2025-06-14", "2025-06-15", "2025-06-16", "2025-06-17"] {
                let day = data(world.get(&format!("{DAY}?date={date}"), ADA).await);
                counts.push(day["totalCount"].as_i64().unwrap());
            }
            counts
        };
        let before = counts(&world).await;
        assert_eq!(before.iter().sum::<i64>(), 42);
        data(world.post(INGEST, ADA, &json!(late)).await);
        data(world.post(INGEST, ADA, &json!(late)).await);
        assert_eq!(counts(&world).await, [0, 21, 24, 24, 3]);
        for (zone, expected) in [("Asia/Shanghai", [0, 13, 24, 24, 11]), ("America/Los_Angeles", [4, 24, 24, 20, 0])] {
            data(world.post("secondme/memory/settings", ADA, &json!({"timeZone": zone})).await);
            assert_eq!(counts(&world).await, expected, "{zone}");
        }
        let named = data(world.get(&format!("{DAY}?date=2025-06-14&timeZone=UTC"), ADA).await);
        assert_eq!((named["totalCount"].as_i64(), named["timeZone"].as_str()), (Some(21), Some("UTC")));
    }
}
