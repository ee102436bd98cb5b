//! Sessions: who may read what, ids, buckets, order.

use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

both! {
    async fn the_system_prompt_counts_on_the_first_request_only(db: TestDb) {
        let world = World::new(db).await;
        let first = world.chat(ADA, &json!({"message": "one", "systemPrompt": "Speak like a pirate"})).await;
        let session = first[0].data["sessionId"].as_str().unwrap().to_owned();
        world.chat(ADA, &json!({"message": "two", "sessionId": session, "systemPrompt": "Speak like a judge"})).await;
        let prompts: Vec<String> = world.model.requests().iter().map(|r| r.messages[0].text.clone()).collect();
        assert!(prompts.iter().all(|p| p.contains("pirate") && !p.contains("judge")), "{prompts:?}");
        assert_eq!(prompts[0], prompts[1], "the prefix of the second turn is that of the first");
        assert!(prompts[0].contains("Lisbon") && prompts[0].contains("Baking"));
        let history = messages(&world, ADA, &session).await;
        let rows: Vec<(&str, &str)> =
            history.iter().map(|m| (m["role"].as_str().unwrap(), m["content"].as_str().unwrap())).collect();
        assert_eq!(rows, [
            ("system", "Speak like a pirate"), ("user", "one"), ("assistant", "You said: one"),
            ("user", "two"), ("assistant", "You said: two"),
        ]);
        assert!(history.iter().all(|m| m["senderUserId"] == 1 && m["receiverUserId"].is_null()));
        assert_eq!(history[0]["createTime"], "2025-06-15T15:06:40.000Z");
    }

    async fn the_past_reaches_the_model_in_order(db: TestDb) {
        let world = World::new(db).await;
        let first = world.chat(ADA, &json!({"message": "one"})).await;
        let session = &first[0].data["sessionId"];
        world.chat(ADA, &json!({"message": "two", "sessionId": session})).await;
        let request = world.model.requests().pop().unwrap();
        let texts: Vec<&str> = request.messages[1..].iter().map(|m| m.text.as_str()).collect();
        assert_eq!(texts, ["one", "You said: one", "two"]);
        assert_eq!(request.cache_key.as_deref(), session.as_str());
    }

    async fn a_session_belongs_to_its_user(db: TestDb) {
        let world = World::new(db).await;
        let first = world.chat(ADA, &json!({"message": "mine"})).await;
        let session = first[0].data["sessionId"].as_str().unwrap();
        let path = format!("secondme/chat/session/messages?sessionId={session}");
        refused(&world.get(&path, LIN).await, 403, "secondme.session.unauthorized");
        let body = json!({"message": "hers?", "sessionId": session});
        refused(&world.post("secondme/chat/stream", LIN, &body).await, 403, "secondme.session.unauthorized");
        assert_eq!(messages(&world, ADA, session).await.len(), 2);
        assert_eq!(data(world.get("secondme/chat/session/list", LIN).await), json!({"sessions": []}));
    }

    async fn ids_that_nobody_has(db: TestDb) {
        let world = World::new(db).await;
        let free = "labs_sess_0123456789ab";
        let empty = data(world.get(&format!("secondme/chat/session/messages?sessionId={free}"), ADA).await);
        assert_eq!(empty, json!({"sessionId": free, "messages": []}));
        let first = world.chat(ADA, &json!({"message": "hi", "sessionId": free})).await;
        assert_eq!((first[0].name.as_str(), first[0].data["sessionId"].as_str()), ("session", Some(free)));
        let fresh = world.chat(ADA, &json!({"message": "hi", "sessionId": "my own id"})).await;
        let id = fresh[0].data["sessionId"].as_str().unwrap();
        assert!(id.starts_with("labs_sess_") && id.len() == 22, "{id}");
        refused(&world.get("secondme/chat/session/messages", ADA).await, 400, "invalid.param");
    }

    async fn the_list_is_ordered_previewed_and_filtered(db: TestDb) {
        let world = World::new(db).await;
        let long = "长".repeat(80);
        world.chat(ADA, &json!({"message": long, "appId": "notes"})).await;
        world.clock.advance(1_000);
        let request = world.request(reqwest::Method::POST, "secondme/chat/stream", ADA).header("X-App-Id", "mail");
        let text = request.json(&json!({"message": "second"})).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("[DONE]"));
        world.clock.advance(1_000);
        world.chat(ADA, &json!({"message": "third", "appId": ""})).await;
        let list = data(world.get("secondme/chat/session/list", ADA).await);
        let rows = list["sessions"].as_array().unwrap();
        let apps: Vec<&str> = rows.iter().map(|s| s["appId"].as_str().unwrap()).collect();
        assert_eq!(apps, ["general", "mail", "notes"]);
        assert_eq!(rows[2]["lastMessage"].as_str().unwrap().chars().count(), 50);
        assert_eq!((rows[0]["messageCount"].as_i64(), rows[0]["lastUpdateTime"].as_str()), (Some(2), Some("2025-06-15T15:06:42.000Z")));
        let filtered = data(world.get("secondme/chat/session/list?appId=mail", ADA).await);
        assert_eq!(filtered["sessions"].as_array().unwrap().len(), 1);
    }

    async fn a_long_conversation_is_cut_to_the_context(db: TestDb) {
        let world = World::new(db).await;
        let context = secondme_llm::ChatModel::info(world.model.as_ref()).context_tokens;
        let message = "All work and no play makes Jack a dull boy. ".repeat(400);
        let mut session = Value::Null;
        for turn in 0..12 {
            let events = world.chat(ADA, &json!({"message": format!("{turn} {message}"), "sessionId": session})).await;
            if turn == 0 { session = events[0].data["sessionId"].clone() }
        }
        for request in world.model.requests() {
            let tokens: usize = request.messages.iter().map(|m| secondme_llm::estimate_tokens(&m.text)).sum();
            assert!(tokens <= context, "{tokens} of {context}");
        }
        let last = world.model.requests().pop().unwrap();
        assert!(last.messages[0].text.contains("no longer shown"));
        assert_eq!(messages(&world, ADA, session.as_str().unwrap()).await.len(), 24, "nothing is lost in the history");
    }
}

async fn messages(world: &World, token: &str, session: &str) -> Vec<Value> {
    let history = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), token).await);
    history["messages"].as_array().unwrap().clone()
}
