//! Friends and discovery (contract 18).

use secondme_llm::scripted::Step;
use secondme_llm::{ModelError, Scripted};
use secondme_server::users::shades::{self, Shade};
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, START, TestDb, World, both, data, refused};
use crate::plaza::newcomer;

async fn friends(world: &World, token: &str) -> Value {
    data(world.get("secondme/friend/list", token).await)
}

async fn say(world: &World, token: &str, body: Value) -> Value {
    data(world.post("secondme/friend/message/send", token, &body).await)
}

async fn history(world: &World, token: &str, session: &str) -> Vec<(i64, i64, String, String)> {
    let history = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), token).await);
    let row = |m: &Value| {
        let text = |name: &str| m[name].as_str().unwrap().to_owned();
        (m["senderUserId"].as_i64().unwrap(), m["receiverUserId"].as_i64().unwrap(), text("role"), text("content"))
    };
    history["messages"].as_array().unwrap().iter().map(row).collect()
}

async fn make_friends(world: &World) {
    data(world.post("secondme/friend/invite/send", ADA, &json!({"targetUserId": "2"})).await);
    data(world.post("secondme/friend/invite/handle", LIN, &json!({"targetUserId": "1", "action": "ACCEPTED"})).await);
}

async fn give_shade(world: &World, user: i64, id: i64, name: &str, topics: &[&str], public: bool) {
    let topics: Vec<String> = topics.iter().map(|t| (*t).to_owned()).collect();
    let shade = Shade {
        id,
        shade_name: name.into(),
        source_topics: topics.clone(),
        confidence_level: "HIGH".into(),
        has_public_content: public,
        shade_name_public: if public { name.into() } else { String::new() },
        source_topics_public: if public { topics } else { Vec::new() },
        ..Shade::default()
    };
    let mut tx = world.app.store().write().await.unwrap();
    shades::put(&mut tx, user, &shade, START).await.unwrap();
    tx.commit().await.unwrap();
}

both! {
    async fn an_invitation_becomes_a_friendship(db: TestDb) {
        let world = World::new(db).await;
        let sent = json!({"targetUserId": "2", "greeting": "Hello 林", "source": "DISCOVER", "sourceData": {"from": "card"}});
        assert_eq!(data(world.post("secondme/friend/invite/send", ADA, &sent).await), Value::Null);
        refused(&world.post("secondme/friend/invite/send", ADA, &sent).await, 400, "friend.invite.already_sent");
        let waiting = friends(&world, LIN).await;
        assert_eq!((waiting["total"].as_i64(), waiting["friendInvitation"]["pendingCount"].as_i64()), (Some(0), Some(1)));
        let list = data(world.get("secondme/friend/invite/list", LIN).await);
        assert_eq!(list, json!({"invitations": [{"userId": "1", "name": "Ada", "avatar": "", "route": "ada", "greeting": "Hello 林",
            "source": "DISCOVER", "createdAt": START}]}));
        refused(&world.post("secondme/friend/invite/handle", ADA, &json!({"targetUserId": "2", "action": "ACCEPTED"})).await, 404, "friend.invite.not_found");
        let accept = json!({"targetUserId": "1", "action": "ACCEPTED"});
        assert_eq!(data(world.post("secondme/friend/invite/handle", LIN, &accept).await), Value::Null);
        refused(&world.post("secondme/friend/invite/handle", LIN, &accept).await, 400, "friend.invite.already_handled");
        for token in [ADA, LIN] {
            let target = if token == ADA { "2" } else { "1" };
            refused(&world.post("secondme/friend/invite/send", token, &json!({"targetUserId": target})).await, 400, "friend.invite.already_friend");
        }
        let shown = friends(&world, ADA).await;
        let session = shown["friends"][0]["sessionId"].as_str().unwrap().to_owned();
        assert_eq!(shown, json!({
            "friends": [{"friendId": "2", "name": "林小满", "avatar": "", "sessionId": session, "relationType": "two-way-friend",
                "latestMessage": "Hello 林", "latestMessageTime": START, "unreadCount": 0, "route": "lin", "source": "DISCOVER",
                "label": "Met in discover", "blockedByMe": false, "isBlocked": false, "sourceDirection": "OUTGOING"}],
            "total": 1, "friendInvitation": {"pendingCount": 0}, "totalUnreadCount": 0,
            "strangerMessage": {"totalCount": 0, "unreadCount": 0},
        }));
        assert_eq!(friends(&world, LIN).await["friends"][0]["sourceDirection"], "INCOMING");
        assert_eq!(history(&world, LIN, &session).await, [(1, 2, "user".into(), "Hello 林".into())]);
    }

    async fn bad_invitations_are_refused(db: TestDb) {
        let world = World::new(db).await;
        let send = |body: Value| { let world = &world; async move { world.post("secondme/friend/invite/send", ADA, &body).await } };
        refused(&send(json!({})).await, 400, "invalid.param");
        refused(&send(json!({"targetUserId": "1"})).await, 400, "invalid.param");
        refused(&send(json!({"targetUserId": "lin"})).await, 400, "secondme.user.invalid_id");
        refused(&send(json!({"targetUserId": "999999"})).await, 404, "resource.fetch.not_found");
        refused(&send(json!({"targetUserId": "2", "greeting": "x".repeat(501)})).await, 400, "invalid.param");
        refused(&send(json!({"targetUserId": "2", "source": "STREET"})).await, 400, "invalid.param");
        refused(&send(json!({"targetUserId": "2", "sourceData": "text"})).await, 400, "invalid.param");
        refused(&world.post("secondme/friend/invite/handle", LIN, &json!({"targetUserId": 1, "action": "MAYBE"})).await, 400, "invalid.param");
        refused(&world.get("secondme/friend/list?type=FOE", ADA).await, 400, "invalid.param");
        data(send(json!({"targetUserId": 2})).await);
    }

    async fn a_rejection_looks_like_waiting_and_may_be_tried_again_after_a_week(db: TestDb) {
        let world = World::new(db).await;
        let sent = json!({"targetUserId": "2"});
        data(world.post("secondme/friend/invite/send", ADA, &sent).await);
        data(world.post("secondme/friend/invite/handle", LIN, &json!({"targetUserId": "1", "action": "REJECTED"})).await);
        assert_eq!(friends(&world, ADA).await["total"], 0);
        refused(&world.post("secondme/friend/invite/send", ADA, &sent).await, 400, "friend.invite.already_sent");
        world.clock.advance(604_800_000);
        data(world.post("secondme/friend/invite/send", ADA, &sent).await);
        // Who invites back accepts.
        data(world.post("secondme/friend/invite/send", LIN, &json!({"targetUserId": "1"})).await);
        assert_eq!(friends(&world, LIN).await["total"], 1);
        // Ended by either side, and begun anew.
        data(world.post("secondme/friend/remove", LIN, &json!({"friendId": "1"})).await);
        assert_eq!(friends(&world, ADA).await["total"], 0);
        refused(&world.post("secondme/friend/remove", ADA, &json!({"friendId": "2"})).await, 404, "friend.not_found");
        make_friends(&world).await;
        assert_eq!(friends(&world, ADA).await["total"], 1);
    }

    async fn friends_talk_in_a_session_of_their_own(db: TestDb) {
        let world = World::new(db).await;
        refused(&world.post("secondme/friend/message/send", ADA, &json!({"friendId": "2", "message": "hi"})).await, 404, "friend.not_found");
        make_friends(&world).await;
        assert_eq!(friends(&world, ADA).await["friends"][0]["sessionId"], "");
        let told = say(&world, ADA, json!({"friendId": "2", "message": "你好"})).await;
        let session = told["sessionId"].as_str().unwrap().to_owned();
        assert!(session.starts_with("sess_") && told["messageId"].as_str().unwrap().starts_with("msg_"));
        world.clock.advance(1_000);
        say(&world, ADA, json!({"friendId": 2, "message": "还在吗？"})).await;
        let unread = friends(&world, LIN).await;
        assert_eq!((unread["totalUnreadCount"].as_i64(), unread["friends"][0]["latestMessage"].as_str()), (Some(2), Some("还在吗？")));
        assert_eq!(unread["friends"][0]["latestMessageTime"], START + 1_000);
        assert_eq!(friends(&world, ADA).await["totalUnreadCount"], 0);
        say(&world, LIN, json!({"sessionId": session, "message": "在的"})).await;
        assert_eq!(friends(&world, LIN).await["totalUnreadCount"], 0, "who answers has read");
        data(world.post("secondme/friend/session/read", ADA, &json!({"friendId": "2"})).await);
        assert_eq!(friends(&world, ADA).await["friends"][0]["unreadCount"], 0);
        let said = [(1, 2, "你好"), (1, 2, "还在吗？"), (2, 1, "在的")].map(|(s, r, c)| (s, r, "user".to_owned(), c.to_owned()));
        assert_eq!(history(&world, ADA, &session).await, said);
        assert_eq!(history(&world, LIN, &session).await, said);
        for token in [ADA, LIN] {
            let list = data(world.get("secondme/chat/session/list?appId=friend", token).await);
            assert_eq!(list["sessions"][0]["sessionId"], session);
        }
        // Nobody else reads or writes there, and the avatar does not answer there.
        let eve = newcomer(&world, "Eve").await.token;
        refused(&world.get(&format!("secondme/chat/session/messages?sessionId={session}"), &eve).await, 403, "secondme.session.unauthorized");
        refused(&world.post("secondme/friend/message/send", &eve, &json!({"sessionId": session, "message": "x"})).await, 404, "friend.not_found");
        let chat = world.chat(ADA, &json!({"message": "hello", "sessionId": session})).await;
        assert_ne!(chat[0].data["sessionId"], session);
        refused(&world.post("secondme/friend/message/send", ADA, &json!({"friendId": "2", "message": " "})).await, 400, "invalid.param");
        data(world.post("secondme/friend/block", LIN, &json!({"friendId": "1"})).await);
        refused(&world.post("secondme/friend/message/send", ADA, &json!({"friendId": "2", "message": "x"})).await, 403, "friend.blocked");
        assert_eq!(friends(&world, ADA).await["friends"][0]["isBlocked"], true);
        assert_eq!(friends(&world, LIN).await["friends"][0]["blockedByMe"], true);
    }

    async fn the_ice_is_broken_by_the_avatar(db: TestDb) {
        let world = World::with_model(db, Scripted::saying("西湖的日出几点最好看？")).await;
        refused(&world.post("secondme/friend/break-ice", ADA, &json!({"friendId": "2"})).await, 404, "friend.not_found");
        refused(&world.post("secondme/friend/break-ice", ADA, &json!({})).await, 400, "invalid.param");
        make_friends(&world).await;
        give_shade(&world, 2, 70, "Secret gambling", &["cards"], false).await;
        let session = data(world.post("secondme/friend/break-ice", ADA, &json!({"friendId": "2"})).await);
        let session = session.as_str().unwrap().to_owned();
        assert!(session.starts_with("sess_"), "{session}");
        assert_eq!(history(&world, LIN, &session).await, [(1, 2, "assistant".into(), "西湖的日出几点最好看？".into())]);
        let prompt: String = world.model.requests().pop().unwrap().messages.iter().map(|m| m.text.clone()).collect();
        assert!(prompt.contains("徒步") && prompt.contains("Programming"));
        assert!(!prompt.contains("gambling") && !prompt.contains("demo.local"), "{prompt}");
        assert_eq!(friends(&world, LIN).await["totalUnreadCount"], 1);
        let again = data(world.post("secondme/friend/break-ice", LIN, &json!({"friendId": "1"})).await);
        assert_eq!(again, session, "one session for the two");
    }

    async fn a_model_that_fails_leaves_no_opener(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::Fail(ModelError::Broken("crash".into()))])).await;
        make_friends(&world).await;
        let answer = world.post("secondme/friend/break-ice", ADA, &json!({"friendId": "2"})).await;
        refused(&answer, 500, "secondme.stream.error");
        assert_eq!(friends(&world, ADA).await["friends"][0]["sessionId"], "");
    }

    async fn people_are_found_by_what_they_share_in_public(db: TestDb) {
        let world = World::new(db).await;
        let eve = newcomer(&world, "Eve").await;
        give_shade(&world, eve.id, 71, "Baking", &["bread", "rye"], true).await;
        give_shade(&world, eve.id, 72, "Programming", &["rust"], false).await;
        let mallory = newcomer(&world, "Mallory").await;
        give_shade(&world, mallory.id, 73, "Music", &["cello"], false).await;
        let found = data(world.get("secondme/discover/users", ADA).await);
        let users = found["users"].as_array().unwrap();
        let ids: Vec<&str> = users.iter().map(|u| u["userId"].as_str().unwrap()).collect();
        assert_eq!(ids, [eve.id.to_string().as_str(), "2"], "who shows nothing is not shown");
        assert_eq!(users[0], json!({
            "userId": eve.id.to_string(), "username": "Eve", "avatar": "", "route": "eve", "distance": null,
            "matchScore": users[0]["matchScore"], "title": "Baking", "hook": "You are both into Baking", "briefIntroduction": "",
            "friendStatus": "none", "commonFriends": [], "completionPercentage": 20,
        }));
        assert!(users[0]["matchScore"].as_i64() > users[1]["matchScore"].as_i64());
        assert!(!found.to_string().contains("Programming") && !found.to_string().contains("demo.local"));
        let page = data(world.get("secondme/discover?pageNo=2&pageSize=1", ADA).await);
        assert_eq!((page["totalCount"].as_i64(), page["totalPages"].as_i64(), page["hasMore"].as_bool(), page["pageNo"].as_i64(), page["pageSize"].as_i64()),
            (Some(2), Some(2), Some(false), Some(2), Some(1)));
        assert_eq!(page["users"][0]["userId"], "2");
        assert_eq!(page["searchRadius"], 50.0);
        // Friends of friends.
        data(world.post("secondme/friend/invite/send", LIN, &json!({"targetUserId": eve.id.to_string()})).await);
        data(world.post("secondme/friend/invite/send", &eve.token, &json!({"targetUserId": "2"})).await);
        make_friends(&world).await;
        let circle = data(world.get("secondme/discover/users?circleType=FRIENDS", ADA).await);
        assert_eq!(circle["users"].as_array().unwrap().len(), 1);
        assert_eq!(circle["users"][0]["commonFriends"], json!([{"userId": "2", "name": "林小满", "avatar": ""}]));
        let known = data(world.get("secondme/discover/users", ADA).await);
        assert_eq!(known["users"][1]["friendStatus"], "friend");
    }

    async fn a_distance_needs_two_shared_places(db: TestDb) {
        let world = World::new(db).await;
        let near = |token: &'static str, query: &'static str| {
            let world = &world;
            async move { data(world.get(&format!("secondme/discover/users{query}"), token).await)["users"][0].clone() }
        };
        assert_eq!(near(ADA, "?latitude=38.7223&longitude=-9.1393").await["distance"], Value::Null);
        assert_eq!(near(LIN, "").await["distance"], Value::Null, "she shared none");
        let lin = near(LIN, "?latitude=38.8&longitude=-9.2").await;
        assert_eq!(lin["distance"], 10.0);
        assert_eq!(near(ADA, "?circleType=nearby").await["userId"], "2");
        for bad in ["?latitude=1", "?longitude=1", "?latitude=91&longitude=0", "?latitude=x&longitude=1", "?latitude=NaN&longitude=1"] {
            refused(&world.get(&format!("secondme/discover/users{bad}"), ADA).await, 400, "invalid.param");
        }
        data(world.post("secondme/discover/place/forget", LIN, &json!({})).await);
        assert_eq!(near(ADA, "").await["distance"], Value::Null);
        near(LIN, "?latitude=38.8&longitude=-9.2").await;
        world.clock.advance(31 * 86_400_000);
        near(ADA, "?latitude=38.7&longitude=-9.1").await;
        assert_eq!(near(ADA, "").await["distance"], Value::Null, "a place is forgotten after a month");
    }
}
