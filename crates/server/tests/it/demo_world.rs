//! The demo world: made once, the same every time, and for this machine only.

use secondme_server::demo;
use serde_json::json;

use crate::harness::{ADA, Browser, TestDb, World, both, data, refused};

both! {
    async fn seeding_again_changes_nothing(db: TestDb) {
        let world = World::new(db).await;
        data(world.post("secondme/user/profile", ADA, &json!({"name": "Countess"})).await);
        let before = data(world.get("secondme/user/info", ADA).await);
        let shades = data(world.get("secondme/user/shades", ADA).await);
        demo::seed(&world.app).await.unwrap();
        assert_eq!(data(world.get("secondme/user/info", ADA).await), before);
        assert_eq!(data(world.get("secondme/user/shades", ADA).await), shades);
    }

    async fn the_file_holds_what_clients_need(db: TestDb) {
        let world = World::new(db).await;
        let dir = tempfile::tempdir().unwrap();
        demo::write(&demo::world(&world.app), dir.path()).unwrap();
        let text = std::fs::read_to_string(dir.path().join("demo.json")).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(file["baseUrl"], format!("{}/gate/lab", world.url));
        assert_eq!(file["oauthUrl"], format!("{}/oauth/", world.url));
        assert_eq!(file["app"]["redirectUris"], json!(["http://localhost:3000/api/auth/callback"]));
        for user in file["users"].as_array().unwrap() {
            let info = data(world.get("secondme/user/info", user["accessToken"].as_str().unwrap()).await);
            assert_eq!((&info["userId"], &info["email"]), (&user["userId"], &user["email"]));
        }
        let avatar = &file["avatar"];
        assert_eq!(avatar, &json!({"avatarId": 1, "shareCode": "ada000000001", "apiKey": "sk-de300000000000000000000000000001"}));
        let public = data(world.get(&format!("secondme/avatar/public/{}", avatar["shareCode"].as_str().unwrap()), ADA).await);
        assert_eq!(public["id"], avatar["avatarId"]);
        let opened = secondme_server::avatars::api_keys::open(&world.app, avatar["apiKey"].as_str().unwrap()).await.unwrap();
        assert_eq!((opened.avatar.id, opened.avatar.owner_demo), (1, true));
        let (id, secret) = (file["app"]["clientId"].as_str().unwrap(), file["app"]["clientSecret"].as_str().unwrap());
        data(world.form("oauth/token/client", &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]).await);
    }

    async fn its_credentials_are_refused_from_elsewhere(db: TestDb) {
        let world = World::new(db).await;
        let through_a_proxy = world.request(reqwest::Method::GET, "secondme/user/info", ADA).header("X-Forwarded-For", "203.0.113.9");
        refused(&crate::harness::answer(through_a_proxy.send().await.unwrap()).await, 401, "auth.token.invalid");
        let form = [("grant_type", "client_credentials"), ("client_id", demo::CLIENT_ID), ("client_secret", demo::CLIENT_SECRET)];
        let through_a_proxy = world.request(reqwest::Method::POST, "oauth/token/client", "").form(&form).header("Forwarded", "for=203.0.113.9");
        refused(&crate::harness::answer(through_a_proxy.send().await.unwrap()).await, 401, "auth.token.invalid");
    }

    async fn its_users_can_sign_in(db: TestDb) {
        let world = World::new(db).await;
        for user in demo::world(&world.app).users {
            let mut browser = Browser::new(&world.http, &world.url);
            let login = browser.open("/login").await;
            let home = browser.submit(&login, "password", &[("email", user.email), ("password", user.password)]).await;
            assert_eq!((home.status.as_u16(), home.at.as_str()), (200, "/home"), "{}", home.html);
        }
    }
}
