//! Which memory has which word how often.

use std::collections::HashMap;

/// A place in the image; memories get ascending places.
pub type Slot = u32;

/// The memories that have one word, ascending.
#[derive(Clone, Debug, Default)]
pub struct List {
    slots: Vec<Slot>,
    counts: Vec<u8>,
}

impl List {
    /// How many memories have the word.
    pub fn memories(&self) -> usize {
        self.slots.len()
    }

    /// Every memory that has the word, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, u8)> + '_ {
        self.slots.iter().copied().zip(self.counts.iter().copied())
    }

    /// How often one memory has the word.
    pub fn count(&self, slot: Slot) -> u8 {
        self.slots.binary_search(&slot).ok().and_then(|at| self.counts.get(at)).copied().unwrap_or(0)
    }
}

/// Words by a hash, so that a million memories do not keep their words twice.
#[derive(Clone, Debug, Default)]
pub struct Postings {
    lists: HashMap<u64, List>,
    entries: usize,
}

impl Postings {
    /// Notes the words of a memory. `slot` must be larger than every one before.
    pub fn add(&mut self, slot: Slot, tokens: &[String]) {
        let mut counts: HashMap<u64, u8> = HashMap::with_capacity(tokens.len());
        for token in tokens {
            let count = counts.entry(key(token)).or_default();
            *count = count.saturating_add(1);
        }
        self.entries += counts.len();
        for (word, count) in counts {
            let list = self.lists.entry(word).or_default();
            list.slots.push(slot);
            list.counts.push(count);
        }
    }

    /// The memories that have a word.
    pub fn get(&self, token: &str) -> Option<&List> {
        self.lists.get(&key(token))
    }

    /// Roughly how many bytes this takes.
    pub fn bytes(&self) -> usize {
        self.entries * 7 + self.lists.len() * 80
    }
}

/// FNV-1a; two words that share a hash are found together, which does no harm.
fn key(token: &str) -> u64 {
    token.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
