//! Learning from chats, and the nightly portrait.

use secondme_llm::scripted::Step;
use secondme_llm::{ChatRequest, Output, Scripted};
use secondme_server::access::Kind;
use secondme_server::learning::extraction::jobs::{Next, read};
use secondme_server::learning::extraction::material::{read_events, read_note};
use secondme_server::learning::portrait::{self, Method, jobs::nightfall};
use secondme_server::memory::forgetting;
use secondme_server::memory::key_memories;
use serde_json::{Value, json};

use crate::harness::{ADA, START, TestDb, World, both, data};

const SEARCH: &str = "secondme/memory/key/search?pageSize=100";
const MINUTE: i64 = 60_000;

/// What the model proposes to remember, one list for each reading; chats are answered with `answer`.
fn model(answer: &'static str, readings: Vec<Value>) -> Scripted {
    let readings = std::sync::Mutex::new(std::collections::VecDeque::from(readings));
    Scripted::with(move |request: &ChatRequest| match &request.output {
        Output::Text => vec![Step::text(answer)],
        Output::Json(_) => {
            let next = readings.lock().unwrap().pop_front().unwrap_or_else(|| json!([]));
            let is_portrait = request.messages[0].text.contains("portrait");
            vec![Step::text(if is_portrait { next } else { json!({"memories": next}) }.to_string())]
        }
    })
}

fn proposal(content: &str, from: &[usize]) -> Value {
    json!({"content": content, "kind": "FACT", "actor": "Ada", "object": "life", "from": from, "replaces": [], "since": "", "sure": 80})
}

async fn say(world: &World, session: &str, message: &str) {
    let mut body = json!({"message": message});
    body["sessionId"] = session.into();
    world.chat(ADA, &body).await;
    world.clock.advance(MINUTE);
}

/// The only memory of a kind, with its only source.
async fn only(world: &World, data_type: &str) -> (Value, key_memories::Source) {
    let mut found: Vec<Value> = memories(world).await.into_iter().filter(|m| m["dataType"] == data_type).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let memory = found.remove(0);
    let mut tx = world.app.store().read().await.unwrap();
    let mut sources = key_memories::sources(&mut tx, 1, memory["id"].as_i64().unwrap()).await.unwrap();
    assert_eq!(sources.len(), 1);
    (memory, sources.remove(0))
}

/// Jobs of a kind that wait, and when the first of them is due.
async fn waiting(world: &World, kind: &str) -> (i64, Option<i64>) {
    let counts = secondme_jobs::counts(world.app.store()).await.unwrap();
    counts.iter().find(|c| c.kind == kind).map_or((0, None), |c| (c.pending, c.oldest))
}

async fn memories(world: &World) -> Vec<Value> {
    data(world.get(SEARCH, ADA).await)["list"].as_array().unwrap().clone()
}

async fn learned(world: &World) -> Vec<Value> {
    memories(world).await.into_iter().filter(|m| m["dataType"] == "CHAT").collect()
}

const CHAT: &str = "labs_sess_learning0001";

both! {
    async fn a_chat_is_read_when_it_is_quiet_and_sources_are_kept(db: TestDb) {
        let readings = vec![json!([proposal("Ada runs along the Tagus every morning", &[1]), proposal("Ada owns a yacht", &[1])])];
        let world = World::with_model(db, model("Nice. Do you own a yacht?", readings)).await;
        say(&world, CHAT, "I run along the Tagus every morning before work").await;
        let next = read(&world.app, 1, CHAT).await.unwrap().unwrap();
        assert_eq!(next, Next::At(START + 300_000));
        assert!(learned(&world).await.is_empty());
        world.clock.advance(5 * MINUTE);
        assert_eq!(read(&world.app, 1, CHAT).await.unwrap().unwrap(), Next::Done);
        let memory = learned(&world).await.remove(0);
        assert_eq!(learned(&world).await.len(), 1, "nobody said anything of a yacht");
        assert_eq!(memory["factContent"], "Ada runs along the Tagus every morning");
        assert_eq!((memory["validFrom"].as_i64(), memory["visibility"].as_i64()), (Some(START), Some(0)));
        let mut tx = world.app.store().read().await.unwrap();
        let sources = key_memories::sources(&mut tx, 1, memory["id"].as_i64().unwrap()).await.unwrap();
        assert_eq!((sources.len(), sources[0].kind, sources[0].at), (1, "message", START));
        assert!(sources[0].id.starts_with("msg_"));
        drop(tx);
        // Nothing new was said: the model is not asked again.
        let asked = world.model.requests().len();
        assert_eq!(read(&world.app, 1, CHAT).await.unwrap().unwrap(), Next::Done);
        assert_eq!(world.model.requests().len(), asked);
        // The reader sees who said what, and is told to write what the owner says.
        let request = world.model.requests().last().unwrap().clone();
        assert!(request.last_user_text().contains("[1] Ada: I run along") && request.last_user_text().contains("[2] Avatar: Nice."));
    }

    async fn the_job_is_enqueued_with_the_question(db: TestDb) {
        let world = World::new(db).await;
        say(&world, CHAT, "hello").await;
        say(&world, CHAT, "again").await;
        let counts = secondme_jobs::counts(world.app.store()).await.unwrap();
        let quiet = counts.iter().find(|c| c.kind == "chat.quiet").unwrap();
        assert_eq!((quiet.pending, quiet.oldest), (1, Some(START + 300_000)));
    }

    async fn a_note_is_read_when_it_is_left_alone_and_takes_what_was_learned_along(db: TestDb) {
        let readings = vec![
            json!([proposal("Ada keeps bees behind the workshop", &[1]), proposal("Ada keeps bees behind the workshop.", &[1])]),
            json!([proposal("Ada sold the bees in May", &[1])]),
        ];
        let world = World::with_model(db, model("Good.", readings)).await;
        let add = async |body: Value| data(world.post("secondme/note/add", ADA, &body).await)["noteId"].as_i64().unwrap();
        let id = add(json!({"title": "Bees", "content": "I keep bees behind the workshop.\nTwo hives.", "memoryType": "TEXT"})).await;
        assert_eq!(waiting(&world, "memory.note_quiet").await, (1, Some(START + 300_000)));
        assert_eq!(read_note(&world.app, 1, id).await.unwrap().unwrap(), Next::At(START + 300_000));
        world.clock.advance(5 * MINUTE);
        assert_eq!(read_note(&world.app, 2, id).await.unwrap().unwrap(), Next::Done, "somebody else's note");
        assert!(world.model.requests().is_empty());
        assert_eq!(read_note(&world.app, 1, id).await.unwrap().unwrap(), Next::Done);
        let (memory, source) = only(&world, "NOTE").await;
        assert_eq!(memory["factContent"], "Ada keeps bees behind the workshop");
        assert_eq!((source.kind, source.id.as_str(), source.at), ("note", id.to_string().as_str(), START));
        let request = world.model.requests().last().unwrap().clone();
        assert!(request.last_user_text().contains("Note:\n[1] Ada: Bees I keep bees"), "{}", request.last_user_text());
        // Unchanged it is not read again; changed it is.
        assert_eq!(read_note(&world.app, 1, id).await.unwrap().unwrap(), Next::Done);
        assert_eq!(world.model.requests().len(), 1);
        let change = json!({"content": "I sold the bees in May."});
        data(world.post(&format!("secondme/note/{id}/update"), ADA, &change).await);
        world.clock.advance(5 * MINUTE);
        read_note(&world.app, 1, id).await.unwrap().unwrap();
        assert_eq!(memories(&world).await.iter().filter(|m| m["dataType"] == "NOTE").count(), 2);
        data(world.post(&format!("secondme/note/{id}/delete"), ADA, &json!({})).await);
        assert!(memories(&world).await.iter().all(|m| m["dataType"] != "NOTE"), "what was learned from it alone went with it");
        assert_eq!(waiting(&world, forgetting::FORGOTTEN).await.0, 1, "the portrait is told");
    }

    async fn important_events_are_learned_from_and_usual_ones_are_not(db: TestDb) {
        let readings = vec![json!([proposal("Ada finished the Lisbon marathon", &[1]), proposal("Ada opened the app", &[2])])];
        let world = World::with_model(db, model("Good.", readings)).await;
        let token = world.mint(Kind::Access, "agent_memory").await;
        let event = |id: &str, text: &str, importance: f64| json!({
            "channel": {"kind": "race"}, "action": "finish", "display_text": text, "importance": importance,
            "refs": [{"object_type": "race", "object_id": id}],
        });
        let ingest = async |body: Value| data(world.post("secondme/agent_memory/ingest", &token, &body).await);
        ingest(event("1", "Opened the app", 0.5)).await;
        assert_eq!(waiting(&world, "memory.events_quiet").await.0, 0, "usual events wake nobody");
        let id = ingest(event("2", "Finished the Lisbon marathon in four hours", 0.9)).await["eventId"].as_i64().unwrap();
        ingest(event("2", "Finished the Lisbon marathon in four hours", 0.9)).await;
        assert_eq!(waiting(&world, "memory.events_quiet").await, (1, Some(START + 300_000)));
        assert_eq!(read_events(&world.app, 1).await.unwrap().unwrap(), Next::Done);
        let request = world.model.requests().last().unwrap().clone();
        assert!(request.last_user_text().contains("[1] Ada: Finished the Lisbon marathon"), "{}", request.last_user_text());
        assert!(!request.last_user_text().contains("Opened the app"));
        let (memory, source) = only(&world, "EVENT").await;
        assert_eq!(memory["factContent"], "Ada finished the Lisbon marathon");
        assert_eq!((source.kind, source.id.as_str(), source.app_id.as_str()), ("event", id.to_string().as_str(), "app_demo"));
        assert_eq!(read_events(&world.app, 1).await.unwrap().unwrap(), Next::Done);
        assert_eq!(world.model.requests().len(), 1, "they are read once");
    }

    async fn what_the_avatar_said_first_never_comes_back(db: TestDb) {
        let readings = vec![json!([proposal("Ada keeps bees behind the workshop", &[3]), proposal("Ada sings", &[2]), proposal("Ada sings", &[])])];
        let world = World::with_model(db, model("Your note says that you keep bees behind the workshop.", readings)).await;
        say(&world, CHAT, "What do you know about me?").await;
        say(&world, CHAT, "So I keep bees behind the workshop, right").await;
        world.clock.advance(5 * MINUTE);
        read(&world.app, 1, CHAT).await.unwrap().unwrap();
        assert!(learned(&world).await.is_empty());
    }

    async fn what_is_known_is_not_learned_again(db: TestDb) {
        let readings = vec![
            json!([proposal("Ada plays tennis on Sundays", &[1])]),
            json!([proposal("ada plays TENNIS on sundays!", &[1]), proposal("On Sundays Ada is playing tennis", &[1])]),
            json!([proposal("My cat is called Babbage and is nine years old", &[1])]),
        ];
        let world = World::with_model(db, model("Good.", readings)).await;
        world.remember().await;
        for (n, message) in ["I play tennis on Sundays", "As I said, on Sundays I play tennis", "My cat Babbage is nine years old"].iter().enumerate() {
            let session = format!("labs_sess_learning001{n}");
            say(&world, &session, message).await;
            world.clock.advance(6 * MINUTE);
            read(&world.app, 1, &session).await.unwrap().unwrap();
        }
        let learned = learned(&world).await;
        assert_eq!(learned.len(), 1, "{learned:#?}");
        assert!(learned[0]["confidence"].as_f64().unwrap() > 0.8, "heard again, surer");
        let mut tx = world.app.store().read().await.unwrap();
        let sources = key_memories::sources(&mut tx, 1, learned[0]["id"].as_i64().unwrap()).await.unwrap();
        assert_eq!(sources.len(), 2);
    }

    async fn a_newer_fact_ends_the_older_and_a_contradiction_is_linked(db: TestDb) {
        let mut moved = proposal("Ada lives in Porto since the spring", &[1]);
        moved["replaces"] = json!([1]);
        moved["since"] = "2025-04-01".into();
        let readings = vec![
            json!([proposal("Ada lives in Braga near the river", &[1]), proposal("Ada has 2 brothers in Braga", &[1])]),
            json!([moved, proposal("Ada has 3 brothers in Braga", &[1])]),
        ];
        let world = World::with_model(db, model("I see.", readings)).await;
        say(&world, CHAT, "I live in Braga near the river and have 2 brothers in Braga").await;
        world.clock.advance(6 * MINUTE);
        read(&world.app, 1, CHAT).await.unwrap().unwrap();
        // The one that has most to do with the next message is shown as K1.
        let second = "labs_sess_learning0020";
        say(&world, second, "Since the spring I live in Porto, no longer near the river in Braga. I have 3 brothers in Braga").await;
        world.clock.advance(6 * MINUTE);
        read(&world.app, 1, second).await.unwrap().unwrap();
        let shown = world.model.requests().last().unwrap().last_user_text().to_owned();
        assert!(shown.contains("K1: Ada lives in Braga") || shown.contains("K2: Ada lives in Braga"), "{shown}");
        let all = learned(&world).await;
        let find = |text: &str| all.iter().find(|m| m["factContent"].as_str().unwrap().contains(text)).unwrap().clone();
        let (old, new, three, two) = (find("near the river"), find("Porto"), find("3 brothers"), find("2 brothers"));
        assert_eq!(two["memoryState"], "ACTIVE");
        let mut tx = world.app.store().read().await.unwrap();
        let links = key_memories::links(&mut tx, 1, three["id"].as_i64().unwrap()).await.unwrap();
        assert_eq!(links, [(two["id"].as_i64().unwrap(), "contradicts".to_owned())]);
        drop(tx);
        if shown.contains("K1: Ada lives in Braga") {
            assert_eq!((old["memoryState"].as_str(), old["supersededBy"].as_i64()), (Some("SUPERSEDED"), new["id"].as_i64()));
            assert_eq!(new["validFrom"], 1_743_465_600_000_i64);
            assert_eq!(old["validUntil"], new["validFrom"]);
        }
    }

    async fn a_model_that_is_away_is_asked_again_and_nothing_is_skipped(db: TestDb) {
        let away = Step::Refuse(secondme_llm::ModelError::Unavailable("loading".into()));
        let script = vec![
            vec![Step::text("Fine.")],
            vec![away],
            vec![Step::text("no json at all")],
            vec![Step::text(json!({"memories": [proposal("Ada paints boats blue", &[1])]}).to_string())],
        ];
        let world = World::with_model(db, Scripted::sequence(script)).await;
        say(&world, CHAT, "I paint boats blue").await;
        world.clock.advance(6 * MINUTE);
        assert!(read(&world.app, 1, CHAT).await.unwrap().is_err());
        assert!(read(&world.app, 1, CHAT).await.unwrap().is_err());
        assert_eq!(read(&world.app, 1, CHAT).await.unwrap().unwrap(), Next::Done);
        assert_eq!(learned(&world).await.len(), 1);
    }

    async fn the_portrait_is_written_from_memories_and_shows_what_changed(db: TestDb) {
        let portrait = json!({
            "sentences": [
                {"text": "I am allergic to peanuts.", "from": [1, 2, 3]},
                {"text": "My cat Babbage is nine years old.", "from": [1, 2, 3]},
                {"text": "I won the lottery twice.", "from": [1]},
            ],
            "interests": [
                {"name": "Northern lights", "description": "I want to see the northern lights in Tromsø.", "from": [1, 2, 3]},
                {"name": "Chess", "description": "I play chess against computers.", "from": [1, 2]},
            ],
        });
        let world = World::with_model(db, model("Yes.", vec![portrait])).await;
        world.remember().await;
        let dream = portrait::dream(&world.app, 1).await.unwrap();
        assert_eq!((dream.method, dream.without_model), (Method::Model, None));
        assert_eq!(dream.diff, "+ I am allergic to peanuts.\n+ My cat Babbage is nine years old.");
        assert_eq!(dream.interests, ["Northern lights"]);
        let info = data(world.get("secondme/user/info", ADA).await);
        assert_eq!(info["bio"], "I am allergic to peanuts.\nMy cat Babbage is nine years old.");
        // A learned interest is nobody else's business.
        assert_eq!(data(world.get("secondme/user/shades", ADA).await)["shades"].as_array().unwrap().len(), 3);
        // The next chat speaks from it.
        world.chat(ADA, &json!({"message": "hi"})).await;
        let prompt = world.model.requests().last().unwrap().messages[0].text.clone();
        assert!(prompt.contains("My cat Babbage is nine years old.") && prompt.contains("Northern lights"), "{prompt}");
        assert_eq!(portrait::past(&world.app, 1).await.unwrap()[0].diff, dream.diff);
    }

    async fn without_a_model_the_portrait_is_made_of_the_memories(db: TestDb) {
        let world = World::with_config(db, |config| config.learning.model = "off".into()).await;
        world.remember().await;
        data(world.post("secondme/memory/key", ADA, &json!({"content": "I am really allergic to peanuts!"})).await);
        let dream = portrait::dream(&world.app, 1).await.unwrap();
        assert_eq!((dream.method, dream.without_model.clone()), (Method::Extractive, None));
        assert_eq!(dream.bio.lines().filter(|line| line.contains("peanuts")).count(), 1, "{}", dream.bio);
        assert!(dream.bio.contains("Babbage"));
        let again = portrait::dream(&world.app, 1).await.unwrap();
        assert_eq!(again.diff, "");
    }

    async fn an_echo_of_a_model_gives_the_same(db: TestDb) {
        let world = World::new(db).await;
        world.remember().await;
        let dream = portrait::dream(&world.app, 1).await.unwrap();
        assert_eq!(dream.method, Method::Extractive);
        assert!(dream.without_model.is_some() && dream.bio.contains("Babbage"));
    }

    async fn it_is_night_once_a_day_where_the_user_lives(db: TestDb) {
        // 15:06 UTC is 23:06 in Shanghai, and 03:06 there four hours later.
        let world = World::new(db).await;
        world.remember().await;
        for zone in ["Asia/Shanghai", "UTC"] {
            data(world.post("secondme/memory/settings", ADA, &json!({"timeZone": zone})).await);
            assert_eq!(nightfall(&world.app).await.unwrap(), 0);
        }
        data(world.post("secondme/memory/settings", ADA, &json!({"timeZone": "Asia/Shanghai"})).await);
        world.clock.advance(4 * 60 * MINUTE);
        assert_eq!(nightfall(&world.app).await.unwrap(), 1);
        portrait::dream(&world.app, 1).await.unwrap();
        world.clock.advance(24 * 60 * MINUTE);
        assert_eq!(nightfall(&world.app).await.unwrap(), 0, "nothing is new");
        data(world.post("secondme/memory/key", ADA, &json!({"content": "I bought a kayak"})).await);
        assert_eq!(nightfall(&world.app).await.unwrap(), 1);
    }

    async fn what_is_forgotten_leaves_the_portrait_and_its_past(db: TestDb) {
        let world = World::with_config(db, |config| config.learning.model = "off".into()).await;
        world.remember().await;
        let app = world.mint(secondme_server::access::Kind::Access, "memory.write").await;
        data(world.post("secondme/memory/key", &app, &json!({"content": "I collect vintage typewriters"})).await);
        assert!(portrait::dream(&world.app, 1).await.unwrap().bio.contains("typewriters"));
        let counts = forgetting::forget(&world.app, 1, "app_demo", "r1").await.unwrap();
        assert_eq!(counts.key_memories, 1);
        world.clock.advance(1);
        world.run_jobs().await;
        let info = data(world.get("secondme/user/info", ADA).await);
        assert!(!info["bio"].as_str().unwrap().contains("typewriters") && info["bio"].as_str().unwrap().contains("Babbage"), "{info}");
        for past in portrait::past(&world.app, 1).await.unwrap() {
            assert!(!past.diff.contains("typewriters") && !past.bio.contains("typewriters"));
        }
    }
}
