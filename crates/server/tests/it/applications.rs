//! The developer's side: registering, changing, rotating, deleting, listing.

use reqwest::StatusCode;
use secondme_server::oauth::apps;
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

const APPS: &str = "applications/external";

both! {
    async fn an_application_lives_from_create_to_delete(db: TestDb) {
        let world = World::new(db).await;
        let made = make(&world, json!({})).await;
        let (app_id, secret) = (text(&made, "appId"), text(&made, "clientSecret"));
        assert_eq!((made["status"].as_str(), made["clientType"].as_str()), (Some("approved"), Some("confidential")));
        assert_eq!(made["allowedScopes"], json!(["chat", "userinfo"]), "echoed as they were spelled");
        let detail = data(world.get(&format!("{APPS}/{app_id}"), LIN).await);
        assert!(detail.get("clientSecret").is_none() && detail.get("authorizationRevokedWebhookSecret").is_none());
        assert_eq!((&detail["clientId"], &detail["appName"]), (&made["clientId"], &json!("Notes")));
        let list = data(world.get(&format!("{APPS}/list?page=1&page_size=5"), LIN).await);
        assert_eq!((list["total"].as_i64(), &list["list"][0]["appId"]), (Some(1), &json!(app_id)));
        assert_eq!(token(&world, &made, &secret).await.0, 200);
        let changed = data(world.post(&format!("{APPS}/{app_id}/update"), LIN, &json!({"appName": "Diary", "websiteUrl": "https://diary.example"})).await);
        assert_eq!((changed["appName"].as_str(), &changed["redirectUris"]), (Some("Diary"), &made["redirectUris"]));
        assert!(changed.get("clientSecret").is_none());
        assert_eq!(data(world.post(&format!("{APPS}/{app_id}/delete"), LIN, &json!({})).await), Value::Null);
        refused(&world.get(&format!("{APPS}/{app_id}"), LIN).await, 404, "oauth2.application.not_found");
        refused(&token(&world, &made, &secret).await, 401, "oauth2.invalid_client");
    }

    async fn a_client_secret_is_replaced_at_once_or_overlaps(db: TestDb) {
        let world = World::new(db).await;
        let made = make(&world, json!({})).await;
        let (app_id, first) = (text(&made, "appId"), text(&made, "clientSecret"));
        let regenerate = format!("{APPS}/{app_id}/regenerate-secret");
        let second = text(&data(world.post(&regenerate, LIN, &json!({})).await), "clientSecret");
        refused(&token(&world, &made, &first).await, 401, "oauth2.invalid_client");
        data(token(&world, &made, &second).await);
        let third = text(&data(world.post(&regenerate, LIN, &json!({"overlapSeconds": 60})).await), "clientSecret");
        data(token(&world, &made, &second).await);
        data(token(&world, &made, &third).await);
        world.clock.advance(60_000);
        refused(&token(&world, &made, &second).await, 401, "oauth2.invalid_client");
        data(token(&world, &made, &third).await);
        refused(&world.post(&regenerate, LIN, &json!({"overlapSeconds": 604_801})).await, 400, "invalid.param");
        refused(&world.post(&regenerate, LIN, &json!({"overlapSeconds": -1})).await, 400, "invalid.param");
    }

    async fn mistakes_are_named(db: TestDb) {
        let world = World::new(db).await;
        for (change, status, sub_code) in [
            (json!({"appName": " "}), 400, "invalid.param"),
            (json!({"appName": null}), 400, "invalid.param"),
            (json!({"appName": "x".repeat(101)}), 400, "invalid.param"),
            (json!({"redirectUris": []}), 400, "invalid.param"),
            (json!({"redirectUris": ["https://app.example/cb#here"]}), 400, "oauth2.redirect_uri.invalid"),
            (json!({"redirectUris": ["javascript:alert(1)"]}), 400, "oauth2.redirect_uri.invalid"),
            (json!({"allowedScopes": ["everything"]}), 400, "oauth2.scope.invalid"),
            (json!({"allowedScopes": []}), 400, "invalid.param"),
            (json!({"clientType": "secret"}), 400, "invalid.param"),
            (json!({"iconUrl": "javascript:alert(1)"}), 400, "invalid.param"),
            (json!({"authorizationRevokedWebhookEnabled": true}), 400, "invalid.param"),
            (json!({"authorizationRevokedWebhookUrl": "https://user:pass@app.example/"}), 400, "invalid.param"),
            (json!({"authorizationRevokedWebhookUrl": "http://127.0.0.1:9/"}), 400, "invalid.param"),
            (json!({"authorizationRevokedWebhookUrl": "http://[::ffff:10.0.0.1]/"}), 400, "invalid.param"),
            (json!({"authorizationRevokedWebhookUrl": "https://app.example/", "authorizationRevokedWebhookSecret": "short"}), 400, "invalid.param"),
        ] {
            refused(&world.post(&format!("{APPS}/create"), LIN, &body(&change)).await, status, sub_code);
        }
        assert_eq!(data(world.get(&format!("{APPS}/list"), LIN).await)["total"], 0, "nothing was made");
    }

    async fn an_application_belongs_to_its_developer(db: TestDb) {
        let world = World::new(db).await;
        let app_id = text(&make(&world, json!({})).await, "appId");
        for (path, post) in [("", false), ("/update", true), ("/regenerate-secret", true), ("/delete", true), ("/apply-listing", true),
            ("/test-revocation-webhook", true), ("/rotate-webhook-secret", true), ("/webhook-deliveries", false),
            ("/webhook-deliveries/evt_x", false), ("/webhook-deliveries/evt_x/resend", true)] {
            for (app_id, status, sub_code) in [(app_id.as_str(), 403, "oauth2.application.unauthorized"), ("app_none", 404, "oauth2.application.not_found")] {
                let path = format!("{APPS}/{app_id}{path}");
                let answer = if post { world.post(&path, ADA, &json!({})).await } else { world.get(&path, ADA).await };
                refused(&answer, status, sub_code);
            }
        }
        let (token, _) = world.connect(ADA, &["userinfo"]).await;
        refused(&world.get(&format!("{APPS}/list"), &token).await, 403, "oauth2.scope.insufficient");
    }

    async fn only_listed_apps_stand_in_the_catalogue(db: TestDb) {
        let world = World::new(db).await;
        let app_id = text(&make(&world, json!({})).await, "appId");
        let catalogue = format!("{APPS}/public/list");
        assert_eq!(data(world.get(&catalogue, "").await)["total"], 0);
        let listing = json!({"subtitle": "Keeps notes", "iconUrl": "https://app.example/i.png", "screenshots": ["https://app.example/1.png"]});
        let listed = data(world.post(&format!("{APPS}/{app_id}/apply-listing"), LIN, &listing).await);
        assert_eq!(listed["listingStatus"], "listed");
        let found = data(world.get(&catalogue, "").await);
        assert_eq!((found["total"].as_i64(), &found["list"][0]["subtitle"], &found["list"][0]["appId"]), (Some(1), &json!("Keeps notes"), &json!(app_id)));
        let public = data(world.get(&format!("{APPS}/{app_id}/public"), "").await);
        assert_eq!((&public["screenshots"], &public["listed"]), (&listing["screenshots"], &json!(true)));
        for secret in ["clientId", "redirectUris", "authorizationRevokedWebhookUrl", "allowedScopes"] {
            assert!(public.get(secret).is_none(), "{secret}");
        }
        apps::review(&world.app, &app_id, "suspended").await.unwrap();
        assert_eq!(data(world.get(&catalogue, "").await)["total"], 0);
        refused(&world.get(&format!("{APPS}/{app_id}/public"), "").await, 404, "oauth2.application.not_found");
    }

    async fn where_apps_are_reviewed_they_wait_for_the_operator(db: TestDb) {
        let world = World::with_config(db, |config| config.policy.app_review = true).await;
        let made = make(&world, json!({})).await;
        let (app_id, secret) = (text(&made, "appId"), text(&made, "clientSecret"));
        assert_eq!(made["status"], "pending_review");
        refused(&token(&world, &made, &secret).await, 403, "oauth2.application.pending_review");
        apps::review(&world.app, &app_id, "approved").await.unwrap();
        let app_token = text(&data(token(&world, &made, &secret).await), "accessToken");
        let listed = data(world.post(&format!("{APPS}/{app_id}/apply-listing"), LIN, &json!({})).await);
        assert_eq!(listed["listingStatus"], "pending_review");
        apps::review(&world.app, &app_id, "approved").await.unwrap();
        assert_eq!(data(world.get(&format!("{APPS}/public/list"), "").await)["total"], 1);
        apps::review(&world.app, &app_id, "suspended").await.unwrap();
        refused(&token(&world, &made, &secret).await, 403, "oauth2.application.suspended");
        refused(&world.get("secondme/user/info", &app_token).await, 403, "oauth2.application.suspended");
    }
}

fn body(change: &Value) -> Value {
    let mut body = json!({
        "appName": "Notes", "redirectUris": ["http://localhost:4000/cb"], "allowedScopes": ["chat", "userinfo"],
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn make(world: &World, change: Value) -> Value {
    data(world.post(&format!("{APPS}/create"), LIN, &body(&change)).await)
}

/// An app token: works while the secret does.
async fn token(world: &World, made: &Value, secret: &str) -> (StatusCode, Value) {
    let id = text(made, "clientId");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret),
        ("scope", "chat"),
    ];
    world.form("oauth/token/client", &form).await
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}
