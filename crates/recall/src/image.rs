//! All memories of one user that one kind of listener may hear, in a form that is searched in memory.

use std::collections::HashMap;

use crate::code::Code;
use crate::postings::{Postings, Slot};
use crate::vectors::Vectors;
use crate::words::words;

/// A memory on its way into the image.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Unique; the caller's.
    pub id: i64,
    /// What is remembered.
    pub text: &'a str,
    /// Who said it.
    pub speaker: Option<&'a str>,
    /// What it belongs to.
    pub conversation: Option<&'a str>,
    /// The place within that.
    pub position: i64,
    /// When it happened, in milliseconds.
    pub at: i64,
    /// From 0 to 1.
    pub importance: f32,
    /// A number below 32, for questions that want some kinds only.
    pub kind: u8,
}

/// A memory in the image.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub id: i64,
    pub at: i64,
    pub position: i64,
    pub speaker: u32,
    pub conversation: u32,
    pub length: u16,
    pub importance: f32,
}

/// No speaker, no conversation.
pub(crate) const NOBODY: u32 = u32::MAX;
/// The kind of a forgotten memory.
const DEAD: u8 = u8::MAX;

/// The image.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub(crate) memories: Vec<Memory>,
    /// Their lengths again, close together, for walks through long lists.
    pub(crate) lengths: Vec<u16>,
    /// What kind each is, or [`DEAD`]; close together, as many are asked for in each search.
    pub(crate) kinds: Vec<u8>,
    pub(crate) postings: Postings,
    pub(crate) vectors: Vectors,
    pub(crate) speakers: Names,
    pub(crate) conversations: Names,
    /// For each conversation its memories, by position.
    pub(crate) turns: Vec<Vec<(i64, Slot)>>,
    by_id: HashMap<i64, Slot>,
    pub(crate) alive: usize,
    pub(crate) total_length: u64,
}

/// Names by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) all: Vec<Box<str>>,
    by_name: HashMap<Box<str>, u32>,
}

impl Names {
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    fn of(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else { return NOBODY };
        if let Some(number) = self.find(name) {
            return number;
        }
        let number = self.all.len() as u32;
        self.all.push(name.into());
        self.by_name.insert(name.into(), number);
        number
    }
}

impl Image {
    /// Takes a memory in, in place of one with the same id.
    pub fn put(&mut self, item: &Item<'_>) {
        self.remove(item.id);
        let slot = self.memories.len() as Slot;
        let tokens = words(item.text).tokens;
        self.postings.add(slot, &tokens);
        let conversation = self.conversations.of(item.conversation);
        if conversation != NOBODY {
            let at = conversation as usize;
            if self.turns.len() <= at {
                self.turns.resize_with(at + 1, Vec::new);
            }
            let turns = &mut self.turns[at];
            let place = turns.partition_point(|turn| *turn <= (item.position, slot));
            turns.insert(place, (item.position, slot));
        }
        self.lengths.push(u16::try_from(tokens.len()).unwrap_or(u16::MAX));
        self.memories.push(Memory {
            id: item.id,
            at: item.at,
            position: item.position,
            speaker: self.speakers.of(item.speaker),
            conversation,
            length: u16::try_from(tokens.len()).unwrap_or(u16::MAX),
            importance: item.importance,
        });
        self.kinds.push(item.kind.min(31));
        self.by_id.insert(item.id, slot);
        self.alive += 1;
        self.total_length += tokens.len() as u64;
    }

    /// Gives a memory its vector, once it is known. Unknown ids are ignored.
    pub fn set_vector(&mut self, id: i64, code: &Code) {
        if let Some(slot) = self.by_id.get(&id) {
            self.vectors.set(*slot, code);
        }
    }

    /// Forgets a memory.
    pub fn remove(&mut self, id: i64) {
        let Some(slot) = self.by_id.remove(&id) else { return };
        let Some(memory) = self.memories.get(slot as usize) else { return };
        self.kinds[slot as usize] = DEAD;
        self.alive -= 1;
        self.total_length -= u64::from(memory.length);
        if let Some(turns) = self.turns.get_mut(memory.conversation as usize) {
            turns.retain(|turn| turn.1 != slot);
        }
    }

    /// The memories with the nearest vectors, in no particular order; `exact`: every vector is compared, however many there are.
    pub fn nearest(&self, question: &Code, count: usize, exact: bool) -> Vec<i64> {
        let near = self.vectors.nearest(question, count, exact, |slot| self.kind(slot).is_some());
        near.into_iter().map(|(slot, _)| self.memory(slot).id).collect()
    }

    /// Whether it holds so many dead memories that it should be made anew.
    pub fn is_worn(&self) -> bool {
        self.memories.len() > 1_000 + self.alive * 2
    }

    /// How many memories it has.
    pub fn len(&self) -> usize {
        self.alive
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// How many of them have a vector.
    pub fn vectors(&self) -> usize {
        self.vectors.count()
    }

    /// Roughly how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let names = |names: &Names| names.all.iter().map(|name| 2 * name.len() + 64).sum::<usize>();
        self.memories.capacity() * size_of::<Memory>()
            + 2 * self.lengths.capacity()
            + self.kinds.capacity()
            + self.postings.bytes()
            + self.vectors.bytes()
            + self.by_id.capacity() * 18
            + self.turns.iter().map(|turns| turns.capacity() * 16 + 24).sum::<usize>()
            + names(&self.speakers)
            + names(&self.conversations)
    }

    pub(crate) fn memory(&self, slot: Slot) -> &Memory {
        &self.memories[slot as usize]
    }

    /// What kind of memory it is; `None` when it was forgotten.
    pub(crate) fn kind(&self, slot: Slot) -> Option<u8> {
        Some(self.kinds[slot as usize]).filter(|kind| *kind != DEAD)
    }

    /// The memories of a conversation, in no particular order.
    pub(crate) fn of_conversation(&self, name: &str) -> Vec<Slot> {
        let turns = self.conversations.find(name).and_then(|number| self.turns.get(number as usize));
        turns.map_or_else(Vec::new, |turns| turns.iter().map(|turn| turn.1).collect())
    }

    /// The memory that stands `step` places after (before, if negative) this one in its conversation.
    pub(crate) fn neighbour(&self, slot: Slot, step: isize) -> Option<Slot> {
        let memory = self.memory(slot);
        let turns = self.turns.get(memory.conversation as usize)?;
        let at = turns.binary_search(&(memory.position, slot)).ok()?;
        turns.get(at.checked_add_signed(step)?).map(|turn| turn.1)
    }
}
