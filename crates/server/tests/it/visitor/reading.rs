//! The socket and the event stream: replay by cursor, several readers, credentials.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{ADA, LIN, Socket, TestDb, World, answer, assembled, both, cursors, data, from_cursor, refused};

/// The events of a stream until a reply has ended: id and data.
async fn events(world: &World, url: &str, last_id: Option<&str>) -> Vec<(i64, Value)> {
    let mut request = world.http.get(url);
    if let Some(id) = last_id {
        request = request.header("Last-Event-ID", id);
    }
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (StatusCode::OK, &"text/event-stream; charset=utf-8".parse().unwrap())
    );
    let (mut text, mut stream) = (String::new(), response.bytes_stream());
    while !text.contains("\"index\":-1") {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(text.starts_with("retry: 1000\n\n"));
    let frames = text.split("\n\n").skip(1).filter(|f| !f.is_empty() && !f.starts_with(':'));
    frames
        .map(|frame| {
            let (id, data) = frame.strip_prefix("id: ").unwrap().split_once("\ndata: ").unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["cursor"], id.parse::<i64>().unwrap());
            (id.parse().unwrap(), data)
        })
        .collect()
}

both! {
    async fn what_came_before_the_socket_is_shown_once(db: TestDb) {
        let world = World::new(db).await;
        let session = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": crate::harness::AVATAR_KEY})).await);
        let url = session["wsUrl"].as_str().unwrap();
        data(world.say(LIN, &session, "before").await);
        let mut socket = Socket::open(url).await;
        let first = socket.replies(1).await;
        assert_eq!(assembled(&first), ["You said: before"]);
        // A documented client keeps no cursor: the server knows how far it got from the pongs.
        socket.answer_pings().await;
        drop(socket);
        data(world.say(LIN, &session, "meanwhile").await);
        let again = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": crate::harness::AVATAR_KEY})).await);
        for url in [again["wsUrl"].as_str().unwrap(), url] {
            let mut socket = Socket::open(url).await;
            let frames = socket.replies(1).await;
            assert_eq!(assembled(&frames), ["You said: meanwhile"], "with {url}");
            assert_eq!(cursors(&frames)[0], cursors(&first).last().unwrap() + 1);
        }
        // A client that keeps its cursor gets exactly what follows it.
        let all = cursors(&Socket::open(&from_cursor(url, 0)).await.replies(2).await);
        for cursor in [1, 2, 3, 4] {
            let rest = Socket::open(&from_cursor(url, cursor)).await.replies(if cursor < all[2] { 2 } else { 1 }).await;
            assert_eq!(cursors(&rest), all[usize::try_from(cursor).unwrap()..].to_vec());
        }
        // One from the future waits for what comes.
        let mut socket = Socket::open(&from_cursor(url, 1_000_000)).await;
        assert!(socket.is_silent().await);
        data(world.say(LIN, &session, "now").await);
        assert_eq!(assembled(&socket.replies(1).await), ["You said: now"]);
    }

    async fn two_sockets_and_a_stream_get_everything(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let url = session["wsUrl"].as_str().unwrap();
        let (mut one, mut two) = (Socket::open(url).await, Socket::open(url).await);
        for text in ["a", "b", "c"] {
            data(world.say(&token, &session, text).await);
            let (left, right) = (one.replies(1).await, two.replies(1).await);
            assert_eq!(left, right);
            assert_eq!(assembled(&left), [format!("You said: {text}")]);
        }
        let stream = session["eventsUrl"].as_str().unwrap();
        let seen = events(&world, &format!("{stream}&cursor=0"), None).await;
        let head = seen[0].0;
        assert_eq!(head, 1);
        let rest = events(&world, &format!("{stream}&cursor=0"), Some("2")).await;
        assert_eq!(rest[0].0, 3);
        assert_eq!(app_seats(&world).await, 2);
        drop((one, two));
        assert_eq!(app_seats(&world).await, 0);
    }

    async fn an_address_opens_its_own_conversation_in_its_time(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let (one, two) = (world.visit(&token, "one").await, world.visit(&token, "two").await);
        let url = one["wsUrl"].as_str().unwrap();
        let part = |session: &Value, name: &str| {
            let url = url::Url::parse(session["wsUrl"].as_str().unwrap()).unwrap();
            url.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned()
        };
        let base = url.split('?').next().unwrap();
        let forged = [
            format!("{base}?wsId={}&authBody={}", part(&two, "wsId"), part(&one, "authBody")),
            format!("{base}?wsId={}&authBody={}", part(&one, "wsId"), part(&one, "authBody").replacen(one["sessionId"].as_str().unwrap(), two["sessionId"].as_str().unwrap(), 1)),
            format!("{base}?wsId={}&authBody=x", part(&one, "wsId")),
            base.to_owned(),
        ];
        for url in &forged {
            assert_eq!(Socket::open(url).await.close_code().await, 4401, "{url}");
        }
        let events = one["eventsUrl"].as_str().unwrap();
        refused(&answer(world.http.get(format!("{events}0")).send().await.unwrap()).await, 401, "visitor_chat.address_invalid");
        refused(&answer(world.http.get(url.replacen("ws", "http", 1)).send().await.unwrap()).await, 400, "invalid.param");
        // Through a proxy, a demo credential's address is elsewhere.
        let elsewhere = world.http.get(events).header("X-Forwarded-For", "203.0.113.9").send().await.unwrap();
        refused(&answer(elsewhere).await, 401, "visitor_chat.address_invalid");
        world.clock.advance(43_199_000);
        let mut socket = Socket::open(url).await;
        assert!(socket.is_silent().await);
        world.clock.advance(2_000);
        assert_eq!(Socket::open(url).await.close_code().await, 4401);
        assert!(socket.is_silent().await, "an open socket stays open");
    }

    async fn limits_of_a_socket_have_documented_codes(db: TestDb) {
        let world = World::with_config(db, |config| {
            config.visitor.sockets_per_session = 2;
            config.visitor.inbound_max = 3;
            config.visitor.ping_seconds = 1;
        })
        .await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let url = session["wsUrl"].as_str().unwrap();
        let mut first = Socket::open(url).await;
        assert!(first.is_silent().await);
        let mut second = Socket::open(url).await;
        assert!(second.is_silent().await);
        let mut third = Socket::open(url).await;
        assert_eq!(first.close_code().await, 4409, "the oldest gives way");
        for _ in 0..4 {
            let _ = second.0.send(Message::text("hello?")).await;
        }
        assert_eq!(second.close_code().await, 4429);
        let _ = third.0.send(Message::text("x".repeat(5_000))).await;
        assert!(third.frame().await.is_none(), "too long a message ends the socket");
        // One that answers no ping is closed.
        let silent = Socket::open(url).await;
        tokio::time::sleep(Duration::from_millis(2_600)).await;
        assert_eq!(app_seats(&world).await, 0);
        drop(silent);
    }

    async fn revoked_access_closes_the_sockets_of_that_app(db: TestDb) {
        let world = World::new(db).await;
        let (access, _) = world.connect(LIN, &["chat"]).await;
        let init = json!({"apiKey": crate::harness::AVATAR_KEY});
        let through_app = data(world.post("secondme/visitor-chat/init", &access, &init).await);
        let own = data(world.post("secondme/visitor-chat/init", LIN, &init).await);
        assert_eq!(through_app["sessionId"], own["sessionId"], "the same visitor");
        let mut socket = Socket::open(through_app["wsUrl"].as_str().unwrap()).await;
        let mut other = Socket::open(own["wsUrl"].as_str().unwrap()).await;
        assert!(socket.is_silent().await && other.is_silent().await);
        data(world.post("authorizations/app_demo/revoke", LIN, &json!({})).await);
        assert_eq!(socket.close_code().await, 4403);
        assert_eq!(Socket::open(through_app["wsUrl"].as_str().unwrap()).await.close_code().await, 4403);
        let events = through_app["eventsUrl"].as_str().unwrap();
        refused(&answer(world.http.get(events).send().await.unwrap()).await, 403, "visitor_chat.blocked");
        refused(&world.say(&access, &own, "hi").await, 401, "oauth2.authorization.revoked");
        data(world.say(LIN, &own, "still here").await);
        assert_eq!(assembled(&other.replies(1).await), ["You said: still here"]);
    }

    async fn a_stop_closes_sockets_and_says_so(db: TestDb) {
        let world = World::new(db).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        assert!(socket.is_silent().await);
        let app = world.app.clone();
        let (code, ()) = tokio::join!(socket.close_code(), app.stop());
        assert_eq!(code, 1012);
    }

    async fn old_frames_are_reclaimed_and_old_cursors_go_on(db: TestDb) {
        let world = World::new(db).await;
        let init = json!({"apiKey": crate::harness::AVATAR_KEY});
        let session = data(world.post("secondme/visitor-chat/init", LIN, &init).await);
        data(world.say(LIN, &session, "old").await);
        let url = session["wsUrl"].as_str().unwrap().to_owned();
        Socket::open(&url).await.replies(1).await;
        world.clock.advance(200 * 3_600_000);
        assert!(secondme_server::visitor::answer::jobs::reclaim(&world.app).await.unwrap() >= 3);
        let session = data(world.post("secondme/visitor-chat/init", LIN, &init).await);
        let mut socket = Socket::open(&from_cursor(session["wsUrl"].as_str().unwrap(), 0)).await;
        assert!(socket.is_silent().await);
        data(world.say(LIN, &session, "new").await);
        let frames = socket.replies(1).await;
        assert_eq!((assembled(&frames), cursors(&frames)[0] > 2), (vec!["You said: new".to_owned()], true));
        let messages = data(world.get(&format!("secondme/visitor-chat/hub/messages?sessionId={}", session["sessionId"].as_str().unwrap()), ADA).await);
        assert_eq!(messages["messages"].as_array().unwrap().len(), 4, "messages are kept");
    }
}

/// Open sockets and streams, once those that are closing have closed.
async fn app_seats(world: &World) -> usize {
    let mut seats = world.app.live().seats();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        seats = world.app.live().seats();
    }
    seats
}
