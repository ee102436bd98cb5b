//! Every vector of an image, and the nearest ones to a question's.
//!
//! Up to [`EXACT_MAX`] vectors each one is compared. Beyond that their signs are compared first (48 bytes instead of 384), and the
//! [`SHORTLIST`] nearest by sign are compared in full.

use pulp::{Arch, NullaryFnOnce};

use crate::best::Best;
use crate::code::{Code, dot};
use crate::postings::Slot;

/// The most vectors that are all compared in full.
pub const EXACT_MAX: usize = 50_000;
/// How many are compared in full after the signs.
pub const SHORTLIST: usize = 2_000;

/// The fewest rows that are worth a thread: it starts in less than a tenth of the time that it saves.
const ROWS_PER_THREAD: usize = 100_000;

/// How many rows are fetched together: about what the processor can wait for at the same time.
const FETCHED: usize = 16;
/// Bytes that come from the memory together.
const LINE: usize = 64;

const NONE: u32 = u32::MAX;

/// Vectors by place. All have the same number of dimensions; one that has another is not taken.
#[derive(Clone, Debug, Default)]
pub struct Vectors {
    dims: usize,
    codes: Vec<i8>,
    factors: Vec<f32>,
    owners: Vec<Slot>,
    rows: Vec<u32>,
    signs: Vec<u64>,
}

impl Vectors {
    /// Sets the vector of a memory; `false` when it has another number of dimensions than the others.
    pub fn set(&mut self, slot: Slot, code: &Code) -> bool {
        if self.owners.is_empty() {
            self.dims = code.dims.len();
        }
        if code.dims.len() != self.dims {
            return false;
        }
        let at = slot as usize;
        if self.rows.len() <= at {
            self.rows.resize(at + 1, NONE);
        }
        let signs = signs(&code.dims);
        if self.rows[at] == NONE {
            self.rows[at] = self.owners.len() as u32;
            self.owners.push(slot);
            self.factors.push(code.factor);
            self.codes.extend_from_slice(&code.dims);
            self.signs.extend_from_slice(&signs);
        } else {
            let row = self.rows[at] as usize;
            self.factors[row] = code.factor;
            self.codes[row * self.dims..][..self.dims].copy_from_slice(&code.dims);
            self.signs[row * signs.len()..][..signs.len()].copy_from_slice(&signs);
        }
        true
    }

    /// The cosines between the memories' vectors and a question's; not a number for those without one.
    pub fn cosines(&self, slots: &[Slot], question: &Code) -> Vec<f32> {
        let mut cosines = vec![f32::NAN; slots.len()];
        if question.dims.len() != self.dims {
            return cosines;
        }
        let row = |slot: Slot| self.rows.get(slot as usize).copied().filter(|row| *row != NONE);
        let (places, rows): (Vec<usize>, Vec<usize>) =
            slots.iter().enumerate().filter_map(|(place, slot)| Some((place, row(*slot)? as usize))).unzip();
        for (place, cosine) in places.into_iter().zip(self.cosines_of(&rows, question)) {
            cosines[place] = cosine;
        }
        cosines
    }

    /// Rows lie far apart, and each would be waited for: so a few of them are fetched together before they are compared.
    fn cosines_of(&self, rows: &[usize], question: &Code) -> Vec<f32> {
        let mut cosines = Vec::with_capacity(rows.len());
        for rows in rows.chunks(FETCHED) {
            let lines = rows.iter().flat_map(|row| self.codes[row * self.dims..][..self.dims].iter().step_by(LINE));
            std::hint::black_box(lines.fold(0, |sum: i8, byte| sum ^ byte));
            cosines.extend(rows.iter().map(|row| self.cosine_of(*row, question)));
        }
        cosines
    }

    fn cosine_of(&self, row: usize, question: &Code) -> f32 {
        let dims = &self.codes[row * self.dims..][..self.dims];
        dot(dims, &question.dims) as f32 * self.factors[row] * question.factor
    }

    /// The memories whose vectors are nearest, in no particular order, among those that are `wanted`. `exact`: no shortcut.
    pub fn nearest(
        &self,
        question: &Code,
        count: usize,
        exact: bool,
        wanted: impl Fn(Slot) -> bool + Sync,
    ) -> Vec<(Slot, f32)> {
        if question.dims.len() != self.dims || self.owners.is_empty() {
            return Vec::new();
        }
        let rows: Vec<usize> = if exact || self.owners.len() <= EXACT_MAX {
            (0..self.owners.len()).collect()
        } else {
            self.nearest_by_sign(question, SHORTLIST.max(count), &wanted)
        };
        let rows: Vec<usize> = rows.into_iter().filter(|row| wanted(self.owners[*row])).collect();
        let slots = rows.iter().map(|row| self.owners[*row]);
        let mut scored: Vec<(Slot, f32)> = slots.zip(self.cosines_of(&rows, question)).collect();
        if scored.len() > count {
            scored.select_nth_unstable_by(count, |a, b| b.1.total_cmp(&a.1));
            scored.truncate(count);
        }
        scored
    }

    /// Every thread looks through its part of the rows, and the best of all parts stay.
    fn nearest_by_sign(&self, question: &Code, count: usize, wanted: &(impl Fn(Slot) -> bool + Sync)) -> Vec<usize> {
        let question = signs(&question.dims);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let part = self.owners.len().div_ceil(threads).max(ROWS_PER_THREAD);
        let near = |first: usize| {
            let end = (first + part).min(self.owners.len());
            let wanted = |row: Slot| wanted(self.owners[first + row as usize]);
            let rows = &self.signs[first * question.len()..end * question.len()];
            let found = Arch::new().dispatch(NearestBySign { rows, question: &question, count, wanted });
            found.into_iter().map(|(row, common)| (first + row as usize, common)).collect::<Vec<_>>()
        };
        let mut found = std::thread::scope(|scope| {
            let near = &near;
            let others: Vec<_> =
                (part..self.owners.len()).step_by(part).map(|first| scope.spawn(move || near(first))).collect();
            let mut found = near(0);
            for other in others {
                found.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            found
        });
        if found.len() > count {
            found.select_nth_unstable_by(count, |a, b| b.1.total_cmp(&a.1));
            found.truncate(count);
        }
        let mut rows: Vec<usize> = found.into_iter().map(|(row, _)| row).collect();
        rows.sort_unstable();
        rows
    }

    /// How many memories have a vector.
    pub fn count(&self) -> usize {
        self.owners.len()
    }

    /// How many bytes this takes.
    pub fn bytes(&self) -> usize {
        self.codes.capacity()
            + 4 * (self.factors.capacity() + self.owners.capacity() + self.rows.capacity())
            + 8 * self.signs.capacity()
    }
}

/// One bit per dimension: whether it is positive.
fn signs(dims: &[i8]) -> Vec<u64> {
    dims.chunks(64)
        .map(|part| part.iter().enumerate().fold(0, |bits, (i, d)| bits | (u64::from(*d > 0) << i)))
        .collect()
}

/// The rows that have most bits in common with the question, compiled for the widest instructions that the processor has.
struct NearestBySign<'a, W> {
    rows: &'a [u64],
    question: &'a [u64],
    count: usize,
    wanted: W,
}

impl<W: Fn(Slot) -> bool> NullaryFnOnce for NearestBySign<'_, W> {
    /// Rows, and how many bits they have in common with the question.
    type Output = Vec<(Slot, f32)>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let words = self.question.len();
        let mut best = Best::of(self.count);
        let mut common = [0.0; BLOCK];
        for (block, rows) in self.rows.chunks(BLOCK * words).enumerate() {
            // The usual number of dimensions, 384, without a loop inside the loop.
            if let Ok(six) = <&[u64; 6]>::try_from(self.question) {
                for (row, common) in rows.as_chunks::<6>().0.iter().zip(&mut common) {
                    *common = in_common(row, six);
                }
            } else {
                for (row, common) in rows.chunks_exact(words).zip(&mut common) {
                    *common = in_common(row, self.question);
                }
            }
            best.take((block * BLOCK) as Slot, &common[..rows.len() / words], &self.wanted);
        }
        best.found()
    }
}

/// Rows that are compared before the best of them are looked for.
const BLOCK: usize = 1024;

/// How many bits two rows have in common.
#[inline(always)]
fn in_common(a: &[u64], b: &[u64]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (!(x ^ y)).count_ones()).sum::<u32>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_parts_of_all_threads_are_searched() {
        let count = ROWS_PER_THREAD + ROWS_PER_THREAD / 10;
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        let codes: Vec<Code> = (0..count).map(|_| Code::of(&[0.0; 64].map(|_: f32| next()))).collect();
        let mut vectors = Vectors::default();
        for (slot, code) in codes.iter().enumerate() {
            assert!(vectors.set(slot as Slot, code));
        }
        for slot in [0, 7, ROWS_PER_THREAD - 1, ROWS_PER_THREAD, count - 1] {
            let best = |wanted: &(dyn Fn(Slot) -> bool + Sync)| {
                let near = vectors.nearest(&codes[slot], 5, false, wanted);
                assert_eq!(near.len(), 5);
                near.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
            };
            assert_eq!(best(&|_| true).0, slot as Slot);
            let other = best(&|at| at != slot as Slot);
            assert_ne!(other.0, slot as Slot);
            assert_eq!(other.0, best(&|at| at != slot as Slot).0, "the same every time");
        }
    }

    proptest! {
        #[test]
        fn the_nearest_by_sign_are_found(rows in prop::collection::vec(any::<u64>(), 6 * 21), words in 1usize..=7, question in any::<[u64; 7]>()) {
            let question = &question[..words];
            let common = |row: &[u64]| (0..64 * words).filter(|bit| (row[bit / 64] ^ question[bit / 64]) >> (bit % 64) & 1 == 0).count();
            let mut slow: Vec<usize> = rows.chunks_exact(words).map(common).collect();
            let near = NearestBySign { rows: &rows, question, count: 5, wanted: |_: Slot| true };
            let mut found: Vec<f32> = Arch::new().dispatch(near).into_iter().map(|(_, common)| common).collect();
            slow.sort_by(|a, b| b.cmp(a));
            slow.retain(|common| *common > 0);
            slow.truncate(5);
            found.sort_by(|a, b| b.total_cmp(a));
            prop_assert_eq!(found, slow.into_iter().map(|common| common as f32).collect::<Vec<_>>());
        }
    }
}
