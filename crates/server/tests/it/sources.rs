//! Answers use what was said in other conversations, and say which memories they had.

use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

async fn last_message(world: &World, session: &str) -> String {
    let list = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), ADA).await);
    list["messages"].as_array().unwrap().last().unwrap()["messageId"].as_str().unwrap().to_owned()
}

async fn say(world: &World, token: &str, message: &str, session: Option<&str>) -> String {
    let events = world.chat(token, &json!({"message": message, "sessionId": session})).await;
    events[0].data["sessionId"].as_str().or(session).unwrap().to_owned()
}

async fn sources(world: &World, message: &str) -> Vec<Value> {
    let answer = data(world.get(&format!("secondme/chat/messages/{message}/sources"), ADA).await);
    assert_eq!(answer["messageId"], message);
    answer["sources"].as_array().unwrap().clone()
}

both! {
    async fn an_answer_names_the_memories_it_had(db: TestDb) {
        let world = World::new(db).await;
        let first = say(&world, ADA, "My bicycle is called Rocinante.", None).await;
        say(&world, LIN, "My bicycle is called Bucephalus.", None).await;
        let second = say(&world, ADA, "What is the name of my bicycle?", None).await;
        let prompt = world.model.requests().pop().unwrap().messages;
        assert!(prompt[0].text.contains("\n### Ada said on 2025-06-15\n- My bicycle is called Rocinante."), "{}", prompt[0].text);
        assert!(prompt[0].text.starts_with("You are the second self of") && !prompt[0].text.contains("Bucephalus"));
        let answer = last_message(&world, &second).await;
        let sources = sources(&world, &answer).await;
        let told = sources.iter().find(|s| s["text"] == "My bicycle is called Rocinante.").unwrap();
        assert_eq!((told["kind"].as_str(), told["conversation"].as_str()), (Some("message"), Some(first.as_str())));
        assert_eq!((told["changed"].as_bool(), told["happenedAt"].as_str()), (Some(false), Some("2025-06-15T15:06:40.000Z")));
        assert!(sources.iter().all(|s| s["conversation"] == first.as_str()), "nothing of the conversation itself");
        let path = format!("secondme/chat/messages/{answer}/sources");
        refused(&world.get(&path, LIN).await, 404, "resource.fetch.not_found");
        refused(&world.get("secondme/chat/messages/msg_nothing/sources", ADA).await, 404, "resource.fetch.not_found");
    }

    async fn the_prefix_stays_when_memories_change(db: TestDb) {
        let world = World::new(db).await;
        say(&world, ADA, "I planted tulips.", None).await;
        say(&world, ADA, "I baked bread.", None).await;
        let session = say(&world, ADA, "Good morning", None).await;
        say(&world, ADA, "Which tulips did I plant?", Some(&session)).await;
        let one = world.model.requests().pop().unwrap().messages;
        say(&world, ADA, "Which bread did I bake?", Some(&session)).await;
        let two = world.model.requests().pop().unwrap().messages;
        let (memories, question) = (&one[one.len() - 2], &one[one.len() - 1]);
        assert!(memories.text.contains("I planted tulips.") && question.text == "Which tulips did I plant?");
        assert_eq!(one[..one.len() - 2], two[..one.len() - 2], "what was said before is read from the cache");
        assert!(two[two.len() - 2].text.contains("I baked bread."));
    }

    async fn no_memories_without_a_budget(db: TestDb) {
        let world = World::with_config(db, |config| config.chat.memory_tokens = 0).await;
        say(&world, ADA, "My bicycle is called Rocinante.", None).await;
        let session = say(&world, ADA, "What is the name of my bicycle?", None).await;
        assert!(!world.model.requests().pop().unwrap().messages[0].text.contains("Rocinante"));
        assert!(sources(&world, &last_message(&world, &session).await).await.is_empty());
    }
}
