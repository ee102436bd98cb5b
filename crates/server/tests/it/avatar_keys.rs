//! Avatar keys: shown once, switched one by one, and what they open (contract 17.17).

use secondme_server::avatars::api_keys;
use secondme_server::error::Code;
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

async fn create(world: &World, avatar_id: &Value, name: &str) -> Value {
    data(world.post("secondme/avatar/api-key/create", ADA, &json!({"avatarId": avatar_id, "name": name})).await)
}

async fn opens(world: &World, key: &Value) -> Result<i64, Code> {
    api_keys::open(&world.app, key.as_str().unwrap()).await.map(|o| o.avatar.id).map_err(|e| e.code())
}

both! {
    async fn a_key_is_shown_once_and_opens_its_avatar(db: TestDb) {
        let world = World::new(db).await;
        let key = create(&world, &json!(1), " Website ").await;
        let secret = key["secretKey"].as_str().unwrap();
        assert!(secret.strip_prefix("sk-").is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b"0123456789abcdef".contains(&b))));
        assert_eq!(key, json!({"keyId": key["keyId"], "avatarId": 1, "name": "Website", "enabled": true, "secretKey": secret}));
        // Names need not be unique.
        let second = create(&world, &json!("1"), "Website").await;
        let list = data(world.get("secondme/avatar/api-key/list?avatarId=1", ADA).await);
        assert_eq!(list, json!({"list": [
            {"keyId": 1, "avatarId": 1, "name": "Demo key", "enabled": true},
            {"keyId": key["keyId"], "avatarId": 1, "name": "Website", "enabled": true},
            {"keyId": second["keyId"], "avatarId": 1, "name": "Website", "enabled": true},
        ]}));
        assert!(!list.to_string().contains(secret));
        assert_eq!(opens(&world, &key["secretKey"]).await, Ok(1));
        let sql = secondme_store::sql!("SELECT secret_hash FROM avatar_api_keys WHERE id >= 1000 ORDER BY id");
        let hash: Vec<u8> = world.app.store().opt(sql, secondme_store::params![]).await.unwrap().unwrap().get("secret_hash").unwrap();
        assert!(hash.len() == 32 && hash != secret.as_bytes());
    }

    async fn keys_are_switched_and_deleted_one_by_one(db: TestDb) {
        let world = World::new(db).await;
        let (a, b) = (create(&world, &json!(1), "a").await, create(&world, &json!(1), "b").await);
        let update = |body: Value| {
            let world = &world;
            async move { world.post("secondme/avatar/api-key/update", ADA, &body).await }
        };
        assert_eq!(data(update(json!({"keyId": a["keyId"], "enabled": false})).await), Value::Null);
        assert_eq!(opens(&world, &a["secretKey"]).await, Err(Code::OpenKeyUnknown));
        assert_eq!(opens(&world, &b["secretKey"]).await, Ok(1));
        data(update(json!({"keyId": a["keyId"], "enabled": true, "name": "renamed"})).await);
        assert_eq!(opens(&world, &a["secretKey"]).await, Ok(1));
        assert_eq!(data(world.get("secondme/avatar/api-key/list?avatarId=1", ADA).await)["list"][1]["name"], "renamed");
        assert_eq!(data(world.post("secondme/avatar/api-key/delete", ADA, &json!({"keyId": b["keyId"]})).await), Value::Null);
        assert_eq!(opens(&world, &b["secretKey"]).await, Err(Code::OpenKeyUnknown));
        assert_eq!(opens(&world, &json!("sk-00000000000000000000000000000000")).await, Err(Code::OpenKeyUnknown));
        refused(&update(json!({"keyId": b["keyId"], "enabled": true})).await, 404, "avatar.apikey.failed");
        refused(&update(json!({"keyId": a["keyId"], "name": " "})).await, 400, "invalid.param");
        refused(&update(json!({"name": "x"})).await, 400, "invalid.param");
    }

    async fn the_owner_can_close_an_avatar_to_all_keys(db: TestDb) {
        let world = World::new(db).await;
        let key = create(&world, &json!(1), "a").await;
        data(world.post("secondme/avatar/update", ADA, &json!({"avatarId": 1, "distribution": {"apiEnabled": false}})).await);
        assert_eq!(opens(&world, &key["secretKey"]).await, Err(Code::OpenKeyUnknown));
        data(world.post("secondme/avatar/update", ADA, &json!({"avatarId": 1, "distribution": {"apiEnabled": true}})).await);
        assert_eq!(opens(&world, &key["secretKey"]).await, Ok(1));
        let opened = api_keys::open(&world.app, key["secretKey"].as_str().unwrap()).await.unwrap();
        assert_eq!(api_keys::reopen(&world.app, opened.key_id).await.unwrap().avatar, opened.avatar);
        let made = data(world.post("secondme/avatar/create", ADA, &json!({"title": "Gone soon"})).await);
        let gone = create(&world, &made["avatarId"], "x").await;
        assert_eq!(opens(&world, &gone["secretKey"]).await, Ok(made["avatarId"].as_i64().unwrap()));
        data(world.post("secondme/avatar/delete", ADA, &json!({"avatarId": made["avatarId"]})).await);
        assert_eq!(opens(&world, &gone["secretKey"]).await, Err(Code::OpenKeyUnknown));
    }

    async fn keys_are_their_owners_alone_and_limited(db: TestDb) {
        let world = World::with_config(db, |config| config.avatars.keys_max = 3).await;
        let key = create(&world, &json!(1), "x".repeat(100).as_str()).await;
        for (body, status, sub_code) in [
            (json!({"avatarId": 2, "name": "x"}), 404, "avatar.apikey.failed"),
            (json!({"avatarId": 1}), 400, "invalid.param"),
            (json!({"avatarId": 1, "name": " "}), 400, "invalid.param"),
            (json!({"avatarId": 1, "name": "x".repeat(101)}), 400, "invalid.param"),
            (json!({"name": "x"}), 400, "invalid.param"),
        ] {
            refused(&world.post("secondme/avatar/api-key/create", ADA, &body).await, status, sub_code);
        }
        create(&world, &json!(1), "third").await;
        refused(&world.post("secondme/avatar/api-key/create", ADA, &json!({"avatarId": 1, "name": "x"})).await, 400, "avatar.apikey.failed");
        refused(&world.get("secondme/avatar/api-key/list?avatarId=1", LIN).await, 404, "avatar.apikey.failed");
        let body = json!({"keyId": key["keyId"], "enabled": false});
        refused(&world.post("secondme/avatar/api-key/update", LIN, &body).await, 404, "avatar.apikey.failed");
        refused(&world.post("secondme/avatar/api-key/delete", LIN, &body).await, 404, "avatar.apikey.failed");
        assert_eq!(opens(&world, &key["secretKey"]).await, Ok(1));
    }
}
