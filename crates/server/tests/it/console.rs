//! The developer console in a browser without scripts: an app from its first form to its last request.

use serde_json::json;

use crate::harness::{ADA, Browser, LIN, Receiver, Shown, TestDb, World, both, data};

/// Somebody of the demo world, signed in.
pub async fn signed_in(world: &World, email: &str) -> Browser {
    let mut browser = Browser::new(&world.http, &world.url);
    let page = browser.open("/login").await;
    let home = browser.submit(&page, "current-password", &[("email", email), ("password", "demo-password")]).await;
    assert_eq!(home.status, 200, "{}", home.html);
    browser
}

/// What stands between two texts of a page.
pub fn between<'p>(page: &'p Shown, before: &str, after: &str) -> &'p str {
    let rest = page.html.split(before).nth(1).unwrap_or_else(|| panic!("no {before:?} in {}", page.html));
    rest.split(after).next().unwrap()
}

both! {
    async fn an_app_is_registered_changed_and_deleted(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = signed_in(&world, "lin@demo.local").await;
        assert!(browser.open("/developer").await.html.contains("No apps yet"));
        let form = browser.open("/developer/new").await;
        let bad = browser.submit(&form, "/developer/new", &[("name", "Bakery & Sons"), ("redirect_uris", "not a uri")]).await;
        assert_eq!(bad.status, 400);
        assert!(bad.html.contains("Bakery &#38; Sons") && bad.html.contains("not a uri"), "what was typed stays: {}", bad.html);
        let fields = [("name", "Bakery & Sons"), ("redirect_uris", "https://bakery.example/cb\n\nhttps://bakery.example/two"),
            ("scope.userinfo", "on"), ("scope.chat.write", "on"), ("client_type", "confidential")];
        let made = browser.submit(&bad, "/developer/new", &fields).await;
        assert_eq!(made.status, 200, "{}", made.html);
        let (client_id, secret) = (between(&made, "id=\"client-id\">", "<"), between(&made, "id=\"client-secret\">", "<"));
        let tokens = world.form("oauth/token/client", &[("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)]).await;
        let token = data(tokens)["accessToken"].as_str().unwrap().to_owned();
        let app_id = between(&made, "/developer/apps/", "/").to_owned();

        let settings = browser.open(&format!("/developer/apps/{app_id}")).await;
        assert!(!settings.html.contains(secret), "the secret is shown once");
        let saved = browser.submit(&settings, "redirect_uris", &[("name", "Bakery"), ("description", "Bread."), ("redirect_uris", "https://bakery.example/cb")]).await;
        assert!(saved.html.contains("Saved.") && saved.html.contains("Bread."), "{}", saved.html);
        let start = browser.open(&format!("/developer/apps/{app_id}/start")).await;
        assert!(start.html.contains(client_id) && start.html.contains("https%3A%2F%2Fbakery.example%2Fcb"));

        world.get("secondme/user/info", &token).await;
        let requests = browser.open(&format!("/developer/apps/{app_id}/requests?failed=1")).await;
        assert!(requests.html.contains("oauth2.token.invalid") && !requests.html.contains("oauth/token/client"), "{}", requests.html);
        let id = between(&requests, &format!("/developer/apps/{app_id}/requests/"), "\"");
        let request = browser.open(&format!("/developer/apps/{app_id}/requests/{id}")).await;
        assert!(request.html.contains("curl ") && request.html.contains("process.env.TOKEN") && request.html.contains("import os, requests"));
        assert!(!request.html.contains(&token));

        let told = browser.open("/developer/tokens").await;
        let told = browser.submit(&told, "/developer/tokens", &[("token", &token)]).await;
        assert!(told.html.contains("It works") && told.html.contains("chat.write"), "{}", told.html);
        assert!(!told.html.contains(&token), "the token is not repeated");

        let mut ada = signed_in(&world, "ada@demo.local").await;
        for page in ["", "/start", "/requests", "/webhook"] {
            assert_eq!(ada.open(&format!("/developer/apps/{app_id}{page}")).await.status, 403, "somebody else's app{page}");
        }
        let settings = browser.open(&format!("/developer/apps/{app_id}")).await;
        let rotated = browser.submit(&settings, "/secret", &[("overlap_seconds", "0")]).await;
        assert_ne!(between(&rotated, "id=\"client-secret\">", "<"), secret);
        let gone = browser.submit(&settings, "/delete", &[]).await;
        assert!(gone.at == "/developer" && gone.html.contains("No apps yet"), "{}", gone.html);
    }

    async fn a_webhook_is_set_tested_and_sent_again(db: TestDb) {
        let receiver = Receiver::new(vec![]).await;
        let world = World::with_config(db, |config| config.webhooks.allow_private = true).await;
        let mut browser = signed_in(&world, "ada@demo.local").await;
        let page = browser.open("/developer/apps/app_demo/webhook").await;
        let saved = browser.submit(&page, "name=\"url\"", &[("url", &receiver.url), ("enabled", "on")]).await;
        assert!(between(&saved, "id=\"whs\">", "<").starts_with("whs_") && saved.html.contains("whsec_"), "{}", saved.html);
        let page = browser.open("/developer/apps/app_demo/webhook").await;
        assert!(!page.html.contains("whs_"), "the signing secret is shown once");
        let tested = browser.submit(&page, "webhook/test", &[]).await;
        assert!(tested.html.contains("was delivered") && tested.html.contains("test_delivery"), "{}", tested.html);
        world.connect(LIN, &["userinfo"]).await;
        data(world.post("authorizations/app_demo/revoke", LIN, &json!({})).await);
        assert_eq!(secondme_server::oauth::webhooks::step(&world.app).await.unwrap(), 1);
        let page = browser.open("/developer/apps/app_demo/webhook").await;
        assert_eq!(page.html.matches("authorization.revoked").count(), 2);
        let event = between(&page, "/developer/apps/app_demo/webhook/evt_", "\"").to_owned();
        let event = browser.open(&format!("/developer/apps/app_demo/webhook/evt_{event}")).await;
        let again = browser.submit(&event, "/again", &[]).await;
        assert!(again.html.contains("sent again"), "{}", again.html);
        assert_eq!(secondme_server::oauth::webhooks::step(&world.app).await.unwrap(), 1);
        assert_eq!(receiver.seen().len(), 3);
    }

    async fn every_endpoint_can_be_tried(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = signed_in(&world, "ada@demo.local").await;
        let list = browser.open("/developer/try").await;
        let anchors: Vec<String> = list.html.split("href=\"/developer/try/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        assert!(anchors.len() > 60, "{}", anchors.len());
        for anchor in &anchors {
            let page = browser.open(&format!("/developer/try/{anchor}")).await;
            assert!(page.status == 200 && page.html.contains("id=\"curl\">curl"), "{anchor}: {}", page.html);
        }
        let search = anchors.iter().find(|anchor| anchor.ends_with("memory-key-search")).unwrap();
        let page = browser.open(&format!("/developer/try/{search}")).await;
        let filled = browser.submit(&page, "id=\"try\"", &[("p.keyword", "cat & mouse")]).await;
        assert!(filled.html.contains("keyword=cat+%26+mouse"), "{}", filled.html);
        let token = browser.submit(&page, "/token", &[("app_id", "app_demo")]).await;
        let token = between(&token, "placeholder=\"lba_at_…\" value=\"", "\"").to_owned();
        assert_eq!(data(world.get("auth/me", &token).await)["userId"], "1");
        assert_eq!(browser.open("/developer/try/nothing").await.status, 404);
        assert!(!data(world.get("authorizations", ADA).await)["list"].as_array().unwrap().is_empty());
    }

    async fn the_console_speaks_chinese_and_asks_who_you_are(db: TestDb) {
        let world = World::new(db).await;
        let mut guest = Browser::new(&world.http, &world.url);
        assert!(guest.open("/developer").await.at.starts_with("/login?next="));
        let mut browser = signed_in(&world, "ada@demo.local").await;
        let page = browser.open("/developer").await;
        let page = browser.submit(&page, "/language", &[("lang", "zh")]).await;
        assert!(page.html.contains("新建应用") && page.html.contains("lang=\"zh-CN\""), "{}", page.html);
        for path in ["/developer/new", "/developer/tokens", "/developer/try", "/developer/apps/app_demo", "/developer/apps/app_demo/start",
            "/developer/apps/app_demo/requests", "/developer/apps/app_demo/webhook"] {
            let page = browser.open(path).await;
            assert!(page.status == 200 && page.html.contains("应用"), "{path}: {}", page.html);
            assert!(!page.html.contains("style=") && !page.html.contains("onclick"), "{path}");
        }
    }
}
