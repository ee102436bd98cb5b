//! The owner's side: the list, unread counts, taking over, answering in person, blocking, closing.

use futures::StreamExt;
use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, LIN, Socket, TestDb, World, assembled, both, data, refused};

const HUB: &str = "secondme/visitor-chat/hub";

async fn act(world: &World, what: &str, session: &Value) -> Value {
    data(world.post(&format!("{HUB}/{what}"), ADA, &json!({"sessionId": session["sessionId"]})).await)
}

both! {
    async fn the_owner_sees_all_conversations_and_what_is_unread(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let (one, two) = (world.visit(&token, "one").await, world.visit(&token, "two").await);
        world.clock.advance(1_000);
        data(world.say(&token, &one, "hello from one").await);
        Socket::open(one["wsUrl"].as_str().unwrap()).await.replies(1).await;
        let list = data(world.get(&format!("{HUB}/conversations"), ADA).await);
        assert_eq!(list["total"], 2);
        let row = &list["list"][0];
        assert_eq!(*row, json!({"sessionId": one["sessionId"], "avatarId": 1, "visitorName": "John(Demo App)", "appName": "Demo App",
            "signedIn": false, "unread": 1, "messageCount": 2, "lastMessage": "You said: hello from one", "lastAuthor": "avatar",
            "lastActiveTime": row["lastActiveTime"], "takenOver": false, "blocked": false}));
        assert_eq!(list["list"][1]["sessionId"], two["sessionId"]);
        assert_eq!(data(world.get(&format!("{HUB}/unread"), ADA).await), json!({"messages": 1, "conversations": 1}));
        assert_eq!(data(world.get(&format!("{HUB}/conversations?unread=true&avatarId=1"), ADA).await)["total"], 1);
        assert_eq!(data(world.get(&format!("{HUB}/conversations?avatarId=2"), ADA).await)["total"], 0);
        act(&world, "read", &one).await;
        assert_eq!(data(world.get(&format!("{HUB}/unread"), ADA).await), json!({"messages": 0, "conversations": 0}));
        let path = format!("{HUB}/messages?sessionId={}", one["sessionId"].as_str().unwrap());
        let messages = data(world.get(&path, ADA).await);
        let authors: Vec<&str> = messages["messages"].as_array().unwrap().iter().map(|m| m["author"].as_str().unwrap()).collect();
        assert_eq!(authors, ["visitor", "avatar"]);
        let page = data(world.get(&format!("{path}&pageSize=1&before={}", messages["messages"][1]["id"]), ADA).await);
        assert_eq!(page["messages"][0]["content"], "hello from one");
        // Nobody else's.
        refused(&world.get(&path, LIN).await, 404, "visitor_chat.conversation_not_found");
        for what in ["read", "takeover", "handback", "block"] {
            let body = json!({"sessionId": one["sessionId"]});
            refused(&world.post(&format!("{HUB}/{what}"), LIN, &body).await, 404, "visitor_chat.conversation_not_found");
        }
        assert_eq!(data(world.get(&format!("{HUB}/conversations"), LIN).await), json!({"total": 0, "list": []}));
        // The avatar's statistics know of it.
        let interactions = data(world.get("secondme/avatar/1/interactions", ADA).await);
        assert!(interactions.as_array().unwrap().iter().any(|i| i["visitorName"] == "John(Demo App)" && i["messageCount"] == 2), "{interactions}");
    }

    async fn the_owner_takes_over_answers_and_hands_back(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        let reply = json!({"sessionId": session["sessionId"], "message": "It is me, Ada."});
        refused(&world.post(&format!("{HUB}/reply"), ADA, &reply).await, 409, "visitor_chat.not_taken_over");
        act(&world, "takeover", &session).await;
        act(&world, "takeover", &session).await;
        let frame = socket.frame().await.unwrap();
        assert_eq!((&frame["sender"], &frame["event"]), (&json!("system"), &json!("takeover")));
        data(world.say(&token, &session, "Is anybody there?").await);
        let message = data(world.post(&format!("{HUB}/reply"), ADA, &reply).await)["messageId"].clone();
        assert_eq!(socket.frame().await.unwrap()["sender"], "visitor");
        let human = socket.frame().await.unwrap();
        assert_eq!((&human["sender"], &human["messageId"], &human["index"]), (&json!("human"), &message, &json!(0)));
        assert_eq!(human["multipleData"][0]["modal"]["answer"], "It is me, Ada.");
        assert!(socket.is_silent().await, "the avatar is silent");
        assert!(world.model.requests().is_empty());
        act(&world, "handback", &session).await;
        assert_eq!(socket.frame().await.unwrap()["event"], "handback");
        data(world.say(&token, &session, "And the avatar?").await);
        let frames = socket.replies(1).await;
        assert_eq!(assembled(&frames), ["You said: And the avatar?"]);
        let request = world.model.requests().pop().unwrap();
        let past: Vec<&str> = request.messages[1..].iter().map(|m| m.text.as_str()).collect();
        assert_eq!(past, ["Is anybody there?", "It is me, Ada.", "And the avatar?"]);
        let path = format!("{HUB}/messages?sessionId={}", session["sessionId"].as_str().unwrap());
        let messages = data(world.get(&path, ADA).await);
        let written: Vec<_> = messages["messages"].as_array().unwrap().iter().map(|m| (m["author"].as_str().unwrap(), m["status"].as_str().unwrap())).collect();
        assert_eq!(written, [("visitor", "owner"), ("owner", "complete"), ("visitor", "answered"), ("avatar", "complete")]);
    }

    async fn a_reply_that_has_begun_is_finished_when_the_owner_takes_over(db: TestDb) {
        let pause = || Step::Wait(std::time::Duration::from_millis(120));
        let world = World::with_model(db, Scripted::new(vec![Step::text("one "), pause(), Step::text("two "), pause(), Step::text("three")])).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        data(world.say(&token, &session, "first").await);
        data(world.say(&token, &session, "second").await);
        let mut frames = Vec::new();
        while !frames.iter().any(|f: &Value| f["sender"] == "umm") {
            frames.push(socket.frame().await.unwrap());
        }
        act(&world, "takeover", &session).await;
        frames.extend(socket.replies(1).await);
        assert_eq!(assembled(&frames), ["one two three"]);
        assert!(frames.iter().any(|f| f["event"] == "takeover"));
        assert!(socket.is_silent().await, "the second message is the owner's");
    }

    async fn the_owner_reads_along(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let path = world.api(&format!("{HUB}/live?cursor=0&sessionId={}", session["sessionId"].as_str().unwrap()));
        let response = world.http.get(&path).bearer_auth(ADA).send().await.unwrap();
        let mut stream = response.bytes_stream();
        data(world.say(&token, &session, "live?").await);
        let mut text = String::new();
        while !text.contains("\"index\":-1") {
            text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
        }
        assert!(text.contains("\"sender\":\"visitor\"") && text.contains("\"sender\":\"umm\""));
        assert_eq!(world.http.get(&path).bearer_auth(LIN).send().await.unwrap().status(), 404);
    }

    async fn a_blocked_visitor_is_out_until_let_in_again(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let url = session["wsUrl"].as_str().unwrap();
        let mut socket = Socket::open(url).await;
        assert!(socket.is_silent().await);
        act(&world, "block", &session).await;
        assert_eq!(socket.close_code().await, 4403);
        assert_eq!(Socket::open(url).await.close_code().await, 4403);
        refused(&world.say(&token, &session, "hello?").await, 403, "visitor_chat.blocked");
        let init = json!({"apiKey": AVATAR_KEY, "visitorId": "v"});
        refused(&world.post("secondme/visitor-chat/init", &token, &init).await, 403, "visitor_chat.blocked");
        data(world.post(&format!("{HUB}/block"), ADA, &json!({"sessionId": session["sessionId"], "blocked": false})).await);
        let again = world.visit(&token, "v").await;
        assert_eq!(again["sessionId"], session["sessionId"]);
        assert_eq!(Socket::open(url).await.close_code().await, 4403, "old addresses stay closed");
        assert!(Socket::open(again["wsUrl"].as_str().unwrap()).await.is_silent().await);
    }

    async fn the_owner_closes_an_avatar_to_visitors(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let path = format!("{HUB}/settings");
        assert_eq!(data(world.get(&format!("{path}?avatarId=1"), ADA).await), json!({"avatarId": 1, "open": true}));
        assert_eq!(data(world.post(&path, ADA, &json!({"avatarId": 1, "open": false})).await), json!({"avatarId": 1, "open": false}));
        let init = json!({"apiKey": AVATAR_KEY, "visitorId": "w"});
        refused(&world.post("secondme/visitor-chat/init", &token, &init).await, 403, "visitor_chat.closed");
        refused(&world.say(&token, &session, "hello?").await, 403, "visitor_chat.closed");
        refused(&world.post(&path, LIN, &json!({"avatarId": 1, "open": true})).await, 404, "avatar.fetch.failed");
        data(world.post(&path, ADA, &json!({"avatarId": 1, "open": true})).await);
        data(world.say(&token, &session, "hello!").await);
    }
}
