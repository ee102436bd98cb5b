//! What came of an avatar's conversations: interactions, the dashboard, the export (contract 17.10 to 17.12).

use std::sync::Arc;

use reqwest::Method;
use secondme_jobs::Runner;
use secondme_server::avatars::export::jobs::Exporting;
use secondme_server::avatars::housekeeping;
use secondme_server::avatars::interactions::{self, Conversation, Sender};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, START, TestDb, World, both, data, refused};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn talk<'a>(session_id: &'a str, visitor: &'a str, visitor_name: &'a str) -> Conversation<'a> {
    Conversation { user_id: 1, avatar_id: 1, session_id, visitor, visitor_name }
}

async fn visit(world: &World, conversation: &Conversation<'_>, at: i64) {
    let mut tx = world.app.store().write().await.unwrap();
    interactions::visit(&mut tx, conversation, at).await.unwrap();
    tx.commit().await.unwrap();
}

async fn say(world: &World, conversation: &Conversation<'_>, sender: Sender, content: &str, at: i64) {
    let mut tx = world.app.store().write().await.unwrap();
    interactions::record(&mut tx, conversation, sender, content, at).await.unwrap();
    tx.commit().await.unwrap();
}

async fn dashboard(world: &World, query: &str) -> Value {
    data(world.get(&format!("secondme/avatar/dashboard?avatarId=1{query}"), ADA).await)
}

async fn run_jobs(world: &World) -> usize {
    let app = world.app.clone();
    let runner = Runner::new(
        app.store().clone(),
        app.clock(),
        app.entropy().clone(),
        vec![Arc::new(Exporting(app.clone()))],
        vec![],
    );
    runner.step().await.unwrap()
}

async fn export(world: &World, body: Value) -> (String, Value) {
    let begun = data(world.post("secondme/avatar/conversations/export", ADA, &body).await);
    let id = begun["jobId"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let pending = data(world.get(&format!("secondme/avatar/conversations/export/{id}"), ADA).await);
    assert_eq!(
        pending,
        json!({"jobId": id, "status": "PENDING", "downloadUrl": null, "expiresAt": null, "fileName": null, "truncated": false, "messageCount": 0})
    );
    assert_eq!(run_jobs(world).await, 1);
    let done = data(world.get(&format!("secondme/avatar/conversations/export/{id}"), ADA).await);
    (id, done)
}

both! {
    async fn interactions_tell_who_came_and_what_for(db: TestDb) {
        let world = World::new(db).await;
        let john = talk("s1", "a:app_demo:john", "John(Demo App)");
        visit(&world, &john, START).await;
        say(&world, &john, Sender::Visitor, &format!("Hello\n  there {}", "x".repeat(200)), START + 1_000).await;
        say(&world, &john, Sender::Avatar, "Hi John", START + 2_000).await;
        say(&world, &john, Sender::Owner, "It is me", START + 63_500).await;
        visit(&world, &talk("s2", "u:2", "Lin(Demo App)"), START + 64_000).await;
        let list = data(world.get("secondme/avatar/1/interactions", ADA).await);
        let rows = list.as_array().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], json!({"id": rows[0]["id"], "visitorName": "Lin(Demo App)", "messageCount": 0, "durationSeconds": 0, "summary": "", "createdAt": "2025-06-15 15:07:44"}));
        let summary = rows[1]["summary"].as_str().unwrap();
        assert!(summary.starts_with("Hello there xxx") && summary.ends_with('…') && summary.chars().count() == 120);
        assert_eq!(rows[1], json!({"id": rows[1]["id"], "visitorName": "John(Demo App)", "messageCount": 3, "durationSeconds": 62, "summary": summary, "createdAt": "2025-06-15 15:06:40"}));
        assert_eq!(data(world.get("secondme/avatar/1/interactions?pageNo=2&pageSize=1", ADA).await), json!([rows[1]]));
        refused(&world.get("secondme/avatar/1/interactions", LIN).await, 404, "avatar.fetch.failed");
        // The avatar's answers are its usage; conversations show in the public face.
        assert_eq!(data(world.get("secondme/avatar/detail?avatarId=1", ADA).await)["usageCount"], 1);
        assert_eq!(data(world.get("secondme/avatar/public/ada000000001", ADA).await)["interactionCount"], 2);
    }

    async fn the_dashboard_counts_in_the_owners_days(db: TestDb) {
        let world = World::new(db).await;
        // START is 23:06:40 in Shanghai. Two days ago John came and talked; today he came back, and Lin came for the first time
        // before midnight and said three things after it.
        let (john, lin) = (talk("s1", "john", "John"), talk("s2", "lin", "Lin"));
        say(&world, &john, Sender::Visitor, "a", START - 2 * DAY).await;
        say(&world, &john, Sender::Avatar, "b", START - 2 * DAY + 500).await;
        visit(&world, &john, START).await;
        visit(&world, &lin, START).await;
        for n in 1..4 {
            say(&world, &lin, Sender::Visitor, "c", START + HOUR + n).await;
        }
        world.clock.advance(2 * HOUR);
        let day = dashboard(&world, "").await;
        assert_eq!(day["summary"], json!({"uniqueVisitorCount": 2, "messageUserCount": 2, "messageConversionRateBp": 10_000, "messageCount": 4,
            "paidUserCount": 0, "paidOrderCount": 0, "grossIncomeUnitAmount": 0}));
        assert_eq!((&day["avatarId"], &day["avatarTitle"], &day["accessType"], &day["interval"], &day["dataUpdatedAt"]),
            (&json!(1), &json!("Ada"), &json!("FREE"), &json!("day"), &json!(START + 2 * HOUR)));
        let trend = day["trend"].as_array().unwrap();
        let busy: Vec<&Value> = trend.iter().filter(|b| b["newUserCount"] != 0 || b["returningUserCount"] != 0).collect();
        let midnight = 1_750_003_200_000i64;
        assert_eq!(busy[1], &json!({"bucketStart": midnight - DAY, "bucketEnd": midnight, "label": "2025-06-15", "newUserCount": 1, "returningUserCount": 1,
            "messageUserCount": 0, "messageCount": 0, "avgMessageCount": 0.0, "paidOrderCount": 0, "grossIncomeUnitAmount": 0}));
        assert_eq!(busy[2], &json!({"bucketStart": midnight, "bucketEnd": START + 2 * HOUR + 1, "label": "2025-06-16", "newUserCount": 0, "returningUserCount": 1,
            "messageUserCount": 1, "messageCount": 3, "avgMessageCount": 3.0, "paidOrderCount": 0, "grossIncomeUnitAmount": 0}));
        assert_eq!((busy.len(), &busy[0]["label"], &busy[0]["newUserCount"]), (3, &json!("2025-06-13"), &json!(1)));
        assert!(trend.windows(2).all(|pair| pair[0]["bucketEnd"] == pair[1]["bucketStart"]));
        assert_eq!(trend.iter().map(|b| b["messageCount"].as_i64().unwrap()).sum::<i64>(), 4);
        // In UTC everything of today happened on one day.
        let utc = dashboard(&world, "&timezone=UTC").await;
        let last = utc["trend"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["newUserCount"], &last["returningUserCount"], &last["messageCount"]), (&json!(1), &json!(1), &json!(3)));
        let hours = dashboard(&world, &format!("&from={START}&to={}", START + 2 * HOUR)).await;
        assert_eq!((&hours["interval"], hours["trend"].as_array().unwrap().len()), (&json!("hour"), 3));
        assert_eq!(hours["summary"]["messageConversionRateBp"], 5_000);
        for (interval, from) in [("week", START - 100 * DAY), ("month", START - 1_000 * DAY)] {
            assert_eq!(dashboard(&world, &format!("&from={from}")).await["interval"], interval);
            assert_eq!(dashboard(&world, &format!("&from={from}&interval={interval}")).await["summary"]["messageCount"], 4);
        }
        for query in ["&interval=year", "&timezone=Mars/Base", "&from=10&to=5", "&from=-1", "&from=1&interval=hour"] {
            refused(&world.get(&format!("secondme/avatar/dashboard?avatarId=1{query}"), ADA).await, 400, "invalid.param");
        }
        refused(&world.get("secondme/avatar/dashboard", ADA).await, 400, "invalid.param");
        refused(&world.get("secondme/avatar/dashboard?avatarId=1", LIN).await, 404, "avatar.fetch.failed");
    }

    async fn the_export_is_a_file_behind_a_signed_link_that_expires(db: TestDb) {
        let world = World::new(db).await;
        let john = talk("s1", "john", "=John(App)");
        say(&world, &john, Sender::Visitor, "too old", START - 30 * DAY - 1).await;
        say(&world, &john, Sender::Visitor, "=HYPERLINK(\"http://evil\")", START - DAY).await;
        say(&world, &john, Sender::Avatar, "Line one,\n\"line two\"", START - DAY + 1_000).await;
        let (id, done) = export(&world, json!({"avatarId": 1})).await;
        assert_eq!((&done["status"], &done["messageCount"], &done["truncated"]), (&json!("SUCCEEDED"), &json!(2), &json!(false)));
        assert_eq!((&done["fileName"], &done["expiresAt"]), (&json!("Ada_聊天记录_20250615.csv"), &json!(START + 1_800_000)));
        let url = done["downloadUrl"].as_str().unwrap();
        let response = world.http.get(url).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.contains("filename*=UTF-8''Ada_%E8%81%8A"), "{disposition}");
        let text = String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap();
        assert_eq!(text, "\u{feff}\"会话 ID\",\"访客\",\"发送者\",\"时间\",\"消息内容\",\"消息 ID\"\r\n\
            \"s1\",\"'=John(App)\",\"访客\",\"2025-06-14 23:06:40\",\"'=HYPERLINK(\"\"http://evil\"\")\",\"2\"\r\n\
            \"s1\",\"'=John(App)\",\"分身\",\"2025-06-14 23:06:41\",\"Line one,\n\"\"line two\"\"\",\"3\"\r\n");
        // Nobody else's, and nothing that was not signed.
        refused(&world.get(&format!("secondme/avatar/conversations/export/{id}"), LIN).await, 404, "avatar.fetch.failed");
        for (from, to) in [("signature=", "signature=0"), ("expires=", "expires=9"), (&id[..4], "0000")] {
            let answer = world.http.request(Method::GET, url.replacen(from, to, 1)).send().await.unwrap();
            refused(&crate::harness::answer(answer).await, 403, "avatar.export.link_invalid");
        }
        world.clock.advance(1_800_000);
        refused(&crate::harness::answer(world.http.get(url).send().await.unwrap()).await, 410, "avatar.export.link_expired");
        let again = data(world.get(&format!("secondme/avatar/conversations/export/{id}"), ADA).await);
        assert_eq!(world.http.get(again["downloadUrl"].as_str().unwrap()).send().await.unwrap().status(), 200);
        world.clock.advance(DAY);
        refused(&world.get(&format!("secondme/avatar/conversations/export/{id}"), ADA).await, 404, "avatar.fetch.failed");
    }

    async fn an_export_that_is_too_long_keeps_the_newest(db: TestDb) {
        let world = World::with_config(db, |config| config.avatars.export_max_messages = 2).await;
        for n in 0..3 {
            say(&world, &talk("s1", "john", "John"), Sender::Visitor, &format!("message {n}"), START - 10 + n).await;
        }
        let (_, done) = export(&world, json!({"avatarId": 1, "appLanguage": "en", "timezone": "Europe/Berlin"})).await;
        assert_eq!((&done["messageCount"], &done["truncated"], &done["fileName"]), (&json!(2), &json!(true), &json!("Ada_conversations_20250615.csv")));
        let text = world.http.get(done["downloadUrl"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("\"Visitor\"") && text.contains("2025-06-15 17:06:39"), "{text}");
        let at = |n: i32| text.find(&format!("message {n}"));
        assert!(at(0).is_none() && at(1) < at(2) && at(1).is_some());
        refused(&world.post("secondme/avatar/conversations/export", ADA, &json!({"avatarId": 1, "timezone": "Mars"})).await, 400, "invalid.param");
        refused(&world.post("secondme/avatar/conversations/export", ADA, &json!({})).await, 400, "invalid.param");
        refused(&world.post("secondme/avatar/conversations/export", LIN, &json!({"avatarId": 1})).await, 404, "avatar.fetch.failed");
    }

    async fn what_no_export_reaches_is_reclaimed(db: TestDb) {
        let world = World::new(db).await;
        let john = talk("s1", "john", "John");
        say(&world, &john, Sender::Visitor, "old", START).await;
        export(&world, json!({"avatarId": 1})).await;
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 0);
        world.clock.advance(DAY);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 1, "the exported file");
        world.clock.advance(31 * DAY);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 1, "the message");
        assert_eq!(dashboard(&world, &format!("&from={}", START - DAY)).await["summary"]["messageCount"], 1);
        assert_eq!(data(world.get("secondme/avatar/1/interactions", ADA).await)[0]["messageCount"], 1);
        world.clock.advance(800 * DAY);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 1, "the traffic");
    }
}
