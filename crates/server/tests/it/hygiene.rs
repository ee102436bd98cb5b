//! Thirty-two simulated days of chats: what a careless model proposes, and what the door lets in.
//!
//! The model reads badly on purpose: it proposes every sentence of the owner (small talk too, when it is long enough), rewords
//! facts it has seen, repeats what the avatar recalled, invents, and forgets to name sources. The door has to cope.

use std::collections::BTreeSet;

use secondme_llm::scripted::Step;
use secondme_llm::{ChatRequest, Output, Scripted};
use secondme_server::learning::extraction::jobs::{Next, read};
use secondme_server::memory::words::{Bag, fingerprint};
use serde_json::{Value, json};

use crate::harness::{ADA, TestDb, World, both, data};

const DAYS: usize = 32;
/// What Ada says in these days: the subject, and what she says of it in several wordings.
const FACTS: [[&str; 3]; 12] = [
    ["I grow tomatoes on the balcony", "On the balcony I am growing tomatoes", "my balcony is where I grow tomatoes"],
    [
        "My sister Clara teaches physics in Coimbra",
        "Clara, my sister, teaches physics in Coimbra",
        "In Coimbra my sister Clara teaches physics",
    ],
    [
        "I swim two kilometres on Wednesdays",
        "On Wednesdays I swim two kilometres",
        "Wednesdays are for swimming two kilometres",
    ],
    [
        "I am afraid of thunder since I was a child",
        "Since I was a child I am afraid of thunder",
        "thunder: I am afraid of it since I was a child",
    ],
    [
        "My first computer was a Sinclair Spectrum",
        "A Sinclair Spectrum was my first computer",
        "my very first computer was the Sinclair Spectrum",
    ],
    ["I drink green tea with ginger", "Green tea with ginger is what I drink", "I am drinking green tea with ginger"],
    ["My neighbour Rui repairs violins", "Rui, my neighbour, repairs violins", "my neighbour Rui is repairing violins"],
    [
        "I read Saramago in the tram to work",
        "In the tram to work I read Saramago",
        "Saramago is what I read in the tram to work",
    ],
    [
        "I speak Portuguese, English and some Danish",
        "English, Portuguese and some Danish I speak",
        "I speak some Danish, English and Portuguese",
    ],
    ["My bicycle is red and has no gears", "My red bicycle has no gears", "no gears on my red bicycle"],
    [
        "I volunteer at the animal shelter in Almada",
        "At the animal shelter in Almada I volunteer",
        "I am volunteering at the animal shelter in Almada",
    ],
    [
        "My grandmother came from Madeira",
        "From Madeira came my grandmother",
        "my grandmother came from Madeira, you know",
    ],
];
const RECALLED: [&str; 4] = [
    "You wrote that the sourdough starter is older than the cat.",
    "Your note says lessons with Teresa are on Tuesdays at seven in Alfama.",
    "You told me that the spare key hangs behind the blue door.",
    "I remember that you planted a lemon tree beside the well.",
];

/// Proposes whatever there is to read, and more.
fn careless(request: &ChatRequest) -> Vec<Step> {
    let Output::Json(_) = &request.output else {
        let turn = request.messages.len() / 2;
        return vec![Step::text(RECALLED[turn % RECALLED.len()])];
    };
    let mut memories: Vec<Value> = Vec::new();
    let mut propose = |content: &str, from: Vec<usize>| {
        memories.push(json!({"content": content, "kind": "FACT", "actor": "Ada", "object": "life", "from": from,
                             "replaces": [], "since": "", "sure": 70}));
    };
    let material = request.last_user_text();
    let lines = material.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
    for (number, line) in lines {
        let n: usize = number.parse().unwrap();
        if let Some(said) = line.strip_prefix("Ada: ") {
            if said.ends_with('?') || said.len() < 20 {
                continue;
            }
            propose(&said.replacen("I ", "Ada ", 1), vec![n]);
            propose(said, vec![n]);
        } else if let Some(recalled) = line.strip_prefix("Avatar: ") {
            propose(recalled, vec![n]); // the avatar's own words
            propose(recalled, vec![n + 1]); // blamed on the owner's next words
            propose(&recalled.replace("You ", "Ada ").replace("Your ", "Ada's "), vec![]);
        }
    }
    let known = material.lines().filter_map(|line| line.strip_prefix('K')?.split_once(": "));
    for (_, content) in known {
        propose(content, vec![1]); // what it was shown
    }
    propose("Ada secretly owns a castle in Scotland", vec![1]); // invented
    vec![Step::text(json!({"memories": memories}).to_string())]
}

struct Figures {
    stored: usize,
    junk: usize,
    exact: usize,
    near: usize,
    feedback: usize,
    facts: usize,
}

fn judge(contents: &[String]) -> Figures {
    let bags: Vec<Bag> = contents.iter().map(|text| Bag::of(text)).collect();
    let belongs = |bag: &Bag, text: &str| bag.likeness(&Bag::of(text)) >= 0.5;
    let is_fact = |bag: &Bag| FACTS.iter().position(|wordings| wordings.iter().any(|w| belongs(bag, w)));
    let facts: Vec<Option<usize>> = bags.iter().map(is_fact).collect();
    let unique: BTreeSet<_> = contents.iter().map(|text| fingerprint(text)).collect();
    let known: BTreeSet<_> = facts.iter().flatten().collect();
    let feedback = bags.iter().filter(|bag| RECALLED.iter().any(|text| belongs(bag, text))).count();
    Figures {
        stored: contents.len(),
        junk: facts.iter().filter(|fact| fact.is_none()).count(),
        exact: contents.len() - unique.len(),
        near: facts.iter().flatten().count() - known.len(),
        feedback,
        facts: known.len(),
    }
}

both! {
    async fn a_month_of_chats_leaves_no_junk(db: TestDb) {
        let world = World::with(db, crate::harness::Setup {
            config: {
                let mut config = secondme_server::config::Config::default();
                config.learning.memories_max = 100;
                config
            },
            model: Scripted::with(careless),
            ..crate::harness::Setup::default()
        }).await;
        for day in 0..DAYS {
            let session = format!("labs_sess_day{day:09}");
            let fact = |n: usize| FACTS[(day + n) % FACTS.len()][(day / 2 + n) % 3];
            let repeated = RECALLED[day % RECALLED.len()];
            for message in ["Good morning!", fact(0), "What else do you remember?", fact(5), "Thanks, that is nice", repeated, fact(day)] {
                world.chat(ADA, &json!({"message": message, "sessionId": session})).await;
                world.clock.advance(30_000);
            }
            world.clock.advance(86_400_000);
            assert_eq!(read(&world.app, 1, &session).await.unwrap().unwrap(), Next::Done);
        }
        let mut contents = Vec::new();
        for page in 1.. {
            let rows = data(world.get(&format!("secondme/memory/key/search?pageSize=100&pageNo={page}"), ADA).await);
            let rows = rows["list"].as_array().unwrap().clone();
            if rows.is_empty() {
                break;
            }
            contents.extend(rows.iter().filter(|m| m["dataType"] == "CHAT").map(|m| m["factContent"].as_str().unwrap().to_owned()));
        }
        let figures = judge(&contents);
        let share = |n: usize| 100.0 * n as f64 / figures.stored.max(1) as f64;
        println!(
            "{DAYS} days, {} memories of {} facts: junk {:.1} %, exact duplicates {}, near duplicates {:.1} %, feedback copies {}",
            figures.stored, figures.facts, share(figures.junk), figures.exact, share(figures.near), figures.feedback
        );
        assert_eq!(figures.facts, FACTS.len(), "{contents:#?}");
        assert!(share(figures.junk) <= 2.0, "{contents:#?}");
        assert_eq!((figures.exact, figures.feedback), (0, 0), "{contents:#?}");
        assert!(share(figures.near) <= 1.0, "{contents:#?}");
    }
}
