//! What visitors may use, and what they are told when it is used up.

use secondme_server::access::Kind;
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, LIN, TestDb, World, both, data, refused};

/// Refused with 429 and `Retry-After` in these seconds.
async fn retry_after(world: &World, token: &str, session: &Value, sub_code: &str) -> i64 {
    let body = json!({"sessionId": session["sessionId"], "apiKey": AVATAR_KEY, "message": "hi"});
    let response =
        world.request(reqwest::Method::POST, "secondme/visitor-chat/send", token).json(&body).send().await.unwrap();
    let seconds = response.headers().get("retry-after").unwrap().to_str().unwrap().parse().unwrap();
    refused(&crate::harness::answer(response).await, 429, sub_code);
    seconds
}

async fn monetize(world: &World, monetization: Value) {
    data(world.post("secondme/avatar/update", ADA, &json!({"avatarId": 1, "monetization": monetization})).await);
}

both! {
    async fn each_visitor_has_so_many_messages_a_minute(db: TestDb) {
        let world = World::with_config(db, |c| c.visitor.visitor_per_minute = 3).await;
        let token = world.app_token().await;
        let (one, two) = (world.visit(&token, "one").await, world.visit(&token, "two").await);
        for _ in 0..3 {
            data(world.say(&token, &one, "hi").await);
        }
        // The story begins 40 seconds into a minute.
        assert_eq!(retry_after(&world, &token, &one, "request.rate.limited").await, 20);
        data(world.say(&token, &two, "hi").await);
        world.clock.advance(20_000);
        data(world.say(&token, &one, "hi").await);
    }

    async fn an_app_and_an_avatar_have_limits_of_their_own(db: TestDb) {
        let world = World::with_config(db, |c| {
            c.visitor.app_per_minute = 2;
            c.visitor.avatar_per_minute = 4;
            c.visitor.inits_per_minute = 3;
        })
        .await;
        let token = world.app_token().await;
        let sessions = [world.visit(&token, "a").await, world.visit(&token, "b").await, world.visit(&token, "c").await];
        let init = json!({"apiKey": AVATAR_KEY, "visitorId": "d"});
        refused(&world.post("secondme/visitor-chat/init", &token, &init).await, 429, "request.rate.limited");
        data(world.say(&token, &sessions[0], "hi").await);
        data(world.say(&token, &sessions[1], "hi").await);
        retry_after(&world, &token, &sessions[2], "request.rate.limited").await;
        // Lin comes without an app, but the avatar has had enough soon, too.
        let lin = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": AVATAR_KEY})).await);
        data(world.say(LIN, &lin, "hi").await);
        data(world.say(LIN, &lin, "hi").await);
        retry_after(&world, LIN, &lin, "request.rate.limited").await;
    }

    async fn quotas_follow_who_pays(db: TestDb) {
        let world = World::with_config(db, |c| {
            c.visitor.free_anonymous_per_day = 1;
            c.visitor.free_user_per_day = 2;
            c.visitor.sponsored_per_day = 3;
        })
        .await;
        let token = world.app_token().await;
        let (one, two) = (world.visit(&token, "one").await, world.visit(&token, "two").await);
        let lin = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": AVATAR_KEY})).await);
        data(world.say(&token, &one, "hi").await);
        let wait = retry_after(&world, &token, &one, "visitor_chat.quota_exhausted").await;
        assert!((1..=86_400).contains(&wait));
        data(world.say(&token, &two, "hi").await);
        data(world.say(LIN, &lin, "hi").await);
        data(world.say(LIN, &lin, "hi").await);
        retry_after(&world, LIN, &lin, "visitor_chat.quota_exhausted").await;
        // The owner pays: one quota for all.
        monetize(&world, json!({"accessType": "SPONSORED", "accessScope": "PUBLIC"})).await;
        for (token, session) in [(token.as_str(), &one), (token.as_str(), &two), (LIN, &lin)] {
            data(world.say(token, session, "hi").await);
        }
        retry_after(&world, &token, &one, "visitor_chat.quota_exhausted").await;
        world.clock.advance(86_400_000);
        let token = world.mint(Kind::App, "chat.write").await;
        refused(&world.say(&token, &one, "hi").await, 401, "oauth2.token.expired");
        data(world.say(LIN, &lin, "hi").await);
    }

    async fn a_paid_avatar_gives_its_trial_messages_and_no_more(db: TestDb) {
        let world = World::new(db).await;
        let sql = secondme_store::sql!("INSERT INTO avatar_contracts (user_id, status, updated_at) VALUES (1, 'SIGNED', 0)");
        let mut tx = world.app.store().write().await.unwrap();
        tx.run(sql, secondme_store::params![]).await.unwrap();
        tx.commit().await.unwrap();
        monetize(&world, json!({"accessType": "PAID", "currency": "CNY", "yearPriceUnitAmount": 9_900_000, "yearReplyQuota": 1000,
            "freeChatCount": 2, "agreementAccepted": true})).await;
        let lin = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": AVATAR_KEY})).await);
        data(world.say(LIN, &lin, "one").await);
        data(world.say(LIN, &lin, "two").await);
        refused(&world.say(LIN, &lin, "three").await, 403, "avatar.unlock.required");
        world.clock.advance(40 * 86_400_000);
        refused(&world.say(LIN, &lin, "three").await, 403, "avatar.unlock.required");
        let body = json!({"message": "hello", "shareCode": "ada000000001"});
        refused(&world.post("secondme/ws-chat/send", LIN, &body).await, 403, "avatar.unlock.required");
        // The owner pays nobody.
        assert_eq!(data(world.post("secondme/ws-chat/send", ADA, &body).await)["replyText"], "You said: hello");
    }
}
