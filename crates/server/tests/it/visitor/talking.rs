//! `init` and `send` in both identity modes, with every error code of the seed.

use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use secondme_server::access::Kind;
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, LIN, START, Socket, TestDb, World, assembled, both, cursors, data, refused};

const INIT: &str = "secondme/visitor-chat/init";
const SEND: &str = "secondme/visitor-chat/send";

both! {
    async fn an_anonymous_visitor_talks_to_an_avatar(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "device_abc123").await;
        let url = session["wsUrl"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/os/ws?wsId=", world.url.replace("http", "ws"))) && url.contains("&authBody="));
        assert_eq!(session, json!({"sessionId": session["sessionId"], "wsUrl": url, "eventsUrl": session["eventsUrl"],
            "avatarName": "Ada", "opening": null}));
        assert_eq!(session["sessionId"].as_str().unwrap().len(), 36);
        let mut socket = Socket::open(url).await;
        assert_eq!(data(world.say(&token, &session, "Hello, who are you?").await), json!({"sent": true}));
        let frames = socket.replies(1).await;
        assert_eq!(assembled(&frames), ["You said: Hello, who are you?"]);
        assert_eq!(cursors(&frames), (1..=i64::try_from(frames.len()).unwrap()).collect::<Vec<_>>());
        let (first, last) = (&frames[1], frames.last().unwrap());
        let text = first["multipleData"][0]["modal"]["answer"].clone();
        assert_eq!(*first, json!({"sender": "umm", "sessionId": session["sessionId"], "index": 0,
            "multipleData": [{"singleDataType": "text", "modal": {"answer": text}}], "cursor": 2, "messageId": first["messageId"]}));
        assert_eq!((&last["index"], &last["multipleData"][0]["modal"]["answer"]), (&json!(-1), &json!("")));
        // The same visitor comes back to the same conversation, with a fresh address.
        let again = world.visit(&token, "device_abc123").await;
        assert_eq!(again["sessionId"], session["sessionId"]);
        assert_ne!(again["wsUrl"], session["wsUrl"]);
        assert_ne!(world.visit(&token, "device_other").await["sessionId"], session["sessionId"]);
        // The avatar speaks as the owner's avatar to a visitor, and knows what was said before.
        data(world.say(&token, &session, "And now?").await);
        socket.replies(1).await;
        let request = world.model.requests().pop().unwrap();
        let texts: Vec<&str> = request.messages.iter().map(|m| m.text.as_str()).collect();
        assert!(texts[0].contains("You are talking with a visitor"), "{}", texts[0]);
        assert_eq!(texts[1..], ["Hello, who are you?", "You said: Hello, who are you?", "And now?"]);
    }

    async fn a_user_is_their_own_visitor_whatever_id_is_sent(db: TestDb) {
        let world = World::new(db).await;
        let init = |body: Value| { let world = &world; async move { data(world.post(INIT, LIN, &body).await) } };
        let session = init(json!({"apiKey": AVATAR_KEY})).await;
        let other = init(json!({"apiKey": AVATAR_KEY, "visitorId": "not plain!", "visitorName": "Xiao"})).await;
        assert_eq!(session["sessionId"], other["sessionId"]);
        // Without a key the conversation's own is used.
        let body = json!({"sessionId": session["sessionId"], "message": "你好"});
        assert_eq!(data(world.post(SEND, LIN, &body).await), json!({"sent": true}));
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        assert_eq!(assembled(&socket.replies(1).await), ["You said: 你好"]);
        let list = data(world.get("secondme/visitor-chat/hub/conversations", ADA).await);
        assert_eq!((&list["list"][0]["visitorName"], &list["list"][0]["signedIn"]), (&json!("Xiao"), &json!(true)));
    }

    async fn every_error_has_its_code(db: TestDb) {
        let world = World::new(db).await;
        let app = world.app_token().await;
        let init = |token: String, body: Value| { let world = &world; async move { world.post(INIT, &token, &body).await } };
        let key = AVATAR_KEY;
        refused(&init(app.clone(), json!({"apiKey": key})).await, 400, "visitor_chat.visitor_id_required");
        refused(&init(app.clone(), json!({"apiKey": key, "visitorId": ""})).await, 400, "visitor_chat.visitor_id_required");
        for bad in [json!("a b"), json!("é"), json!("x".repeat(129))] {
            refused(&init(app.clone(), json!({"apiKey": key, "visitorId": bad})).await, 400, "invalid.param");
        }
        refused(&init(app.clone(), json!({"visitorId": "v"})).await, 400, "invalid.param");
        let long = json!({"apiKey": key, "visitorId": "v", "visitorName": "n".repeat(201)});
        refused(&init(app.clone(), long).await, 400, "invalid.param");
        refused(&init(app.clone(), json!({"apiKey": "sk-unknown", "visitorId": "v"})).await, 401, "open.api.key.not.found");
        refused(&init(world.mint(Kind::App, "userinfo").await, json!({"apiKey": key, "visitorId": "v"})).await, 403, "oauth2.scope.insufficient");
        refused(&init(String::new(), json!({"apiKey": key})).await, 401, "apikey.auth.missing");
        let session = world.visit(&app, "v").await;
        let send = |token: String, session: Value, key: Value, text: String| {
            let world = &world;
            let body = json!({"sessionId": session, "apiKey": key, "message": text});
            async move { world.post(SEND, &token, &body).await }
        };
        let id = session["sessionId"].clone();
        refused(&send(app.clone(), json!("6ff56704-0000-4000-8000-000000000000"), json!(key), "hi".into()).await, 400, "visitor_chat.session_not_found");
        // Somebody else's conversation looks as if it were not there.
        refused(&send(LIN.to_owned(), id.clone(), json!(key), "hi".into()).await, 400, "visitor_chat.session_not_found");
        refused(&send(app.clone(), id.clone(), json!("sk-wrong"), "hi".into()).await, 401, "open.api.key.not.found");
        refused(&send(app.clone(), id.clone(), json!(key), String::new()).await, 400, "invalid.param");
        refused(&send(app.clone(), id.clone(), json!(key), "x".repeat(10_001)).await, 400, "invalid.param");
        assert_eq!(data(send(app.clone(), id.clone(), json!(key), "x".repeat(10_000)).await), json!({"sent": true}));
        let form = [("grant_type", "client_credentials"), ("client_id", "nobody"), ("client_secret", "x")];
        refused(&world.form("oauth/token/client", &form).await, 401, "oauth2.invalid_client");
        // A key that is switched off is no key any more, also for conversations that are open.
        data(world.post("secondme/avatar/api-key/update", ADA, &json!({"keyId": 1, "enabled": false})).await);
        refused(&send(app.clone(), id.clone(), Value::Null, "hi".into()).await, 401, "open.api.key.not.found");
        data(world.post("secondme/avatar/api-key/update", ADA, &json!({"keyId": 1, "enabled": true})).await);
    }

    async fn a_conversation_that_was_silent_for_months_is_opened_again(db: TestDb) {
        let world = World::new(db).await;
        let session = data(world.post(INIT, LIN, &json!({"apiKey": AVATAR_KEY})).await);
        world.clock.advance(91 * 86_400_000);
        refused(&world.say(LIN, &session, "hello?").await, 400, "visitor_chat.session_expired");
        let again = data(world.post(INIT, LIN, &json!({"apiKey": AVATAR_KEY})).await);
        assert_eq!(again["sessionId"], session["sessionId"]);
        assert_eq!(data(world.say(LIN, &session, "hello!").await), json!({"sent": true}));
        assert!(world.app.now() > START);
    }

    async fn messages_in_a_row_are_answered_in_order(db: TestDb) {
        let slow = Scripted::with(|request| {
            let text = request.last_user_text().to_owned();
            let pieces = ["re ", text.as_str(), " one", " two"].map(Step::text);
            pieces.into_iter().flat_map(|p| [Step::Wait(std::time::Duration::from_millis(15)), p]).collect()
        });
        let world = World::with_model(db, slow).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        for n in 0..6 {
            data(world.say(&token, &session, &format!("m{n}")).await);
        }
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        let frames = socket.replies(6).await;
        assert_eq!(assembled(&frames), (0..6).map(|n| format!("re m{n} one two")).collect::<Vec<_>>());
        assert_eq!(cursors(&frames), (1..=i64::try_from(frames.len()).unwrap()).collect::<Vec<_>>());
        let indexes: Vec<i64> = frames.iter().filter(|f| f["sender"] == "umm").map(|f| f["index"].as_i64().unwrap()).collect();
        let mut expected = 0;
        for index in indexes {
            assert_eq!(index, if index == -1 { -1 } else { expected });
            expected = if index == -1 { 0 } else { expected + 1 };
        }
        // The last one was asked with all that came before it, each answer after its question.
        let last = world.model.requests().pop().unwrap();
        assert_eq!(last.messages.len(), 1 + 5 * 2 + 1);
        assert_eq!(last.messages[9].text, "m4");
    }
}
