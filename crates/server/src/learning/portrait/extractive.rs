//! A portrait without a model: the surest memories as they are, none of them twice, and tags for what many of them are about.

use super::{Draft, Interest};
use crate::memory::key_memories::KeyMemory;
use crate::memory::words::Bag;

/// Alike from here on, a second sentence adds nothing.
const REPEATS: f64 = 0.5;
/// So many memories about one thing make an interest.
const INTEREST: usize = 3;

pub(super) fn draft(memories: &[KeyMemory]) -> Draft {
    let mut ranked: Vec<&KeyMemory> = memories.iter().collect();
    let weight = |memory: &KeyMemory| {
        memory.confidence
            + if memory.kind == "FACT" { 0.2 } else { 0.0 }
            + if memory.data_type == "MANUAL" { 0.2 } else { 0.0 }
    };
    ranked.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(b.updated_at.cmp(&a.updated_at)).then(b.id.cmp(&a.id)));
    let mut chosen: Vec<Bag> = Vec::new();
    let mut sentences = Vec::new();
    for memory in ranked {
        let bag = Bag::of(&memory.content);
        if !bag.is_empty() && chosen.iter().all(|other| bag.likeness(other) < REPEATS) {
            sentences.push(memory.content.split_whitespace().collect::<Vec<_>>().join(" "));
            chosen.push(bag);
        }
    }
    Draft { sentences, interests: interests(memories) }
}

fn interests(memories: &[KeyMemory]) -> Vec<Interest> {
    let mut interests: Vec<Interest> = Vec::new();
    for memory in memories.iter().filter(|memory| memory.kind == "FACT" && memory.object != "general") {
        let name = memory.object.trim();
        match interests.iter_mut().find(|interest| interest.name.to_lowercase() == name.to_lowercase()) {
            Some(interest) => interest.memories.push(memory.id),
            None => interests.push(Interest {
                name: name.to_owned(),
                description: memory.content.clone(),
                memories: vec![memory.id],
            }),
        }
    }
    interests.retain(|interest| interest.memories.len() >= INTEREST);
    interests.sort_by_key(|interest| std::cmp::Reverse(interest.memories.len()));
    interests
}
