//! Key memories and their older form, soft memory.

use secondme_server::access::Kind;
use serde_json::json;

use crate::harness::{ADA, LIN, START, TestDb, World, both, data, refused};

const KEY: &str = "secondme/memory/key";
const SEARCH: &str = "secondme/memory/key/search";

both! {
    async fn a_memory_is_inserted_found_changed_and_deleted(db: TestDb) {
        let world = World::new(db).await;
        let before = data(world.get(SEARCH, LIN).await)["total"].as_i64().unwrap();
        assert_eq!(data(world.post(KEY, LIN, &json!({"content": " I collect 100% wool socks ", "mode": "direct"})).await), json!({}));
        data(world.post(KEY, LIN, &json!({"content": "我住在里斯本", "visibility": 1})).await);
        data(world.post(KEY, LIN, &json!({"content": "i collect 100% Wool socks!"})).await);
        assert_eq!(data(world.get(SEARCH, LIN).await)["total"], before + 2);
        let found = data(world.get(&format!("{SEARCH}?keyword=WOOL%20100%25"), LIN).await);
        let row = &found["list"][0];
        let id = row["id"].as_i64().unwrap();
        assert_eq!(found, json!({"list": [{
            "id": id, "factActor": "林小满", "factObject": "general", "factContent": "I collect 100% wool socks",
            "createTime": START, "updateTime": START, "visibility": 0, "userId": 2, "dataType": "MANUAL", "memoryKind": "FACT",
            "readStatus": "READ", "memoryState": "ACTIVE", "confidence": 1.0, "validFrom": START, "validUntil": null,
            "supersededBy": null,
        }], "total": 1}));
        assert_eq!(data(world.get(&format!("{SEARCH}?keyword=10_%25"), LIN).await)["total"], 0);
        assert_eq!(data(world.get(&format!("{SEARCH}?keyword=里斯本"), LIN).await)["list"][0]["visibility"], 1);
        data(world.post(&format!("{KEY}/{id}/update"), LIN, &json!({"content": "I collect silk ties", "visibility": 1})).await);
        let changed = &data(world.get(&format!("{SEARCH}?keyword=silk"), LIN).await)["list"][0];
        assert_eq!((changed["id"].as_i64(), changed["visibility"].as_i64()), (Some(id), Some(1)));
        // Nobody else sees, changes or deletes it.
        assert_eq!(data(world.get(&format!("{SEARCH}?keyword=silk"), ADA).await)["total"], 0);
        refused(&world.post(&format!("{KEY}/{id}/update"), ADA, &json!({"content": "x"})).await, 404, "memory.not_found");
        refused(&world.post(&format!("{KEY}/{id}/delete"), ADA, &json!({})).await, 404, "memory.not_found");
        assert_eq!(data(world.post(&format!("{KEY}/{id}/delete"), LIN, &json!({})).await), json!(null));
        refused(&world.post(&format!("{KEY}/{id}/delete"), LIN, &json!({})).await, 404, "memory.not_found");
        refused(&world.post(&format!("{KEY}/abc/delete"), LIN, &json!({})).await, 404, "memory.not_found");
    }

    async fn what_is_no_memory_is_refused(db: TestDb) {
        let world = World::new(db).await;
        for body in [json!({}), json!({"content": null}), json!({"content": "  "})] {
            refused(&world.post(KEY, ADA, &body).await, 400, "memory.content.required");
        }
        refused(&world.post(KEY, ADA, &json!({"content": "x".repeat(5_001)})).await, 400, "invalid.param");
        refused(&world.post(KEY, ADA, &json!({"content": "x", "visibility": 7})).await, 400, "invalid.param");
        refused(&world.get(&format!("{SEARCH}?keyword={}", "x".repeat(201)), ADA).await, 400, "invalid.param");
    }

    async fn soft_memory_is_the_same_in_the_older_form(db: TestDb) {
        let world = World::new(db).await;
        let old = world.mint(Kind::Access, "user.info.softmemory").await;
        for n in 0..3 {
            data(world.post(KEY, ADA, &json!({"content": format!("Gadget number {n}")})).await);
            world.clock.advance(1);
        }
        let list = data(world.get("secondme/user/softmemory?query=gadget&page=1&pageSize=2", &old).await);
        assert_eq!(list["total"], 3);
        let row = &list["list"][0];
        assert_eq!(row, &json!({"id": row["id"], "factObject": "general", "factContent": "Gadget number 2",
            "content": "Gadget number 2", "createTime": START + 2, "updateTime": START + 2}));
        assert_eq!(list["list"].as_array().unwrap().len(), 2);
    }
}
