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

    /// The memories from `place` on that come before `end`, with how often they have the word; moves `place` behind them.
    pub fn part(&self, place: &mut usize, end: Slot) -> impl Iterator<Item = (Slot, u8)> + '_ {
        let from = *place;
        *place += self.slots[from..].iter().take_while(|slot| **slot < end).count();
        self.slots[from..*place].iter().copied().zip(self.counts[from..*place].iter().copied())
    }

    /// How often a memory has the word, and where to go on for a later memory. The search takes growing steps from `from`.
    pub fn count_from(&self, slot: Slot, from: usize) -> (u8, usize) {
        let mut step = 1;
        let mut low = from;
        while self.slots.get(low + step).is_some_and(|at| *at < slot) {
            low += step;
            step *= 2;
        }
        let high = (low + step + 1).min(self.slots.len());
        let at = low + self.slots[low.min(high)..high].partition_point(|at| *at < slot);
        let found = self.slots.get(at) == Some(&slot);
        (if found { self.counts.get(at).copied().unwrap_or(0) } else { 0 }, at)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_are_found_going_forward(have in prop::collection::btree_set(0u32..300, 0..80), asked in prop::collection::btree_set(0u32..320, 0..40)) {
            let mut postings = Postings::default();
            for slot in &have {
                postings.add(*slot, &vec!["tea".to_owned(); *slot as usize % 5 + 1]);
            }
            let empty = List::default();
            let list = postings.get("tea").unwrap_or(&empty);
            let mut from = 0;
            for slot in asked {
                let count;
                (count, from) = list.count_from(slot, from);
                let expected = if have.contains(&slot) { slot % 5 + 1 } else { 0 };
                prop_assert_eq!(u32::from(count), expected);
            }
        }
    }
}
