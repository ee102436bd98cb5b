//! `authorization.revoked`: durable, signed, retried over three days, and nobody waits for anybody else's receiver.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secondme_kit::secret::hmac_sha256;
use secondme_server::oauth::{authorizations, webhooks};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, Receiver, START, Say, TestDb, World, both, data, refused};

const APP: &str = "applications/external/app_demo";
const DAY: i64 = 86_400_000;

both! {
    async fn a_revocation_is_delivered_and_signed_both_ways(db: TestDb) {
        let (world, receiver) = (world(db).await, Receiver::new(vec![]).await);
        let secret = listen(&world, &receiver).await;
        let (access, _) = world.connect(ADA, &["chat"]).await;
        let me = data(world.get("auth/me", &access).await);
        data(world.post("authorizations/app_demo/revoke", ADA, &json!({})).await);
        assert_eq!(receiver.seen().len(), 0, "not in the request of the user");
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 1);
        let delivery = receiver.seen().remove(0);
        let event_id = delivery.json()["eventId"].as_str().unwrap().to_owned();
        assert!(event_id.starts_with("evt_"));
        assert_eq!(delivery.json(), json!({
            "eventId": event_id, "eventType": "authorization.revoked", "occurredAt": "2025-06-15T15:06:40.000Z",
            "appId": "app_demo", "appScopedUserId": me["appScopedUserId"], "reason": "user_revoked",
        }));
        let header = |name: &str| delivery.headers[name].as_str();
        let seconds = (START / 1_000).to_string();
        assert_eq!((header("x-secondme-timestamp"), header("webhook-timestamp")), (seconds.as_str(), seconds.as_str()));
        assert_eq!((header("x-secondme-event"), header("content-type")), ("authorization.revoked", "application/json"));
        assert_eq!((header("x-secondme-event-id"), header("webhook-id")), (event_id.as_str(), event_id.as_str()));
        assert_eq!(header("x-secondme-signature"), ours(&secret, &seconds, &delivery.body));
        assert_eq!(header("webhook-signature"), standard(&secret, &event_id, &seconds, &delivery.body));
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 0, "once");
        let log = data(world.get(&format!("{APP}/webhook-deliveries"), ADA).await);
        assert_eq!((&log["list"][0]["status"], &log["list"][0]["attempts"], &log["list"][0]["payload"]), (&json!("delivered"), &json!(1), &delivery.json()));
        let attempts = data(world.get(&format!("{APP}/webhook-deliveries/{event_id}"), ADA).await);
        let attempt = &attempts["list"][0];
        assert_eq!((&attempt["statusCode"], &attempt["responseBody"], &attempt["url"]), (&json!(200), &json!("body"), &json!(receiver.url)));
        assert_eq!(attempt["requestHeaders"]["webhook-signature"], header("webhook-signature"));
        assert_eq!(data(world.get(APP, ADA).await)["recentDelivery"]["status"], "delivered");
    }

    async fn the_whole_schedule_of_three_days(db: TestDb) {
        let receiver = Receiver::new((0..13).map(|_| Say::status(500)).collect()).await;
        let world = world(db).await;
        listen(&world, &receiver).await;
        revoked(&world).await;
        let begun = Instant::now();
        let mut at = vec![];
        while at.len() < 20 && pending(&world).await.is_some() {
            let due = pending(&world).await.unwrap();
            world.clock.advance(due - world.app.now() - 1);
            assert_eq!(webhooks::step(&world.app).await.unwrap(), 0, "not a moment too early");
            world.clock.advance(1);
            assert_eq!(webhooks::step(&world.app).await.unwrap(), 1);
            at.push(world.app.now() - START);
        }
        assert!(begun.elapsed() < Duration::from_secs(if cfg!(debug_assertions) { 3 } else { 1 }), "{:?}", begun.elapsed());
        assert_eq!(at.len(), 13, "{at:?}");
        assert!((2 * DAY..4 * DAY).contains(at.last().unwrap()), "{at:?}");
        for (wait, planned) in at.windows(2).map(|pair| pair[1] - pair[0]).zip(&world.app.config().webhooks.retry_seconds) {
            assert!((wait - planned * 1_000).abs() <= planned * 100, "{wait} for {planned}");
        }
        let seen = receiver.seen();
        assert!(seen.iter().all(|delivery| delivery.body == seen[0].body), "the same event, to the byte");
        let stamps: std::collections::BTreeSet<&str> = seen.iter().map(|d| d.headers["webhook-signature"].as_str()).collect();
        assert_eq!(stamps.len(), 13, "signed anew each time");
        assert_eq!(state(&world).await, "failed");
        // Sent again by hand, it has all its attempts anew, and keeps its id.
        let event_id = seen[0].json()["eventId"].as_str().unwrap().to_owned();
        receiver.then(Say::status(503));
        data(world.post(&format!("{APP}/webhook-deliveries/{event_id}/resend"), ADA, &json!({})).await);
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 1);
        assert_eq!(state(&world).await, "pending");
        world.clock.advance(10_000);
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 1);
        assert_eq!(state(&world).await, "delivered");
        assert_eq!(receiver.seen().last().unwrap().body, seen[0].body);
        refused(&world.post(&format!("{APP}/webhook-deliveries/evt_none/resend"), ADA, &json!({})).await, 404, "resource.fetch.not_found");
    }

    async fn every_answer_has_its_consequence(db: TestDb) {
        let world = world(db).await;
        let retry_after = |code: u16, value: &str| Say::Status(code, format!("Retry-After: {value}\r\n"));
        for (say, state_after, wait) in [
            (Say::status(200), "delivered", None),
            (Say::status(204), "delivered", None),
            (Say::status(408), "pending", Some(5_000)),
            (retry_after(429, "120"), "pending", Some(120_000)),
            (retry_after(503, "Sun, 15 Jun 2025 15:16:40 GMT"), "pending", Some(600_000)),
            (Say::status(500), "pending", Some(5_000)),
            (Say::Hang, "pending", Some(5_000)),
            (Say::Close, "pending", Some(5_000)),
            (Say::status(400), "failed", None),
            (Say::status(404), "failed", None),
            (Say::Status(302, "Location: http://10.0.0.1/\r\n".into()), "failed", None),
            (Say::Status(307, "Location: /elsewhere\r\n".into()), "failed", None),
        ] {
            let receiver = Receiver::new(vec![say.clone()]).await;
            listen(&world, &receiver).await;
            revoked(&world).await;
            webhooks::step(&world.app).await.unwrap();
            assert_eq!(receiver.seen().len(), 1, "{say:?}");
            assert_eq!(state(&world).await, state_after, "{say:?}");
            if let Some(wait) = wait {
                let waits = pending(&world).await.unwrap() - world.app.now();
                assert!((waits - wait).abs() <= wait / 10, "{say:?}: {waits}");
            }
            settle(&world).await;
        }
    }

    async fn gone_switches_the_webhook_off(db: TestDb) {
        let (world, receiver) = (world(db).await, Receiver::new(vec![Say::status(410)]).await);
        listen(&world, &receiver).await;
        revoked(&world).await;
        webhooks::step(&world.app).await.unwrap();
        let detail = data(world.get(APP, ADA).await);
        assert_eq!((&detail["authorizationRevokedWebhookEnabled"], detail["authorizationRevokedWebhookDisabledReason"].is_string()), (&json!(false), true));
        revoked(&world).await;
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 0, "no event for who wants none");
        let on = data(world.post(&format!("{APP}/update"), ADA, &json!({"authorizationRevokedWebhookEnabled": true})).await);
        assert_eq!(on["authorizationRevokedWebhookDisabledReason"], Value::Null);
        assert!(on.get("authorizationRevokedWebhookSecret").is_none(), "the secret stays, and is not shown");
        revoked(&world).await;
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 1);
        assert_eq!(receiver.seen().len(), 2);
    }

    async fn a_hanging_receiver_delays_nobody(db: TestDb) {
        let world = World::with_config(db, |config| {
            config.webhooks.allow_private = true;
            config.webhooks.timeout_ms = 2_000;
        }).await;
        let quick = Receiver::new(vec![]).await;
        listen(&world, &quick).await;
        for n in 0..40 {
            let dead = Receiver::new(vec![Say::Hang; 20]).await;
            let made = data(world.post("applications/external/create", LIN, &json!({
                "appName": format!("Dead {n}"), "redirectUris": ["http://localhost/cb"], "allowedScopes": ["chat"],
                "authorizationRevokedWebhookUrl": dead.url, "authorizationRevokedWebhookEnabled": true,
            })).await);
            let app_id = made["appId"].as_str().unwrap();
            let mut tx = world.app.store().write().await.unwrap();
            webhooks::announce_in(&world.app, &mut tx, app_id, "asu_x").await.unwrap();
            tx.commit().await.unwrap();
        }
        revoked(&world).await;
        let stepping = world.app.clone();
        let begun = Instant::now();
        world.app.spawn(async move { webhooks::step(&stepping).await.map(drop).unwrap() });
        while quick.seen().is_empty() {
            assert!(begun.elapsed() < Duration::from_millis(1_500), "the quick receiver waits for the dead ones");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn during_a_rotation_both_secrets_sign(db: TestDb) {
        let (world, receiver) = (world(db).await, Receiver::new(vec![]).await);
        let old = listen(&world, &receiver).await;
        let rotated = data(world.post(&format!("{APP}/rotate-webhook-secret"), ADA, &json!({"overlapSeconds": 60})).await);
        let new = rotated["authorizationRevokedWebhookSecret"].as_str().unwrap().to_owned();
        assert_eq!(rotated["authorizationRevokedWebhookStandardSecret"], format!("whsec_{}", &new["whs_".len()..]));
        assert_ne!(new, old);
        for (wait, signers) in [(0, vec![&new, &old]), (60_000, vec![&new])] {
            world.clock.advance(wait);
            revoked(&world).await;
            webhooks::step(&world.app).await.unwrap();
            let delivery = receiver.seen().pop().unwrap();
            let (id, at) = (&delivery.headers["webhook-id"], &delivery.headers["webhook-timestamp"]);
            let expected: Vec<String> = signers.iter().map(|secret| standard(secret, id, at, &delivery.body)).collect();
            assert_eq!(delivery.headers["webhook-signature"], expected.join(" "));
            assert_eq!(delivery.headers["x-secondme-signature"], ours(&new, at, &delivery.body));
            let previous = delivery.headers.get("x-secondme-signature-previous").cloned();
            assert_eq!(previous, (signers.len() == 2).then(|| ours(&old, at, &delivery.body)));
        }
    }

    async fn a_test_delivery_touches_no_authorization(db: TestDb) {
        let (world, receiver) = (world(db).await, Receiver::new(vec![Say::status(200), Say::status(500)]).await);
        listen(&world, &receiver).await;
        world.connect(ADA, &["chat"]).await;
        let test = format!("{APP}/test-revocation-webhook");
        let result = data(world.post(&test, ADA, &json!({})).await);
        assert_eq!((&result["success"], &result["statusCode"], &result["responseBody"]), (&json!(true), &json!(200), &json!("body")));
        assert_eq!(result["payload"], receiver.seen()[0].json());
        let payload = &result["payload"];
        assert!(payload["eventId"].as_str().unwrap().starts_with("evt_test_"));
        assert_eq!((payload["appScopedUserId"].as_str(), payload["reason"].as_str()), (Some("asu_test_delivery"), Some("test_delivery")));
        let failed = data(world.post(&test, ADA, &json!({})).await);
        assert_eq!((&failed["success"], &failed["statusCode"]), (&json!(false), &json!(500)));
        world.clock.advance(DAY);
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 0, "a test is not retried");
        let other = Receiver::new(vec![]).await;
        data(world.post(&test, ADA, &json!({"webhookUrl": other.url, "webhookSecret": "a secret of our own".replace(' ', "-")})).await);
        let delivery = other.seen().remove(0);
        assert_eq!(delivery.headers["x-secondme-signature"], ours("a-secret-of-our-own", &delivery.headers["webhook-timestamp"], &delivery.body));
        assert_eq!(data(world.get("authorizations", ADA).await)["total"], 1);
        let refused_url = json!({"webhookUrl": "ftp://example.org/"});
        refused(&world.post(&test, ADA, &refused_url).await, 400, "invalid.param");
        for _ in 0..9 {
            data(world.post(&test, ADA, &json!({"webhookUrl": other.url})).await);
        }
        refused(&world.post(&test, ADA, &json!({})).await, 429, "request.rate.limited");
    }

    async fn private_receivers_are_refused_unless_allowed(db: TestDb) {
        let receiver = Receiver::new(vec![]).await;
        let world = World::new(db).await;
        let port = receiver.url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
        // A name passes when it is saved, and is refused when it is resolved.
        let url = format!("http://localhost:{port}/hook");
        let change = json!({"authorizationRevokedWebhookUrl": url, "authorizationRevokedWebhookEnabled": true});
        data(world.post(&format!("{APP}/update"), ADA, &change).await);
        revoked(&world).await;
        webhooks::step(&world.app).await.unwrap();
        assert_eq!((state(&world).await, receiver.seen().len()), ("failed".to_owned(), 0));
        let result = data(world.post(&format!("{APP}/test-revocation-webhook"), ADA, &json!({})).await);
        assert!(result["errorMessage"].as_str().unwrap().contains("private network") && result["statusCode"].is_null());
    }

    async fn nothing_is_sent_for_what_was_not_committed(db: TestDb) {
        let (world, receiver) = (world(db).await, Receiver::new(vec![]).await);
        listen(&world, &receiver).await;
        let mut tx = world.app.store().write().await.unwrap();
        webhooks::announce_in(&world.app, &mut tx, "app_demo", "asu_x").await.unwrap();
        drop(tx);
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 0);
    }

    async fn secrets_of_webhooks_are_sealed_in_the_database(db: TestDb) {
        let (world, receiver) = (world(db).await, Receiver::new(vec![]).await);
        let secret = listen(&world, &receiver).await;
        let sql = secondme_store::sql!("SELECT secret FROM webhooks");
        let rows = world.app.store().all(sql, secondme_store::params![]).await.unwrap();
        let stored: Vec<u8> = rows[0].get("secret").unwrap();
        let raw = STANDARD.decode(&secret["whs_".len()..]).unwrap();
        assert!(!stored.windows(8).any(|part| secret.as_bytes().starts_with(part) || raw.starts_with(part)));
    }
}

async fn world(db: TestDb) -> World {
    World::with_config(db, |config| {
        config.webhooks.allow_private = true;
        config.webhooks.timeout_ms = 300;
    })
    .await
}

/// Has the demo app's events sent to a receiver; its secret, which is the same after the first time.
async fn listen(world: &World, receiver: &Receiver) -> String {
    let change = json!({"authorizationRevokedWebhookUrl": receiver.url, "authorizationRevokedWebhookEnabled": true});
    let saved = data(world.post(&format!("{APP}/update"), ADA, &change).await);
    saved["authorizationRevokedWebhookSecret"].as_str().unwrap_or_default().to_owned()
}

async fn revoked(world: &World) {
    world.connect(ADA, &["chat"]).await;
    assert!(authorizations::revoke(&world.app, 1, "app_demo").await.unwrap());
}

/// The state of the newest event.
async fn state(world: &World) -> String {
    let log = data(world.get(&format!("{APP}/webhook-deliveries?page_size=1"), ADA).await);
    log["list"][0]["status"].as_str().unwrap().to_owned()
}

/// When the pending event is due.
async fn pending(world: &World) -> Option<i64> {
    let sql = secondme_store::sql!("SELECT next_at FROM webhook_events WHERE state = 'pending'");
    world.app.store().opt(sql, secondme_store::params![]).await.unwrap().map(|row| row.get("next_at").unwrap())
}

/// Gives up what is still pending, and lets time pass so that the next event is the newest.
async fn settle(world: &World) {
    let mut tx = world.app.store().write().await.unwrap();
    let sql = secondme_store::sql!(
        "UPDATE webhook_events SET state = 'failed', finished_at = created_at WHERE state = 'pending'"
    );
    tx.run(sql, secondme_store::params![]).await.unwrap();
    tx.commit().await.unwrap();
    world.clock.advance(1);
}

fn ours(secret: &str, timestamp: &str, body: &str) -> String {
    format!("sha256={}", hex::encode(hmac_sha256(secret.as_bytes(), format!("{timestamp}.{body}").as_bytes())))
}

fn standard(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(&secret["whs_".len()..]).unwrap();
    format!("v1,{}", STANDARD.encode(hmac_sha256(&key, format!("{id}.{timestamp}.{body}").as_bytes())))
}
