//! The end of an account, as others notice it: apps, other nodes, the plaza, owners of avatars.

use std::sync::Arc;
use std::time::Duration;

use secondme_bus::LocalBus;
use secondme_server::platform::bundle;
use secondme_server::plaza::moderation::{self, Action};
use secondme_store::{Value as Cell, copy};
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, LIN, Setup, Socket, TestDb, World, both, data, refused};
use crate::plaza::{comment, post, publish};

const APP: &str = "applications/external/app_demo";

both! {
    async fn apps_are_told_and_what_is_open_ends_on_every_node(db: TestDb) {
        let bus = Arc::new(LocalBus::default());
        let node = || Setup { bus: bus.clone(), ..Setup::default() };
        let world = World::with(db, node()).await;
        let other = world.beside(node()).await;
        let hook = json!({"authorizationRevokedWebhookUrl": "https://app.example/hook", "authorizationRevokedWebhookEnabled": true});
        data(world.post(&format!("{APP}/update"), ADA, &hook).await);
        let (access, _) = world.connect(LIN, &["userinfo"]).await;
        let me = data(other.get("auth/me", &access).await);
        data(other.get("secondme/user/info", LIN).await);
        let watch = other.app.revocations().watch(other.app.store(), 2, Some("app_demo")).await.unwrap();
        bundle::delete(&world.app, 2).await.unwrap();
        tokio::time::timeout(Duration::from_secs(1), watch.ended()).await.expect("what is open on another node goes on");
        for node in [&world, &other] {
            for token in [access.as_str(), LIN] {
                assert_eq!(node.get("secondme/user/info", token).await.0, 401, "tokens in memory count no more");
            }
        }
        let log = data(world.get(&format!("{APP}/webhook-deliveries"), ADA).await);
        let payload = &log["list"][0]["payload"];
        assert_eq!((&log["total"], &payload["appScopedUserId"], &payload["reason"]), (&json!(1), &me["appScopedUserId"], &json!("user_revoked")));
        // The end of a developer ends their apps, for everybody.
        let (access, _) = world.connect(ADA, &["userinfo"]).await;
        data(other.get("secondme/user/info", &access).await);
        let watch = other.app.revocations().watch(other.app.store(), 1, Some("app_demo")).await.unwrap();
        bundle::delete(&world.app, 1).await.unwrap();
        tokio::time::timeout(Duration::from_secs(1), watch.ended()).await.expect("the app is gone");
    }

    async fn others_see_neither_posts_nor_names_nor_visits(db: TestDb) {
        let world = World::new(db).await;
        let mine = publish(&world, ADA, json!({"content": "mine"})).await;
        let theirs = publish(&world, LIN, json!({"content": "theirs"})).await;
        let before = post(&world, ADA, &mine).await;
        let first = comment(&world, LIN, json!({"postId": mine, "content": "from Lin"})).await;
        let answer = comment(&world, ADA, json!({"postId": mine, "content": "dear you", "replyToCommentId": first})).await;
        comment(&world, ADA, json!({"postId": theirs, "content": "under theirs"})).await;
        data(world.post(&format!("secondme/plaza/posts/{mine}/like"), LIN, &json!({})).await);
        data(world.post(&format!("secondme/plaza/comments/{answer}/like"), LIN, &json!({})).await);
        let visit = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": AVATAR_KEY})).await);
        data(world.say(LIN, &visit, "a visit").await);
        Socket::open(visit["wsUrl"].as_str().unwrap()).await.replies(1).await;
        let seen = async || data(world.get("secondme/avatar/1/interactions", ADA).await);
        let visits = seen().await.as_array().unwrap().len();
        assert!(seen().await.to_string().contains("a visit"));
        let memories = world.app.store();
        let words = secondme_store::sql!("SELECT content FROM memory_entries WHERE user_id = 1 ORDER BY id");
        let remembered: Vec<String> = memories.all(words, secondme_store::params![]).await.unwrap().iter().map(|r| r.get("content").unwrap()).collect();
        assert!(remembered.iter().any(|text| text == "under theirs"));

        bundle::delete(&world.app, 2).await.unwrap();
        let after = post(&world, ADA, &mine).await;
        let counts = |post: &Value| ["likes", "commentCount"].map(|name| post[name].as_i64().unwrap());
        assert_eq!(counts(&before), [0, 0]);
        assert_eq!(counts(&after), [0, 1], "only Ada's own comment counts");
        let comments = data(world.get(&format!("secondme/plaza/posts/{mine}/comments"), ADA).await);
        assert_eq!(comments.to_string().matches("dear you").count(), 1);
        assert!(!comments.to_string().contains("林小满"), "{comments}");
        refused(&world.get(&format!("secondme/plaza/posts/{theirs}"), ADA).await, 404, "resource.fetch.not_found");
        assert_eq!(seen().await.as_array().unwrap().len(), visits - 1);
        assert!(!seen().await.to_string().contains("a visit"));
        let remembered: Vec<String> = memories.all(words, secondme_store::params![]).await.unwrap().iter().map(|r| r.get("content").unwrap()).collect();
        assert!(!remembered.iter().any(|text| text == "under theirs"), "{remembered:?}");
        // That somebody came is still counted.
        let named = secondme_store::sql!("SELECT visitor FROM avatar_traffic WHERE user_id = 1");
        let visitors = memories.all(named, secondme_store::params![]).await.unwrap();
        let visitors: Vec<String> = visitors.iter().map(|r| r.get("visitor").unwrap()).collect();
        assert!(!visitors.is_empty() && visitors.iter().all(|visitor| visitor != "u:2"), "{visitors:?}");
    }

    async fn what_the_operator_had_hidden_goes_too(db: TestDb) {
        let world = World::new(db).await;
        let mine = publish(&world, ADA, json!({"content": "Ada's"})).await;
        let hidden = publish(&world, LIN, json!({"content": "hidden marmalade"})).await;
        let under = comment(&world, ADA, json!({"postId": hidden, "content": "under the hidden one"})).await;
        let rude = comment(&world, LIN, json!({"postId": mine, "content": "rude marmalade"})).await;
        data(world.post(&format!("secondme/plaza/posts/{hidden}/report"), ADA, &json!({"reason": "spam"})).await);
        for id in [&hidden, &rude] {
            moderation::act(&world.app, "olga", Action::Hide, id, "spam").await.unwrap();
        }
        while world.run_jobs().await > 0 {}

        bundle::delete(&world.app, 2).await.unwrap();
        let mut tx = world.app.store().read().await.unwrap();
        for table in copy::tables(&mut tx).await.unwrap() {
            // What operators did stays, with the ids of what they did it to, and no word of it.
            let ids = if ["plaza_moderation", "plaza_reports"].contains(&table.name.as_str()) { "" } else { hidden.as_str() };
            for row in copy::all(&mut tx, &table).await.unwrap() {
                for text in row.iter().filter_map(|cell| if let Cell::Text(text) = cell { Some(text) } else { None }) {
                    assert!(!text.contains("marmalade"), "{}: {text}", table.name);
                    assert!(ids.is_empty() || !text.contains(ids), "{}: {text}", table.name);
                    // What others wrote under it is no memory any more; that they wrote stays in their own timeline.
                    assert!(table.name != "memory_entries" || !text.contains(&under), "{}: {text}", table.name);
                }
            }
        }
        drop(tx);
        assert_eq!(post(&world, ADA, &mine).await["commentCount"], 0);
        let feed = data(world.get("secondme/plaza/feed?sortMode=timeline", ADA).await);
        assert_eq!(feed["total"], 1);
    }
}
