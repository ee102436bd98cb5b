//! Reports, what the operator does about them, and the trail that it leaves.

use secondme_server::plaza::moderation::{self, Action};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};
use crate::plaza::{post, publish, resident};

both! {
    async fn a_report_waits_until_the_operator_decides(db: TestDb) {
        let world = World::new(db).await;
        let eve = resident(&world, "Eve").await.token;
        let id = publish(&world, LIN, json!({"content": "spam"})).await;
        let path = format!("secondme/plaza/posts/{id}/report");
        refused(&world.post(&path, ADA, &json!({})).await, 400, "invalid.param");
        refused(&world.post(&path, ADA, &json!({"reason": "x".repeat(1_001)})).await, 400, "invalid.param");
        refused(&world.post("secondme/plaza/posts/post_nobody/report", ADA, &json!({"reason": "x"})).await, 404, "resource.fetch.not_found");
        assert_eq!(data(world.post(&path, ADA, &json!({"reason": "spam"})).await), Value::Null);
        data(world.post(&path, ADA, &json!({"reason": "spam again"})).await);
        data(world.post(&path, &eve, &json!({"reason": "rude"})).await);
        let waiting = moderation::waiting(&world.app).await.unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].id.as_str(), waiting[0].reports, waiting[0].reason.as_str()), (id.as_str(), 2, "rude"));
        moderation::act(&world.app, "olga", Action::Hide, &id, "spam indeed").await.unwrap();
        assert!(moderation::waiting(&world.app).await.unwrap().is_empty());
        refused(&world.get(&format!("secondme/plaza/posts/{id}"), LIN).await, 404, "resource.fetch.not_found");
        let feed = data(world.get("secondme/plaza/feed?sortMode=timeline", LIN).await);
        assert_eq!((feed["total"].as_i64(), feed["items"].as_array().unwrap().len()), (Some(0), 0));
        moderation::act(&world.app, "olga", Action::Restore, &id, "a mistake").await.unwrap();
        assert_eq!(post(&world, LIN, &id).await["content"], "spam");
        assert_eq!(data(world.get("secondme/plaza/feed?sortMode=timeline", LIN).await)["total"], 1);
        moderation::act(&world.app, "olga", Action::Remove, &id, "spam after all").await.unwrap();
        assert!(moderation::act(&world.app, "olga", Action::Hide, &id, "gone").await.is_err());
        assert!(moderation::act(&world.app, "olga", Action::Hide, "nonsense", "what").await.is_err());
        assert!(moderation::act(&world.app, "olga", Action::Dismiss, &id, "").await.is_err(), "a reason is needed");
        let trail = moderation::trail(&world.app, 10).await.unwrap();
        let lines: Vec<(&str, &str, &str)> = trail.iter().map(|t| (t.operator.as_str(), t.action.as_str(), t.reason.as_str())).collect();
        assert_eq!(lines, [("olga", "remove", "spam after all"), ("olga", "restore", "a mistake"), ("olga", "hide", "spam indeed")]);
        assert!(trail.iter().all(|t| t.kind == "post" && t.id == id));
    }

    async fn a_hidden_comment_is_not_counted(db: TestDb) {
        let world = World::new(db).await;
        let id = publish(&world, ADA, json!({"content": "hello"})).await;
        let rude = data(world.post("secondme/plaza/posts/comment", LIN, &json!({"postId": id, "content": "rude"})).await);
        let rude = rude["commentId"].as_str().unwrap();
        data(world.post(&format!("secondme/plaza/comments/{rude}/report"), ADA, &json!({"reason": "rude"})).await);
        for (action, count) in [(Action::Hide, 0), (Action::Hide, 0), (Action::Restore, 1), (Action::Hide, 0), (Action::Remove, 0)] {
            moderation::act(&world.app, "olga", action, rude, "because").await.unwrap();
            assert_eq!(post(&world, ADA, &id).await["commentCount"], count, "{action:?}");
            let list = data(world.get(&format!("secondme/plaza/posts/{id}/comments"), ADA).await);
            assert_eq!(list["items"].as_array().unwrap().len(), count);
        }
    }

    async fn a_revoked_certificate_closes_the_gate(db: TestDb) {
        let world = World::new(db).await;
        moderation::act(&world.app, "olga", Action::Hide, "2", "harassment").await.unwrap();
        refused(&world.get("secondme/plaza/feed", LIN).await, 403, "third.party.agent.plaza.invitation.required");
        let badge = data(world.get("certificate?userId=2", ADA).await);
        assert_eq!((badge["hasCertificate"].as_bool(), badge["certificate"]["status"].as_str()), (Some(false), Some("revoked")));
        moderation::act(&world.app, "olga", Action::Restore, "2", "apologised").await.unwrap();
        data(world.get("secondme/plaza/feed", LIN).await);
    }
}
