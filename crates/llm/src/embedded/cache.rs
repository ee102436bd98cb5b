//! What the engine's cache holds: for each sequence its tokens, and for each token the cell that it shares or owns.
//!
//! Pure bookkeeping; the worker carries the plans out on the real cache. Invariants: `used` counts the distinct cells, a plan
//! never keeps the whole prompt (its last token has to be computed to get an answer), an active sequence is never changed
//! by another request.

pub(super) type Token = i32;

/// A cell of the real cache, by a number of our own.
type Cell = usize;

#[derive(Default)]
struct Sequence {
    tokens: Vec<Token>,
    cells: Vec<Cell>,
    key: Option<String>,
    active: bool,
    used_at: u64,
}

/// Where a prompt goes and what of it is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The sequence to use.
    pub sequence: usize,
    /// How many tokens of the prompt are (or will be, after the copy) in it.
    pub keep: usize,
    /// Copy the kept tokens from this sequence first, after emptying `sequence`.
    pub copy_from: Option<usize>,
}

/// The sequences and how many cells they use.
pub(super) struct Cache {
    sequences: Vec<Sequence>,
    /// How many sequences hold each cell; 0 = free.
    holders: Vec<u32>,
    free: Vec<Cell>,
    clock: u64,
    /// Whether a beginning can be kept or copied; not with recurrent models.
    reuse: bool,
}

impl Cache {
    pub(super) fn new(sequences: usize, reuse: bool) -> Self {
        let sequences = (0..sequences).map(|_| Sequence::default()).collect();
        Self { sequences, holders: Vec::new(), free: Vec::new(), clock: 0, reuse }
    }

    /// Distinct cells in use.
    pub(super) fn used(&self) -> usize {
        self.holders.len() - self.free.len()
    }

    pub(super) fn len(&self, sequence: usize) -> usize {
        self.sequences[sequence].tokens.len()
    }

    /// The best place for a prompt, `None` when every sequence is active.
    /// The longest common beginning wins. It goes, in this order: on in the idle sequence of the same conversation, or in the
    /// one whose end it continues; into an empty one; over the one that was used longest ago.
    pub(super) fn plan(&self, prompt: &[Token], key: Option<&str>) -> Option<Plan> {
        let most = if self.reuse { prompt.len().saturating_sub(1) } else { 0 };
        let common: Vec<usize> = self.sequences.iter().map(|s| common_prefix(&s.tokens, prompt).min(most)).collect();
        let longest = common.iter().copied().max()?;
        let idle = || (0..self.sequences.len()).filter(|&i| !self.sequences[i].active);
        let same = |i: &usize| key.is_some() && self.sequences[*i].key.as_deref() == key;
        let continues = |i: &usize| longest > 0 && common[*i] == longest && self.len(*i) == longest;
        let sequence = idle()
            .filter(same)
            .max_by_key(|&i| common[i])
            .or_else(|| idle().find(continues))
            .or_else(|| idle().find(|&i| self.len(i) == 0))
            .or_else(|| idle().min_by_key(|&i| self.sequences[i].used_at))?;
        if common[sequence] == longest {
            return Some(Plan { sequence, keep: longest, copy_from: None });
        }
        let donor = (0..common.len()).find(|&i| common[i] == longest);
        Some(Plan { sequence, keep: longest, copy_from: donor })
    }

    /// Carries a plan out in the books and makes the sequence active.
    pub(super) fn occupy(&mut self, plan: Plan, key: Option<String>) {
        if let Some(donor) = plan.copy_from {
            self.truncate(plan.sequence, 0);
            let tokens = self.sequences[donor].tokens[..plan.keep].to_vec();
            let cells = self.sequences[donor].cells[..plan.keep].to_vec();
            for &cell in &cells {
                self.holders[cell] += 1;
            }
            let sequence = &mut self.sequences[plan.sequence];
            (sequence.tokens, sequence.cells) = (tokens, cells);
        } else {
            self.truncate(plan.sequence, plan.keep);
        }
        let sequence = &mut self.sequences[plan.sequence];
        (sequence.active, sequence.key) = (true, key);
    }

    /// A token was computed at the end of a sequence.
    pub(super) fn push(&mut self, sequence: usize, token: Token) {
        let cell = self.free.pop().unwrap_or_else(|| {
            self.holders.push(0);
            self.holders.len() - 1
        });
        self.holders[cell] = 1;
        self.sequences[sequence].tokens.push(token);
        self.sequences[sequence].cells.push(cell);
    }

    /// The request is over; what it computed stays until the room is needed.
    pub(super) fn release(&mut self, sequence: usize) {
        self.clock += 1;
        self.sequences[sequence].active = false;
        self.sequences[sequence].used_at = self.clock;
    }

    /// Forgets everything of a sequence after its first `keep` tokens.
    pub(super) fn truncate(&mut self, sequence: usize, keep: usize) {
        let sequence = &mut self.sequences[sequence];
        sequence.tokens.truncate(keep);
        for cell in sequence.cells.drain(keep..) {
            self.holders[cell] -= 1;
            if self.holders[cell] == 0 {
                self.free.push(cell);
            }
        }
    }

    /// The idle sequence with something in it that was used longest ago, apart from those named.
    pub(super) fn oldest_idle(&self, spare: &[usize]) -> Option<usize> {
        let evictable = |i: &usize| !self.sequences[*i].active && self.len(*i) > 0 && !spare.contains(i);
        (0..self.sequences.len()).filter(evictable).min_by_key(|&i| self.sequences[i].used_at)
    }

    /// Forgets everything, active or not.
    pub(super) fn clear(&mut self) {
        for i in 0..self.sequences.len() {
            self.truncate(i, 0);
            self.sequences[i].active = false;
        }
    }
}

/// How many tokens two texts share from the start.
pub(super) fn common_prefix(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn run(cache: &mut Cache, prompt: &[Token], key: Option<&str>) -> Plan {
        let plan = cache.plan(prompt, key).unwrap();
        cache.occupy(plan, key.map(Into::into));
        for &token in &prompt[plan.keep..] {
            cache.push(plan.sequence, token);
        }
        plan
    }

    #[test]
    fn a_conversation_goes_on_where_it_was() {
        let mut cache = Cache::new(3, true);
        let first = run(&mut cache, &[1, 2, 3], Some("a"));
        cache.push(first.sequence, 9);
        cache.release(first.sequence);
        let second = run(&mut cache, &[1, 2, 3, 9, 4], Some("a"));
        assert_eq!(second, Plan { sequence: first.sequence, keep: 4, copy_from: None });
        cache.release(second.sequence);
        // Edited history: the same sequence is cut back.
        let third = cache.plan(&[1, 2, 7], Some("a")).unwrap();
        assert_eq!(third, Plan { sequence: first.sequence, keep: 2, copy_from: None });
    }

    #[test]
    fn a_shared_beginning_is_copied_also_from_a_busy_sequence_and_counted_once() {
        let mut cache = Cache::new(2, true);
        let first = run(&mut cache, &[1, 2, 3, 4], Some("a"));
        let second = run(&mut cache, &[1, 2, 3, 5, 6], Some("b"));
        assert_eq!(second, Plan { sequence: 1, keep: 3, copy_from: Some(first.sequence) });
        assert_eq!(cache.used(), 6);
        assert_eq!(cache.plan(&[1], None), None, "both are active");
        cache.release(0);
        cache.truncate(0, 0);
        assert_eq!(cache.used(), 5, "the shared cells live on");
    }

    #[test]
    fn the_whole_prompt_is_never_kept() {
        let mut cache = Cache::new(2, true);
        let first = run(&mut cache, &[1, 2, 3], None);
        cache.release(first.sequence);
        assert_eq!(cache.plan(&[1, 2, 3], None).unwrap().keep, 2);
        let mut recurrent = Cache::new(2, false);
        run(&mut recurrent, &[1, 2, 3], None);
        assert_eq!(recurrent.plan(&[1, 2, 3, 4], None).unwrap().keep, 0);
    }

    #[test]
    fn strangers_take_the_empty_and_then_the_oldest() {
        let mut cache = Cache::new(2, true);
        for (prompt, sequence) in [([1, 1], 0), ([2, 2], 1), ([3, 3], 0), ([4, 4], 1)] {
            let plan = run(&mut cache, &prompt, None);
            assert_eq!(plan, Plan { sequence, keep: 0, copy_from: None });
            cache.release(plan.sequence);
        }
        assert_eq!((cache.oldest_idle(&[]), cache.oldest_idle(&[0])), (Some(0), Some(1)));
    }

    proptest! {
        /// Whatever happens, the plan keeps the longest beginning there is, what is kept is the prompt's, and cells add up.
        #[test]
        fn books_are_right(ops in prop::collection::vec(
            (prop::collection::vec(1..3i32, 1..8), prop::option::of("[ab]"), 0..4usize), 1..40,
        )) {
            let mut cache = Cache::new(3, true);
            for (prompt, key, action) in ops {
                if let Some(plan) = cache.plan(&prompt, key.as_deref()) {
                    let best = cache.sequences.iter().map(|s| common_prefix(&s.tokens, &prompt)).max().unwrap();
                    prop_assert_eq!(plan.keep, best.min(prompt.len() - 1));
                    prop_assert!(!cache.sequences[plan.sequence].active);
                    cache.occupy(plan, key);
                    prop_assert_eq!(&cache.sequences[plan.sequence].tokens[..], &prompt[..plan.keep]);
                    for &token in &prompt[plan.keep..] {
                        cache.push(plan.sequence, token);
                    }
                }
                match action {
                    0 => cache.release(0),
                    1 => cache.release(1),
                    2 => if let Some(old) = cache.oldest_idle(&[]) { cache.truncate(old, 0) },
                    _ => {}
                }
                let distinct: HashSet<_> = cache.sequences.iter().flat_map(|s| s.cells.iter()).collect();
                prop_assert_eq!(cache.used(), distinct.len());
                for s in &cache.sequences {
                    prop_assert_eq!(s.tokens.len(), s.cells.len());
                }
            }
        }
    }
}
