//! `ws-chat/send`: a message and its reply in one request (contract 16).

use std::time::Duration;

use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use serde_json::json;

use crate::harness::{ADA, LIN, Setup, TestDb, World, both, data, refused};

const SEND: &str = "secondme/ws-chat/send";
const HUB: &str = "secondme/visitor-chat/hub";

both! {
    async fn the_reply_comes_in_the_answer(db: TestDb) {
        let world = World::new(db).await;
        let own = data(world.post(SEND, LIN, &json!({"message": "hello me"})).await);
        assert_eq!(own, json!({"replyText": "You said: hello me", "replyTexts": ["You said: hello me"],
            "sessionId": own["sessionId"], "messageId": own["messageId"]}));
        let request = world.model.requests().pop().unwrap();
        assert!(request.messages[0].text.contains("second self of 林小满"), "one's own avatar knows its owner");
        let body = json!({"message": "hello Ada", "shareCode": "ada000000001", "sessionId": null});
        let other = data(world.post(SEND, LIN, &body).await);
        assert!(other["replyText"] == "You said: hello Ada" && other["sessionId"] != own["sessionId"]);
        let request = world.model.requests().pop().unwrap();
        assert!(request.messages[0].text.contains("with a visitor"), "{}", request.messages[0].text);
        // One conversation per user and avatar, whatever session is named.
        let body = json!({"message": "again", "shareCode": "ada000000001", "sessionId": "sess_other"});
        assert_eq!(data(world.post(SEND, LIN, &body).await)["sessionId"], other["sessionId"]);
        let request = world.model.requests().pop().unwrap();
        assert_eq!(request.messages.len(), 4);
        // The owner finds strangers' conversations in the hub, and not their own.
        data(world.post(SEND, ADA, &json!({"message": "me", "shareCode": "ada000000001"})).await);
        let list = data(world.get(&format!("{HUB}/conversations"), ADA).await);
        assert_eq!((&list["total"], &list["list"][0]["visitorName"]), (&json!(1), &json!("林小满")));
    }

    async fn anything_else_is_refused(db: TestDb) {
        let world = World::new(db).await;
        let unknown = world.post(SEND, LIN, &json!({"message": "x", "mindId": 1})).await;
        refused(&unknown, 422, "invalid.param");
        assert_eq!(unknown.1["detail"][0]["loc"], json!(["body", "mindId"]));
        refused(&world.post(SEND, "", &json!({"mindId": 1})).await, 401, "apikey.auth.missing");
        refused(&world.post(SEND, LIN, &json!({})).await, 400, "invalid.param");
        refused(&world.post(SEND, LIN, &json!({"message": 7})).await, 400, "invalid.param");
        refused(&world.post(SEND, LIN, &json!({"message": "x".repeat(10_001)})).await, 400, "invalid.param");
        refused(&world.post(SEND, LIN, &json!({"message": "x", "shareCode": "nobody"})).await, 404, "ws_chat.share_code.mind_not_found");
        refused(&world.post(SEND, &world.app_token().await, &json!({"message": "x"})).await, 401, "oauth2.token.invalid");
    }

    async fn a_reply_that_takes_too_long_is_kept(db: TestDb) {
        let mut setup = Setup { model: Scripted::new(vec![Step::text("slow "), Step::Wait(Duration::from_millis(1_500)), Step::text("reply")]), ..Setup::default() };
        setup.config.visitor.wait_seconds = 1;
        let world = World::with(db, setup).await;
        refused(&world.post(SEND, LIN, &json!({"message": "x", "shareCode": "ada000000001"})).await, 504, "secondme.model.timeout");
        let list = data(world.get(&format!("{HUB}/conversations"), ADA).await);
        let path = format!("{HUB}/messages?sessionId={}", list["list"][0]["sessionId"].as_str().unwrap());
        for _ in 0..100 {
            let messages = data(world.get(&path, ADA).await);
            if messages["messages"][1]["content"] == "slow reply" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the reply was lost");
    }

    async fn the_owner_may_answer_in_person(db: TestDb) {
        let world = World::new(db).await;
        let send = |text: &'static str| world.post(SEND, LIN, Box::leak(Box::new(json!({"message": text, "shareCode": "ada000000001"}))));
        let session = data(send("hi").await)["sessionId"].clone();
        data(world.post(&format!("{HUB}/takeover"), ADA, &json!({"sessionId": session})).await);
        let answer = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            data(world.post(&format!("{HUB}/reply"), ADA, &json!({"sessionId": session, "message": "Ada herself"})).await)
        };
        let (reply, _) = tokio::join!(send("anybody?"), answer);
        assert_eq!(data(reply)["replyText"], "Ada herself");
    }
}
