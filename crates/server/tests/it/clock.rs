//! This machine's clock jumps: forwards by a year, and back. Nothing is lost, nobody waits for a year, and what was used once
//! cannot be used again.

use secondme_jobs::{NewJob, enqueue};
use secondme_server::access::Kind;
use secondme_server::demo;
use secondme_server::http::peer::Peer;
use secondme_server::oauth::{housekeeping, webhooks};
use secondme_server::platform::clock::{Watch, jumps};
use secondme_server::users::accounts;
use secondme_store::{params, sql};
use serde_json::json;

use crate::harness::{ADA, LIN, Receiver, Socket, TestDb, World, assembled, both, cursors, data, refused};

const YEAR: i64 = 365 * 86_400_000;
const HOUR: i64 = 3_600_000;

async fn chat_texts(world: &World, session: &str) -> Vec<String> {
    let history = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), ADA).await);
    let list = history["messages"].as_array().unwrap().clone();
    list.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

both! {
    async fn tokens_end_early_and_come_back_with_the_clock(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "userinfo").await;
        data(world.get("secondme/user/info", &token).await);
        world.clock.advance(2 * HOUR);
        refused(&world.get("secondme/user/info", &token).await, 401, "oauth2.token.expired");
        // What ended is kept for a week, by the same clock: a jump of hours deletes nothing.
        housekeeping::reclaim(&world.app).await.unwrap();
        world.clock.advance(-2 * HOUR);
        data(world.get("secondme/user/info", &token).await);
        // Back, by far: what was made later is good now.
        world.clock.advance(-YEAR);
        data(world.get("secondme/user/info", &token).await);
        // A token of the clock that was behind lives as long as it should from then.
        let (access, refresh) = world.connect(LIN, &["userinfo"]).await;
        world.clock.advance(YEAR);
        refused(&world.get("secondme/user/info", &access).await, 401, "oauth2.token.expired");
        let client = [("client_id", demo::CLIENT_ID), ("client_secret", demo::CLIENT_SECRET)];
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), client[0], client[1]];
        refused(&world.form("oauth/token/refresh", &form).await, 401, "oauth2.refresh_token.expired");
    }

    async fn a_code_is_used_once_whatever_the_clock_says(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"clientId": demo::CLIENT_ID, "redirectUri": demo::REDIRECT_URI, "scope": ["userinfo"]});
        let code = data(world.post("oauth/authorize/external", ADA, &body).await)["code"].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", demo::REDIRECT_URI),
            ("client_id", demo::CLIENT_ID),
            ("client_secret", demo::CLIENT_SECRET),
        ];
        data(world.form("oauth/token/code", &form).await);
        for jump in [-YEAR, -HOUR, YEAR, HOUR] {
            world.clock.advance(jump);
            let (status, again) = world.form("oauth/token/code", &form).await;
            assert_eq!(status, 400, "{jump}: {again}");
        }
    }

    async fn a_revocation_stays_one(db: TestDb) {
        let world = World::new(db).await;
        let (access, _) = world.connect(ADA, &["userinfo"]).await;
        data(world.post("authorizations/app_demo/revoke", ADA, &json!({})).await);
        // By a clock that says that it has not happened yet.
        world.clock.advance(-YEAR);
        refused(&world.get("secondme/user/info", &access).await, 401, "oauth2.authorization.revoked");
    }

    async fn what_is_said_keeps_its_order_and_its_own_id(db: TestDb) {
        let world = World::new(db).await;
        let session = "labs_sess_c10cc10cc10c";
        let mut notes = std::collections::BTreeSet::new();
        let mut said = Vec::new();
        for (n, jump) in [0, HOUR, -YEAR, 5, YEAR, -HOUR].into_iter().enumerate() {
            world.clock.advance(jump);
            world.chat(ADA, &json!({"message": format!("m{n}"), "sessionId": session})).await;
            said.extend([format!("m{n}"), format!("You said: m{n}")]);
            assert_eq!(chat_texts(&world, session).await, said, "after a jump of {jump}");
            let note = data(world.post("secondme/note/add", ADA, &json!({"memoryType": "TEXT", "content": format!("n{n}")})).await);
            assert!(notes.insert(note["noteId"].as_i64().unwrap()), "{note}");
        }
    }

    async fn a_conversation_goes_on_after_a_holder_whose_clock_was_ahead(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        data(world.say(&token, &session, "first").await);
        let mut frames = socket.replies(1).await;
        // A node died in the middle of an answer when its clock was a year ahead.
        let mut tx = world.app.store().write().await.unwrap();
        let hold = sql!("UPDATE visitor_sessions SET answering = 'dead', answering_until = $2 WHERE session_id = $1");
        let id = session["sessionId"].as_str().unwrap();
        assert_eq!(tx.run(hold, params![id, world.app.now() + YEAR]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        data(world.say(&token, &session, "second").await);
        frames.extend(socket.replies(1).await);
        for (n, jump) in [-YEAR, HOUR, -2 * HOUR].into_iter().enumerate() {
            world.clock.advance(jump);
            data(world.say(&token, &session, &format!("jump {n}")).await);
            frames.extend(socket.replies(1).await);
        }
        let texts = ["first", "second", "jump 0", "jump 1", "jump 2"].map(|text| format!("You said: {text}"));
        assert_eq!(assembled(&frames), texts);
        let numbers = cursors(&frames);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }

    async fn a_lease_of_a_neighbour_whose_clock_is_a_little_ahead_is_left_to_it(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut tx = world.app.store().write().await.unwrap();
        let hold = sql!("UPDATE visitor_sessions SET answering = 'alive', answering_until = $2 WHERE session_id = $1");
        let id = session["sessionId"].as_str().unwrap();
        tx.run(hold, params![id, world.app.now() + 60_000]).await.unwrap();
        tx.commit().await.unwrap();
        data(world.say(&token, &session, "hello").await);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let held = sql!("SELECT answering FROM visitor_sessions WHERE session_id = $1");
        let holder: Option<String> = world.app.store().opt(held, params![id]).await.unwrap().unwrap().get("answering").unwrap();
        assert_eq!(holder.as_deref(), Some("alive"));
    }

    async fn events_of_a_clock_that_was_ahead_are_delivered(db: TestDb) {
        let world = World::with_config(db, |config| config.webhooks.allow_private = true).await;
        let receiver = Receiver::new(vec![]).await;
        let hook = json!({"authorizationRevokedWebhookUrl": receiver.url, "authorizationRevokedWebhookEnabled": true});
        data(world.post("applications/external/app_demo/update", ADA, &hook).await);
        world.connect(ADA, &["chat"]).await;
        world.clock.advance(YEAR);
        data(world.post("authorizations/app_demo/revoke", ADA, &json!({})).await);
        world.clock.advance(-YEAR);
        assert_eq!(webhooks::step(&world.app).await.unwrap(), 1);
        assert_eq!(receiver.seen().len(), 1);
    }

    async fn who_was_locked_out_by_a_clock_ahead_is_let_in(db: TestDb) {
        let world = World::with_config(db, |config| config.accounts.failures_before_delay = 2).await;
        let peer = Peer { addr: Some(std::net::Ipv4Addr::LOCALHOST.into()), forwarded: false };
        let log_in = async |password: &str| accounts::authenticate(&world.app, "ada@demo.local", password, peer).await;
        world.clock.advance(YEAR);
        for _ in 0..3 {
            log_in("wrong").await.unwrap_err();
        }
        log_in("demo-password").await.expect_err("by the clock of then there is a wait");
        world.clock.advance(-YEAR);
        assert_eq!(log_in("demo-password").await.unwrap(), 1);
    }

    async fn limits_make_nobody_wait_longer_than_a_minute(db: TestDb) {
        let world = World::with_config(db, |config| {
            config.server.trusted_proxies = vec!["127.0.0.1".to_owned()];
            config.limits.address_per_minute = 3;
        })
        .await;
        let ask = async || {
            let request = world.request(reqwest::Method::GET, "secondme/user/info", "lba_at_wrong").header("X-Forwarded-For", "1.1.1.1");
            request.send().await.unwrap()
        };
        for _ in 0..3 {
            assert_eq!(ask().await.status(), 401);
        }
        world.clock.advance(-YEAR);
        let waits = ask().await;
        assert_eq!(waits.status(), 429);
        assert_eq!(waits.headers()["retry-after"], "20");
        world.clock.advance(20_000);
        assert_eq!(ask().await.status(), 401, "it was looked at");
    }

    async fn a_year_too_far_deletes_nothing_that_users_made(db: TestDb) {
        let world = World::new(db).await;
        world.remember().await;
        world.chat(ADA, &json!({"message": "kept", "sessionId": "labs_sess_c10cc10cc10d"})).await;
        let owned = async || {
            let mut counts = Vec::new();
            for (name, count) in [
                ("notes", sql!("SELECT COUNT(*) AS n FROM notes")),
                ("key_memories", sql!("SELECT COUNT(*) AS n FROM key_memories")),
                ("memory_events", sql!("SELECT COUNT(*) AS n FROM memory_events")),
                ("chat_messages", sql!("SELECT COUNT(*) AS n FROM chat_messages")),
                ("users", sql!("SELECT COUNT(*) AS n FROM users")),
                ("authorizations", sql!("SELECT COUNT(*) AS n FROM authorizations")),
            ] {
                let row = world.app.store().opt(count, params![]).await.unwrap().unwrap();
                counts.push((name, row.get::<i64>("n").unwrap()));
            }
            counts
        };
        while world.run_jobs().await > 0 {}
        let before = owned().await;
        assert!(before.iter().all(|(name, n)| *n > 0 || *name == "authorizations"), "{before:?}");
        world.clock.advance(2 * YEAR);
        // All housekeeping there is.
        for _ in 0..5 {
            world.run_jobs().await;
        }
        world.clock.advance(-2 * YEAR);
        for _ in 0..5 {
            world.run_jobs().await;
        }
        let after = owned().await;
        for (before, after) in before.iter().zip(&after) {
            assert!(after.1 >= before.1, "{before:?} became {after:?}");
        }
        assert_eq!(chat_texts(&world, "labs_sess_c10cc10cc10d").await, ["kept", "You said: kept"]);
    }

    async fn jobs_of_kinds_that_only_newer_versions_know_wait_for_them(db: TestDb) {
        let world = World::new(db).await;
        let mut tx = world.app.store().write().await.unwrap();
        let job = NewJob { kind: "future.kind", payload: json!({}), run_at: world.app.now(), dedupe: None };
        enqueue(&mut tx, job, world.app.now()).await.unwrap();
        tx.commit().await.unwrap();
        world.run_jobs().await;
        let counts = secondme_jobs::counts(world.app.store()).await.unwrap();
        let waiting = counts.iter().find(|c| c.kind == "future.kind").unwrap();
        assert_eq!((waiting.pending, waiting.running, waiting.dead), (1, 0, 0));
    }

    async fn a_jump_is_told(db: TestDb) {
        let world = World::new(db).await;
        let before = jumps();
        let mut watch = Watch::new(&world.app);
        world.clock.advance(YEAR);
        assert!(watch.look(&world.app).is_some_and(|by| (YEAR - 2_000..=YEAR).contains(&by)));
        world.clock.advance(-YEAR);
        assert!(watch.look(&world.app).is_some_and(|by| (-YEAR - 2_000..=-YEAR).contains(&by)));
        assert!(jumps() >= before + 2);
        let metrics = world.http.get(format!("{}/metrics", world.url)).send().await.unwrap().text().await.unwrap();
        assert!(metrics.lines().any(|line| line.starts_with("secondme_clock_jumps_total ")), "{metrics}");
    }
}
