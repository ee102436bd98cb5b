//! What the model is told when it reads a conversation, and the shape of its answer.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Matter, Speaker, Transcript, examples, listened_to};
use crate::app::App;
use crate::memory::key_memories::Known;
use crate::memory::words::Bag;

pub(super) struct Asked {
    pub(super) instructions: String,
    pub(super) examples: Vec<(String, Value)>,
    pub(super) material: String,
    pub(super) schema: Value,
}

/// The known memories that have most to do with a conversation.
pub(super) fn relevant<'k>(transcript: &Transcript, known: &'k [Known], limit: usize) -> Vec<&'k Known> {
    let mut said = Bag::default();
    for line in &transcript.lines {
        said.extend(&Bag::of(&line.text));
    }
    let mut ranked: Vec<(f64, &Known)> = known.iter().map(|known| (known.bag.covered_by(&said), known)).collect();
    ranked.retain(|(covered, _)| *covered > 0.0);
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().take(limit).map(|(_, known)| known).collect()
}

pub(super) fn build(app: &App, transcript: &Transcript, owner: &str, known: &[&Known]) -> Asked {
    let config = &app.config().learning;
    let mut material = String::new();
    if !known.is_empty() {
        material.push_str("Known memories:\n");
        for (n, known) in known.iter().enumerate() {
            let _ = writeln!(material, "K{}: {}", n + 1, known.memory.content);
        }
        material.push('\n');
    }
    material.push_str(match transcript.matter {
        Matter::Chat => "Conversation:\n",
        Matter::Note => "Note:\n",
        Matter::Events => "Events:\n",
    });
    for (n, line) in transcript.lines.iter().enumerate() {
        let who = match &line.speaker {
            Speaker::Owner => owner,
            Speaker::Avatar => "Avatar",
            Speaker::Other(name) => name,
        };
        let text: String = line.text.chars().take(config.message_max_chars).collect();
        let _ = writeln!(material, "[{}] {who}: {}", n + 1, text.replace('\n', " "));
    }
    let (instructions, examples) = match listened_to(transcript) {
        Speaker::Other(other) => (about_other(owner, &other), Vec::new()),
        _ => (about_owner(owner, transcript.matter), examples::about_owner(transcript)),
    };
    let schema = schema(transcript.lines.len(), known.len(), config.memories_max);
    Asked { instructions, examples, material, schema }
}

fn about_owner(owner: &str, matter: Matter) -> String {
    let read = match matter {
        Matter::Chat => format!("the conversation between {owner} and their avatar"),
        Matter::Note => format!("the note that {owner} wrote"),
        Matter::Events => format!("what apps saw {owner} do"),
    };
    format!(
        "You keep the long-term memory of {owner}. Read {read}, and write down what is worth remembering about {owner} for years.\n\
         - Only what {owner} says counts. Never write down what only the avatar says, and nothing that is among the known memories.\n\
         - Each `content` is one short sentence about {owner} by name that can be understood on its own, in the language that \
         {owner} used and close to their words.\n\
         - `kind`: FACT (life, plans, likes), STYLE (how {owner} speaks or wants to be spoken to), RELATION (about a person whom \
         {owner} knows; `actor` is that person's name).\n\
         - `object`: what it is about, in one or two words. `from`: the numbers of the lines of {owner} that say it.\n\
         - `replaces`: numbers of known memories (K1 is 1) that are no longer true because of it.\n\
         - `since`: the date it became true as YYYY-MM-DD, if it was said, otherwise \"\". `sure`: 0 to 100.\n\
         Leave out greetings, questions, and what matters in this conversation only."
    )
}

fn about_other(owner: &str, other: &str) -> String {
    format!(
        "You keep the long-term memory of {owner}. Read the conversation between {other} and {owner}'s avatar, and write down who \
         {other} is to {owner}: what {other} does, wants from {owner}, or shares with {owner}.\n\
         - Only what {other} says counts, never what the avatar says, and nothing that is among the known memories.\n\
         - Each `content` is one short sentence about {other} by name that can be understood on its own, in the language that \
         {other} used and close to their words. `kind` is RELATION, `actor` is {other}.\n\
         - `object`: what it is about, in one or two words. `from`: the numbers of the lines of {other} that say it.\n\
         - `replaces`: numbers of known memories (K1 is 1) that are no longer true because of it.\n\
         - `since`: the date it became true as YYYY-MM-DD, if it was said, otherwise \"\". `sure`: 0 to 100.\n\
         Leave out greetings and questions. An empty list is a good answer."
    )
}

/// Strings and lists are bounded, so that the answer ends.
fn schema(lines: usize, known: usize, memories: usize) -> Value {
    let numbers = |most: usize, min: usize| {
        json!({"type": "array", "minItems": min, "maxItems": 4,
               "items": {"type": "integer", "minimum": 1, "maximum": most.max(1)}})
    };
    json!({
        "type": "object", "additionalProperties": false, "required": ["memories"],
        "properties": {"memories": {"type": "array", "maxItems": memories, "items": {
            "type": "object", "additionalProperties": false,
            "required": ["from", "content", "kind", "actor", "object", "replaces", "since", "sure"],
            "properties": {
                "from": numbers(lines, 1),
                "content": {"type": "string", "minLength": 2, "maxLength": 240},
                "kind": {"enum": ["FACT", "STYLE", "RELATION"]},
                "actor": {"type": "string", "maxLength": 60},
                "object": {"type": "string", "maxLength": 40},
                "replaces": if known == 0 { json!({"type": "array", "maxItems": 0}) } else { numbers(known, 0) },
                "since": {"type": "string", "maxLength": 10},
                "sure": {"type": "integer", "minimum": 0, "maximum": 100},
            },
        }}},
    })
}
