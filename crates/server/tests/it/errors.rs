//! Every way to send nonsense: a clear JSON error with the right status, in the right language, never a panic.

use reqwest::Method;
use serde_json::json;

use crate::harness::{ADA, TestDb, World, answer, both, data, refused};

const PROFILE: &str = "secondme/user/profile";

both! {
    async fn malformed_bodies(db: TestDb) {
        let world = World::new(db).await;
        let send = |content_type: &'static str, body: &'static [u8]| {
            let request = world.request(Method::POST, PROFILE, ADA).header("Content-Type", content_type).body(body);
            async move { answer(request.send().await.unwrap()).await }
        };
        for body in [&b"{"[..], b"[]", b"\"x\"", b"{} {}", b"{\"name\": \xff}", b"{\"name\": 1}", b"nonsense"] {
            refused(&send("application/json", body).await, 400, "invalid.param");
        }
        let answer = send("application/json", b"{\"name\": [1]}").await;
        assert!(answer.1["message"].as_str().unwrap().contains("name"), "{}", answer.1);
        refused(&send("text/plain", b"{}").await, 415, "request.content_type.unsupported");
        refused(&send("application/x-www-form-urlencoded", b"name=x").await, 415, "request.content_type.unsupported");
        data(send("application/json; charset=utf-8", b"{}").await);
        let xml = world.request(Method::POST, "oauth/token", "").header("Content-Type", "application/xml").body("<a/>");
        refused(&crate::harness::answer(xml.send().await.unwrap()).await, 415, "request.content_type.unsupported");
    }

    async fn bodies_have_a_limit(db: TestDb) {
        let world = World::with_config(db, |c| c.server.small_body_max_bytes = 10_000).await;
        let body = json!({"name": "x".repeat(10_000)});
        refused(&world.post(PROFILE, ADA, &body).await, 413, "request.body.too_large");
        // Chats carry pictures: their limit is another.
        world.chat(ADA, &json!({"message": "x".repeat(15_000)})).await;
    }

    async fn unknown_routes_and_methods(db: TestDb) {
        let world = World::new(db).await;
        for path in ["secondme/nothing", "api/secondme/user/info", ""] {
            let answer = world.get(path, ADA).await;
            refused(&answer, 404, "resource.fetch.not_found");
            assert_eq!(answer.1["detail"], "Not Found");
        }
        let response = world.request(Method::DELETE, "secondme/user/info", ADA).send().await.unwrap();
        assert!(response.headers()["allow"].to_str().unwrap().contains("GET"));
        refused(&answer(response).await, 405, "request.method.not_allowed");
    }

    async fn slashes_are_tolerated_without_a_redirect(db: TestDb) {
        let world = World::new(db).await;
        for path in ["/gate/lab/api/secondme/user/info/", "//gate//lab/api/secondme//user/info"] {
            let response = world.http.get(format!("{}{path}", world.url)).bearer_auth(ADA).send().await.unwrap();
            data(answer(response).await);
        }
    }

    async fn messages_speak_the_language_of_the_request(db: TestDb) {
        let world = World::new(db).await;
        let ask = |language: &'static str| {
            let request = world.request(Method::GET, "secondme/user/info", "").header("Accept-Language", language);
            async move { answer(request.send().await.unwrap()).await.1["message"].as_str().unwrap().to_owned() }
        };
        assert!(ask("zh-CN,zh;q=0.9").await.contains("需要认证"));
        assert!(ask("zh-CN,zh;q=0.9").await.contains("token"), "the SDK looks for the word");
        assert!(ask("en").await.contains("Authentication"));
    }

    async fn a_request_keeps_its_own_id(db: TestDb) {
        let world = World::new(db).await;
        let ask = |id: &'static str| {
            let request = world.request(Method::GET, "secondme/user/info", ADA).header("X-Request-Id", id);
            async move { request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned() }
        };
        assert_eq!(ask("my-id.1").await, "my-id.1");
        assert_ne!(ask("not a plain id").await, "not a plain id");
    }

    async fn other_origins_may_call_the_api_but_not_the_pages(db: TestDb) {
        let world = World::new(db).await;
        let preflight = world.request(Method::OPTIONS, PROFILE, "").header("Origin", "https://app.example")
            .header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "authorization,content-type");
        let response = preflight.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert!(response.headers()["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
        assert!(!response.headers().contains_key("access-control-allow-credentials"));
        let page = world.http.get(format!("{}/login", world.url)).header("Origin", "https://app.example").send().await.unwrap();
        assert!(!page.headers().contains_key("access-control-allow-origin"));
    }
}
