//! What an avatar remembers towards its visitors: what they may hear, and the notes that its owner named for it. Which of it was in
//! an answer's prompt is the owner's to see.

use secondme_llm::scripted::Step;
use secondme_llm::{ChatRequest, Output, Scripted};
use secondme_store::{params, sql};
use serde_json::{Value, json};

use crate::harness::{ADA, AVATAR_KEY, LIN, Socket, TestDb, World, both, data, refused};

/// Says something to an avatar and waits for the answer: what the model was given, and the answer's id.
async fn ask(world: &World, token: &str, session: &Value, question: &str) -> (String, String) {
    let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
    ask_over(&mut socket, world, token, session, question).await
}

/// The same over a socket that stays open: a new one begins with what was replied before.
async fn ask_over(
    socket: &mut Socket,
    world: &World,
    token: &str,
    session: &Value,
    question: &str,
) -> (String, String) {
    let body = json!({"sessionId": session["sessionId"], "message": question});
    data(world.post("secondme/visitor-chat/send", token, &body).await);
    let frames = socket.replies(1).await;
    let prompt = world.model.requests().pop().unwrap().messages;
    let text = prompt.iter().map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n");
    (text, frames.last().unwrap()["messageId"].as_str().unwrap().to_owned())
}

async fn key_memory(world: &World, content: &str, visibility: i64) {
    let body = json!({"content": content, "visibility": visibility});
    data(world.post("secondme/memory/key", ADA, &body).await);
}

/// A model that answers chats and, asked what it learned of one, says who the visitor is.
fn reader() -> Scripted {
    Scripted::with(|request: &ChatRequest| match &request.output {
        Output::Text => vec![Step::text("Do you own a yacht?")],
        Output::Json(_) => {
            assert!(request.messages.last().unwrap().text.contains("林小满: I build violins in Porto"));
            let memory = |content: &str| {
                json!({"content": content, "kind": "RELATION", "actor": "林小满", "object": "work",
                "from": [1], "replaces": [], "since": "", "sure": 80})
            };
            vec![Step::text(
                json!({"memories": [memory("林小满 builds violins in Porto"), memory("林小满 owns a yacht")]})
                    .to_string(),
            )]
        }
    })
}

both! {
    async fn who_visits_by_name_is_remembered(db: TestDb) {
        let world = World::with_model(db, reader()).await;
        let session = data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": AVATAR_KEY})).await);
        ask(&world, LIN, &session, "I build violins in Porto and would like to hear you play.").await;
        let token = world.app_token().await;
        let nameless = world.visit(&token, "device_abc123").await;
        ask(&world, &token, &nameless, "I sell boats").await;
        let learned = async || {
            while world.run_jobs().await > 0 {}
            let list = data(world.get("secondme/memory/key/search?pageSize=100", ADA).await)["list"].as_array().unwrap().clone();
            list.into_iter().filter(|memory| memory["dataType"] == "CHAT").collect::<Vec<_>>()
        };
        assert_eq!(learned().await, Vec::<Value>::new(), "not before it is quiet");
        world.clock.advance(301_000);
        let memories = learned().await;
        // What only the avatar said is not learned, and nothing of somebody without a name.
        assert_eq!(memories.len(), 1, "{memories:?}");
        let memory = &memories[0];
        assert_eq!((&memory["factContent"], &memory["memoryKind"], &memory["factActor"], &memory["visibility"]),
            (&json!("林小满 builds violins in Porto"), &json!("RELATION"), &json!("林小满"), &json!(0)));
    }

    async fn visitors_are_told_what_they_may_hear(db: TestDb) {
        let world = World::new(db).await;
        key_memory(&world, "I teach pottery on Tuesdays in Alfama", 1).await;
        key_memory(&world, "My pottery debts are at 4417 crowns", 0).await;
        key_memory(&world, "I grew up on the Azores", 1).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "device_abc123").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        let (prompt, answer) = ask_over(&mut socket, &world, &token, &session, "When do you teach pottery?").await;
        assert!(prompt.contains("I teach pottery on Tuesdays in Alfama") && !prompt.contains("4417"), "{prompt}");
        assert!(prompt.contains("I grew up on the Azores"), "what every visitor may know is always there: {prompt}");
        // The owner sees which memories the answer had; nobody else does.
        let path = format!("secondme/chat/messages/{answer}/sources");
        let told = data(world.get(&path, ADA).await);
        let texts: Vec<&str> = told["sources"].as_array().unwrap().iter().map(|s| s["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["I teach pottery on Tuesdays in Alfama", "I grew up on the Azores"]);
        refused(&world.get(&path, LIN).await, 404, "resource.fetch.not_found");
        // What is private again is not told any more.
        let list = data(world.get("secondme/memory/key/search?keyword=Alfama", ADA).await);
        let id = &list["list"][0]["id"];
        data(world.post(&format!("secondme/memory/key/{id}/update"), ADA, &json!({"visibility": 0})).await);
        let (_, answer) = ask_over(&mut socket, &world, &token, &session, "Do you still teach pottery?").await;
        let told = data(world.get(&format!("secondme/chat/messages/{answer}/sources"), ADA).await);
        assert!(!told.to_string().contains("pottery") && told.to_string().contains("Azores"), "{told}");
    }

    async fn a_note_named_for_an_avatar_is_told_by_that_avatar_alone(db: TestDb) {
        let world = World::new(db).await;
        let add = |title: &'static str, content: String| { let world = &world; async move {
            let body = json!({"memoryType": "TEXT", "title": title, "content": content});
            data(world.post("secondme/note/add", ADA, &body).await)["noteId"].as_i64().unwrap()
        } };
        let menu = add("Menu", format!("{}Friday's soup is caldo verde.", "Bread and butter come first. ".repeat(60))).await;
        add("Diary", "The soup on Friday was a disaster; the bank called.".to_owned()).await;
        let body = json!({"title": "Kitchen", "scenarioPrompt": "You take orders.", "relatedNoteIds": [menu]});
        let kitchen = data(world.post("secondme/avatar/create", ADA, &body).await)["avatarId"].clone();
        let key = data(world.post("secondme/avatar/api-key/create", ADA, &json!({"avatarId": kitchen, "name": "site"})).await);
        let init = |key: Value| { let world = &world; async move {
            data(world.post("secondme/visitor-chat/init", LIN, &json!({"apiKey": key})).await)
        } };
        let at_the_kitchen = init(key["secretKey"].clone()).await;
        let (prompt, answer) = ask(&world, LIN, &at_the_kitchen, "What soup is there on Friday?").await;
        assert!(prompt.contains("Friday's soup is caldo verde.") && !prompt.contains("the bank called"), "{prompt}");
        let kinds = world.app.store().all(sql!("SELECT kind FROM visitor_sources WHERE message_id = $1 AND user_id = 1"), params![answer]).await.unwrap();
        assert!(kinds.iter().any(|row| row.get::<String>("kind").unwrap() == "note_part"));
        let (prompt, _) = ask(&world, LIN, &init(json!(AVATAR_KEY)).await, "What soup is there on Friday?").await;
        assert!(!prompt.contains("caldo verde") && !prompt.contains("the bank called"), "{prompt}");
    }
}
