//! The best of many: those with the highest scores, kept while they come by.

use crate::postings::Slot;

/// Keeps the best so many. When twice as many have come together, the worse half goes; what is no better than the worst that
/// stayed is never taken again.
#[derive(Debug)]
pub struct Best {
    count: usize,
    kept: Vec<(Slot, f32)>,
    least: f32,
}

impl Best {
    /// For the best `count` with scores above zero.
    pub fn of(count: usize) -> Self {
        Self { count: count.max(1), kept: Vec::with_capacity(2 * count.max(1)), least: 0.0 }
    }

    /// Offers the scores of `start` and the slots after it. Whether one is `wanted` is asked late: only of the good ones.
    #[inline(always)]
    pub fn take(&mut self, start: Slot, scores: &[f32], wanted: impl Fn(Slot) -> bool) {
        for (group, scores) in scores.chunks(GROUP).enumerate() {
            // Most groups have nothing good; this one comparison runs on many scores at once.
            if scores.iter().fold(0.0, |most, score| if *score > most { *score } else { most }) <= self.least {
                continue;
            }
            for (at, score) in scores.iter().enumerate() {
                let slot = start + (group * GROUP + at) as Slot;
                if *score > self.least && wanted(slot) {
                    self.kept.push((slot, *score));
                    if self.kept.len() >= 2 * self.count {
                        self.cut();
                        self.least = self.kept.iter().fold(f32::INFINITY, |least, kept| least.min(kept.1));
                    }
                }
            }
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.count {
            self.kept.select_nth_unstable_by(self.count, |a, b| b.1.total_cmp(&a.1));
            self.kept.truncate(self.count);
        }
    }

    /// Those that stayed, in no particular order.
    pub fn found(mut self) -> Vec<(Slot, f32)> {
        self.cut();
        self.kept
    }
}

const GROUP: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_stay(scores in prop::collection::vec(0u16..500, 0..600), count in 1usize..40, block in 1usize..200) {
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let wanted = |slot: Slot| !slot.is_multiple_of(3);
            let mut best = Best::of(count);
            for (number, part) in scores.chunks(block).enumerate() {
                best.take((number * block) as Slot, part, wanted);
            }
            let mut found: Vec<f32> = best.found().into_iter().map(|(slot, score)| {
                assert!(wanted(slot) && scores[slot as usize] == score);
                score
            }).collect();
            found.sort_by(|a, b| b.total_cmp(a));
            let good = scores.iter().enumerate().filter(|(slot, score)| wanted(*slot as Slot) && **score > 0.0);
            let mut slow: Vec<f32> = good.map(|(_, score)| *score).collect();
            slow.sort_by(|a, b| b.total_cmp(a));
            slow.truncate(count);
            prop_assert_eq!(found, slow);
        }
    }
}
