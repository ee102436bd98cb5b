//! The authorize request: what is refused, and where it is said.

use serde_json::json;

use crate::harness::{ADA, Browser, TestDb, World, both, data, refused};

const REDIRECT: &str = "http://localhost:3000/api/auth/callback";
const ID: &str = "de300000-0000-4000-8000-000000000001";

both! {
    async fn mistakes_are_shown_on_a_page_and_never_redirected(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let login = browser.open("/login").await;
        browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", "demo-password")]).await;
        for (query, status) in [
            (format!("client_id=nobody&redirect_uri={REDIRECT}&response_type=code"), 404),
            (format!("client_id={ID}&redirect_uri={REDIRECT}x&response_type=code"), 400),
            (format!("client_id={ID}&redirect_uri={REDIRECT}&response_type=token"), 400),
            (format!("client_id={ID}&redirect_uri={REDIRECT}&response_type=code&scope=profile:read"), 400),
            (format!("redirect_uri={REDIRECT}&response_type=code"), 400),
        ] {
            let shown = browser.open(&format!("/oauth/?{query}")).await;
            assert_eq!(shown.status.as_u16(), status, "{query}: {}", shown.html);
            assert!(shown.at.starts_with("/oauth"), "{}", shown.at);
        }
        let stray = browser.open(&format!("/oauth//authorize?client_id={ID}&redirect_uri={REDIRECT}")).await;
        assert_eq!(stray.status, 400);
        assert!(stray.html.contains("/oauth/?client_id"), "{}", stray.html);
    }

    async fn scopes_may_be_joined_in_any_way_or_left_out(db: TestDb) {
        let world = World::new(db).await;
        for (scope, names) in [
            ("scope=userinfo%20chat.write", json!(["userinfo", "chat.write"])),
            ("scope=userinfo,chat.write", json!(["userinfo", "chat.write"])),
            ("scope=userinfo+chat.write", json!(["userinfo", "chat.write"])),
            ("scope=userinfo%2Bchat.write", json!(["userinfo", "chat.write"])),
        ] {
            let code = crate::app_story::approve(&world, scope).await;
            let tokens = data(exchange(&world, &code).await);
            assert_eq!(tokens["scope"], names, "{scope}");
        }
        let code = crate::app_story::approve(&world, "state=none").await;
        assert!(data(exchange(&world, &code).await)["scope"].as_array().unwrap().len() >= 9);
    }

    async fn the_external_call_approves_for_the_signed_in_user_only(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"clientId": ID, "redirectUri": REDIRECT, "scope": ["userinfo"], "state": "s"});
        let issued = data(world.post("oauth/authorize/external", ADA, &body).await);
        assert_eq!(issued["state"], "s");
        let tokens = data(exchange(&world, issued["code"].as_str().unwrap()).await);
        let app_token = tokens["accessToken"].as_str().unwrap();
        refused(&world.post("oauth/authorize/external", app_token, &body).await, 401, "oauth2.token.invalid");
        let mut other = body.clone();
        other["clientId"] = json!("nobody");
        refused(&world.post("oauth/authorize/external", ADA, &other).await, 404, "oauth2.application.not_found");
        other = body.clone();
        other["redirectUri"] = json!("http://localhost:3000/");
        refused(&world.post("oauth/authorize/external", ADA, &other).await, 400, "oauth2.redirect_uri.mismatch");
        other = body;
        other["scope"] = json!(["everything"]);
        refused(&world.post("oauth/authorize/external", ADA, &other).await, 400, "oauth2.scope.invalid");
        refused(&world.post("oauth/authorize/external", ADA, &json!({})).await, 400, "invalid.param");
    }
}

async fn exchange(world: &World, code: &str) -> (reqwest::StatusCode, serde_json::Value) {
    world
        .form(
            "oauth/token/code",
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", REDIRECT),
                ("client_id", ID),
                ("client_secret", "demo-client-secret"),
            ],
        )
        .await
}
