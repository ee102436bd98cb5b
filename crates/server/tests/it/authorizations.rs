//! The user's side: who may do what, what they did, and the end of it, on every node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::Method;
use secondme_bus::{Bus, LocalBus, NatsBus};
use secondme_kit::Secret;
use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use secondme_server::access::log;
use secondme_store::{params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, Nats, Setup, TestDb, World, both, data, refused};

const REVOKE: &str = "authorizations/app_demo/revoke";

/// An app's access ends on one node; what it has open on another ends, too, within a second, and nothing else does.
async fn revoked_everywhere(db: TestDb, one: Arc<dyn Bus>, two: Arc<dyn Bus>) {
    let node = |bus| Setup { bus, model: slow(), ..Setup::default() };
    let world = World::with(db, node(one)).await;
    let other = world.beside(node(two)).await;
    let (access, refresh) = world.connect(ADA, &["userinfo", "chat"]).await;
    let (lin, _) = world.connect(LIN, &["userinfo", "chat"]).await;
    let mut streams = Vec::new();
    for (node, token, path) in [
        (&world, &access, "chat"),
        (&other, &access, "chat"),
        (&other, &access, "act"),
        (&other, &lin, "chat"),
        (&other, &ADA.to_owned(), "chat"),
    ] {
        streams.push(begin(node, token, path).await);
        data(node.get("secondme/user/info", token).await);
    }
    assert_eq!(
        world.app.revocations().open() + other.app.revocations().open(),
        4,
        "three of the app, and one of Ada herself"
    );
    let begun = Instant::now();
    assert_eq!(data(world.post(REVOKE, ADA, &json!({})).await), json!({"appId": "app_demo", "receiptId": null}));
    let stays = streams.split_off(3);
    for stream in streams {
        let rest = rest(stream).await;
        assert!(rest.contains("oauth2.authorization.revoked") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    }
    for node in [&world, &other] {
        refused(&node.get("secondme/user/info", &access).await, 401, "oauth2.authorization.revoked");
        data(node.get("secondme/user/info", &lin).await);
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for mut stream in stays {
        let more = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
        assert!(
            more.is_err() || !String::from_utf8_lossy(&more.unwrap().unwrap().unwrap()).contains("error"),
            "others go on"
        );
    }
    refused(&world.post("oauth/token/refresh", "", &json!({
        "grant_type": "refresh_token", "refresh_token": refresh, "client_id": "de300000-0000-4000-8000-000000000001", "client_secret": "demo-client-secret",
    })).await, 401, "oauth2.refresh_token.revoked");
    assert_eq!(data(world.get("authorizations", ADA).await)["total"], 0);
    refused(&world.post(REVOKE, ADA, &json!({})).await, 404, "oauth2.authorization.not_found");
    // Let in again, the app works again, also on the node that heard of the revocation.
    let (again, _) = world.connect(ADA, &["userinfo", "chat"]).await;
    data(other.get("secondme/user/info", &again).await);
    let mut stream = begin(&other, &again, "chat").await;
    let more = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(more.is_err() || !String::from_utf8_lossy(&more.unwrap().unwrap().unwrap()).contains("error"));
}

both! {
    async fn a_user_sees_what_apps_may_do_and_did(db: TestDb) {
        let world = World::new(db).await;
        assert_eq!(data(world.get("authorizations", ADA).await), json!({"list": [], "total": 0}));
        let (access, _) = world.connect(ADA, &["user.info", "chat"]).await;
        let list = data(world.get("authorizations", ADA).await);
        let granted = "2025-06-15T15:06:40.000Z";
        assert_eq!(list, json!({"total": 1, "list": [{
            "appId": "app_demo", "clientId": "de300000-0000-4000-8000-000000000001", "appName": "Demo App",
            "scopes": ["user.info", "chat"], "grantedAt": granted, "firstUsedAt": null, "lastUsedAt": null,
        }]}));
        for _ in 0..3 {
            data(world.get("secondme/user/info", &access).await);
        }
        data(world.get("auth/me", &access).await);
        world.clock.advance(1_000);
        world.chat(&access, &json!({"message": "hi"})).await;
        data(world.get("secondme/user/info", ADA).await);
        let row = data(world.get("authorizations", ADA).await)["list"][0].clone();
        assert_eq!((&row["firstUsedAt"], &row["lastUsedAt"]), (&json!(granted), &json!("2025-06-15T15:06:41.000Z")));
        world.clock.advance(86_400_000);
        let (access, _) = world.connect(ADA, &["user.info"]).await;
        data(world.get("secondme/user/info", &access).await);
        let log = data(world.get("authorizations/app_demo/access", ADA).await);
        let line = |day: &str, kind: &str, action: &str, times: i64, at: &str| json!({"day": day, "kind": kind, "action": action, "times": times, "lastAt": at});
        assert_eq!(log["list"], json!([
            line("2025-06-16", "userinfo", "read", 1, "2025-06-16T15:06:41.000Z"),
            line("2025-06-15", "account", "read", 1, granted),
            line("2025-06-15", "chat.write", "write", 1, "2025-06-15T15:06:41.000Z"),
            line("2025-06-15", "userinfo", "read", 3, granted),
        ]));
        assert_eq!(data(world.get("authorizations/app_demo/access?days=1", ADA).await)["list"].as_array().unwrap().len(), 1);
        // Nobody else's, and not for apps.
        assert_eq!(data(world.get("authorizations", LIN).await)["total"], 0);
        refused(&world.get("authorizations/app_demo/access", LIN).await, 404, "oauth2.authorization.not_found");
        refused(&world.get("authorizations", &access).await, 401, "oauth2.token.invalid");
        refused(&world.post(REVOKE, &access, &json!({})).await, 401, "oauth2.token.invalid");
    }

    async fn counts_of_two_nodes_add_up_and_survive_a_failed_write(db: TestDb) {
        let world = World::new(db).await;
        let (access, _) = world.connect(ADA, &["userinfo"]).await;
        let other = world.beside(Setup::default()).await;
        for world in [&world, &other, &world] {
            data(world.get("secondme/user/info", &access).await);
        }
        futures::future::try_join(log::flush(&world.app), log::flush(&other.app)).await.unwrap();
        log::flush(&world.app).await.unwrap();
        assert_eq!(data(world.get("authorizations/app_demo/access", ADA).await)["list"][0]["times"], 3);
    }

    async fn a_revocation_counts_on_every_node_within_a_second(db: TestDb) {
        let bus = Arc::new(LocalBus::default());
        revoked_everywhere(db, bus.clone(), bus).await;
    }

    async fn a_revocation_travels_over_nats(db: TestDb) {
        let Some(nats) = Nats::start().await else { return };
        let connect = async || Arc::new(NatsBus::connect(&Secret::new(nats.url.clone())).await.unwrap());
        revoked_everywhere(db, connect().await, connect().await).await;
    }

    async fn a_watch_that_begins_after_the_end_has_ended(db: TestDb) {
        let world = World::new(db).await;
        world.connect(ADA, &["chat"]).await;
        let (all, store) = (world.app.revocations(), world.app.store());
        let before = all.watch(store, 1, Some("app_demo")).await.unwrap();
        assert!(!before.has_ended());
        data(world.post(REVOKE, ADA, &json!({})).await);
        before.ended().await;
        assert!(all.watch(store, 1, Some("app_demo")).await.unwrap().has_ended(), "the stream was about to begin");
        assert!(!all.watch(store, 2, Some("app_demo")).await.unwrap().has_ended());
        assert!(!all.watch(store, 1, None).await.unwrap().has_ended());
        drop(before);
        world.connect(ADA, &["chat"]).await;
        let again = all.watch(store, 1, Some("app_demo")).await.unwrap();
        assert!(!again.has_ended(), "granted again");
        drop(again);
        assert_eq!(all.open(), 0, "nothing is left behind");
    }

    async fn forgetting_is_ordered_in_the_same_transaction(db: TestDb) {
        let world = World::new(db).await;
        world.connect(ADA, &["chat"]).await;
        let receipt = data(world.post(REVOKE, ADA, &json!({"forget": true})).await)["receiptId"].as_str().unwrap().to_owned();
        assert!(receipt.starts_with("fgt_"));
        let jobs = sql!("SELECT payload FROM job WHERE kind = 'memory.forget_app' ORDER BY id");
        let rows = world.app.store().all(jobs, params![]).await.unwrap();
        let payload: Value = serde_json::from_str(&rows[0].get::<String>("payload").unwrap()).unwrap();
        assert_eq!((rows.len(), payload), (1, json!({"userId": 1, "appId": "app_demo", "receiptId": receipt})));
        // Who did not ask for it then may ask later; who never let the app in has nothing to forget.
        assert!(data(world.post(REVOKE, ADA, &json!({"forget": true})).await)["receiptId"].is_string());
        refused(&world.post(REVOKE, LIN, &json!({"forget": true})).await, 404, "oauth2.authorization.not_found");
    }

    async fn a_browser_needs_its_csrf_token(db: TestDb) {
        let world = World::new(db).await;
        world.connect(ADA, &["chat"]).await;
        let mut browser = crate::harness::Browser::new(&world.http, &world.url);
        let login = browser.open("/login").await;
        browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", "demo-password")]).await;
        let home = browser.open("/").await;
        let csrf = home.html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let cookie = format!("secondme_session={}", browser.cookie("secondme_session").unwrap());
        let call = |method: Method, path: &str, csrf: &str, origin: &str| {
            let request = world.request(method, path, "").header("Cookie", &cookie).header("Origin", origin);
            let request = if csrf.is_empty() { request } else { request.header("X-CSRF-Token", csrf) };
            async move { crate::harness::answer(request.send().await.unwrap()).await }
        };
        assert_eq!(data(call(Method::GET, "authorizations", "", &world.url).await)["total"], 1);
        refused(&call(Method::POST, REVOKE, "", &world.url).await, 401, "auth.token.invalid");
        refused(&call(Method::POST, REVOKE, "wrong", &world.url).await, 401, "auth.token.invalid");
        refused(&call(Method::POST, REVOKE, &csrf, "https://evil.example").await, 401, "auth.token.invalid");
        data(call(Method::POST, REVOKE, &csrf, &world.url).await);
    }
}

/// Says a word, then takes its time.
fn slow() -> Scripted {
    Scripted::with(|_| vec![Step::text("{\"a\": "), Step::Wait(Duration::from_secs(30)), Step::text("1}")])
        .unconstrained()
}

type Frames = std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>;

/// Starts a stream and reads its first frame.
async fn begin(world: &World, token: &str, path: &str) -> Frames {
    let body = json!({"message": "x", "actionControl": "Answer with JSON {\"a\": number} and nothing else."});
    let response =
        world.request(Method::POST, &format!("secondme/{path}/stream"), token).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut frames: Frames = Box::pin(response.bytes_stream());
    frames.next().await.unwrap().unwrap();
    frames
}

async fn rest(frames: Frames) -> String {
    let pieces: Vec<_> = tokio::time::timeout(Duration::from_secs(5), frames.collect()).await.unwrap();
    pieces.into_iter().map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap()).collect()
}
