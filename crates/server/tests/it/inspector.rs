//! The request inspector: what is kept of an app's requests, what never is, and how much.

use secondme_kit::Page;
use secondme_server::demo;
use secondme_server::oauth::console::tokens;
use secondme_server::oauth::inspector::{self, Filter, Request};
use serde_json::json;

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

const APP: &str = "app_demo";

async fn seen(world: &World, failed: bool) -> (Vec<Request>, i64) {
    inspector::requests(&world.app, APP, Filter { failed }, Page::new(None, Some(100), 20)).await.unwrap()
}

both! {
    async fn requests_of_an_app_are_kept_without_what_they_say(db: TestDb) {
        let world = World::new(db).await;
        let (access, _) = world.connect(ADA, &["userinfo", "chat"]).await;
        data(world.get("secondme/user/info", &access).await);
        world.chat(&access, &json!({"message": "my secret plan", "model": "secondme/nano"})).await;
        refused(&world.post("secondme/note/add", &access, &json!({"content": "a private note"})).await, 403, "auth.scope.missing");
        refused(&world.get("secondme/nothing?keyword=my+mother", &access).await, 404, "resource.fetch.not_found");
        let bad = [("grant_type", "authorization_code"), ("code", "lba_ac_nothing"), ("redirect_uri", demo::REDIRECT_URI),
            ("client_id", demo::CLIENT_ID), ("client_secret", "a wrong secret")];
        refused(&world.form("oauth/token/code", &bad).await, 401, "oauth2.client.secret_mismatch");
        data(world.get("secondme/user/info", ADA).await);

        let (requests, total) = seen(&world, false).await;
        let shown: Vec<_> = requests.iter().map(|r| (r.method.as_str(), r.path.trim_start_matches("/gate/lab/api/"), r.status, r.sub_code.as_str())).collect();
        assert_eq!(shown, [
            ("POST", "oauth/token/code", 401, "oauth2.client.secret_mismatch"),
            ("POST", "secondme/note/add", 403, "auth.scope.missing"),
            ("POST", "secondme/chat/stream", 200, ""),
            ("GET", "secondme/user/info", 200, ""),
            ("POST", "oauth/token/code", 200, ""),
        ], "neither Ada's own request nor one that no route has");
        assert_eq!(total, 5);
        let note = &requests[1];
        assert_eq!((note.needs.as_str(), note.scopes.as_str(), note.token_kind.as_str()), ("note.write", "userinfo chat", "access"));
        assert!(note.app_scoped_user_id.as_ref().unwrap().starts_with("asu_"));
        let chat: serde_json::Value = serde_json::from_str(&requests[2].body).unwrap();
        assert_eq!(chat, json!({"message": "<14>", "model": "secondme/nano"}));
        let everything = format!("{requests:?}");
        for secret in ["secret plan", "private note", "mother", "lba_", "wrong secret", demo::CLIENT_SECRET] {
            assert!(!everything.contains(secret), "{secret} in {everything}");
        }
        assert_eq!(seen(&world, true).await.1, 2);
        let one = inspector::request(&world.app, APP, note.id).await.unwrap();
        assert_eq!(one.request_id, note.request_id);
        assert!(inspector::request(&world.app, "app_other", note.id).await.is_err());
    }

    async fn only_the_last_ones_are_kept(db: TestDb) {
        let world = World::with_config(db, |config| {
            config.inspector.requests_per_app = 3;
            config.inspector.per_flush = 2;
        }).await;
        let (access, _) = world.connect(ADA, &["userinfo"]).await;
        assert_eq!(seen(&world, false).await.1, 1);
        for _ in 0..3 {
            for _ in 0..4 {
                data(world.get("secondme/user/info", &access).await);
            }
            inspector::flush(&world.app).await.unwrap();
        }
        let (requests, total) = seen(&world, false).await;
        assert_eq!((requests.len(), total), (3, 3), "two of each flush, and the last three of all");
        let mut tx = world.app.store().write().await.unwrap();
        assert_eq!(inspector::reclaim(&mut tx, world.app.now() + 1, 100).await.unwrap(), 3);
        tx.commit().await.unwrap();
    }

    async fn it_can_be_switched_off(db: TestDb) {
        let world = World::with_config(db, |config| config.inspector.enabled = false).await;
        let (access, _) = world.connect(ADA, &["userinfo"]).await;
        data(world.get("secondme/user/info", &access).await);
        assert_eq!(seen(&world, false).await.1, 0);
    }

    async fn a_token_is_explained_to_its_developer_only(db: TestDb) {
        let world = World::new(db).await;
        let (access, refresh) = world.connect(LIN, &["userinfo"]).await;
        let told = tokens::explain(&world.app, 1, &format!("Bearer {access} ")).await.unwrap().unwrap();
        assert_eq!((told.app_name.as_deref(), told.grant.scope_names.join(" ").as_str()), (Some("Demo App"), "userinfo"));
        assert!(told.refusal.is_none() && told.app_scoped_user_id.is_some());
        assert!(tokens::explain(&world.app, 2, &access).await.unwrap().is_some(), "and to whom it belongs");
        assert!(tokens::explain(&world.app, 1, &refresh).await.unwrap().is_some());
        assert!(tokens::explain(&world.app, 1, LIN).await.unwrap().is_none(), "a personal token of somebody else");
        assert!(tokens::explain(&world.app, 1, "lba_at_nothing").await.unwrap().is_none());
        world.clock.advance(7_200_000);
        let told = tokens::explain(&world.app, 1, &access).await.unwrap().unwrap();
        assert_eq!(told.refusal.unwrap().code(), secondme_server::error::Code::TokenExpired);
    }

    async fn a_trial_token_is_the_developer_in_their_own_app(db: TestDb) {
        let world = World::new(db).await;
        let trial = tokens::trial(&world.app, 1, APP).await.unwrap();
        let me = data(world.get("auth/me", trial.token.expose()).await);
        assert_eq!(me["userId"], "1");
        assert!(tokens::trial(&world.app, 2, APP).await.is_err(), "somebody else's app");
        world.clock.advance(3_600_000);
        refused(&world.get("auth/me", trial.token.expose()).await, 401, "oauth2.token.expired");
    }
}
