//! Every vector of an image, and the nearest ones to a question's.
//!
//! Up to [`EXACT_MAX`] vectors each one is compared. Beyond that their signs are compared first (48 bytes instead of 384), and the
//! [`SHORTLIST`] nearest by sign are compared in full.

use crate::code::{Code, dot};
use crate::postings::Slot;

/// The most vectors that are all compared in full.
pub const EXACT_MAX: usize = 50_000;
/// How many are compared in full after the signs.
pub const SHORTLIST: usize = 3_000;

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

    /// The cosine between a memory's vector and a question's, if it has one.
    pub fn cosine(&self, slot: Slot, question: &Code) -> Option<f32> {
        let row = *self.rows.get(slot as usize).filter(|row| **row != NONE)?;
        (question.dims.len() == self.dims).then(|| self.cosine_of(row as usize, question))
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
        wanted: impl Fn(Slot) -> bool,
    ) -> Vec<(Slot, f32)> {
        if question.dims.len() != self.dims || self.owners.is_empty() {
            return Vec::new();
        }
        let rows: Vec<usize> = if exact || self.owners.len() <= EXACT_MAX {
            (0..self.owners.len()).collect()
        } else {
            self.nearest_by_sign(question, SHORTLIST.max(count), &wanted)
        };
        let scored = rows.into_iter().filter(|row| wanted(self.owners[*row]));
        let mut scored: Vec<(Slot, f32)> =
            scored.map(|row| (self.owners[row], self.cosine_of(row, question))).collect();
        if scored.len() > count {
            scored.select_nth_unstable_by(count, |a, b| b.1.total_cmp(&a.1));
            scored.truncate(count);
        }
        scored
    }

    /// A histogram of the distances tells which distance lets enough through.
    fn nearest_by_sign(&self, question: &Code, count: usize, wanted: &impl Fn(Slot) -> bool) -> Vec<usize> {
        let question = signs(&question.dims);
        let distances = match question.as_slice().try_into() {
            Ok(six) => distances_of_six(&self.signs, six),
            Err(_) => self.signs.chunks_exact(question.len()).map(|row| distance(row, &question)).collect(),
        };
        let mut histogram = vec![0usize; self.dims + 1];
        for far in &distances {
            histogram[usize::from(*far).min(self.dims)] += 1;
        }
        let mut limit = 0;
        let mut through = 0;
        while limit < self.dims && through < count {
            through += histogram[limit];
            limit += 1;
        }
        let limit = u16::try_from(limit.max(1)).unwrap_or(u16::MAX);
        let mut near = Vec::with_capacity(through);
        // Whole blocks without a near one are passed over quickly.
        for (block, far) in distances.chunks(64).enumerate() {
            if far.iter().fold(u16::MAX, |least, far| least.min(*far)) < limit {
                let rows = far.iter().enumerate().filter(|(_, far)| **far < limit);
                near.extend(rows.map(|(row, _)| block * 64 + row).filter(|row| wanted(self.owners[*row])));
            }
        }
        near
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

/// The distances of all rows of six words, in blocks: counting bits by arithmetic alone runs on many rows at once.
fn distances_of_six(rows: &[u64], question: [u64; 6]) -> Vec<u16> {
    let (blocks, rest) = rows.as_chunks::<{ 6 * LANES }>();
    let mut distances = Vec::with_capacity(rows.len() / 6);
    for block in blocks {
        let mut columns = [[0u64; LANES]; 6];
        for (lane, row) in block.as_chunks::<6>().0.iter().enumerate() {
            for (column, (bits, asked)) in columns.iter_mut().zip(row.iter().zip(question)) {
                column[lane] = bits ^ asked;
            }
        }
        let mut sums = [0u16; LANES];
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum = ones(columns.map(|column| column[lane]));
        }
        distances.extend_from_slice(&sums);
    }
    distances.extend(rest.chunks_exact(6).map(|row| distance(row, &question)));
    distances
}

/// How many rows are counted together.
const LANES: usize = 8;

/// The bits that are set in six words. Two adders make four words of six, whose bits are then summed side by side.
#[inline]
fn ones([a, b, c, d, e, f]: [u64; 6]) -> u16 {
    const PAIRS: u64 = 0x5555_5555_5555_5555;
    const FOURS: u64 = 0x3333_3333_3333_3333;
    const EIGHTS: u64 = 0x0f0f_0f0f_0f0f_0f0f;
    const SIXTEENS: u64 = 0x00ff_00ff_00ff_00ff;
    let add = |x: u64, y: u64, z: u64| (x ^ y ^ z, (x & y) | (z & (x ^ y)));
    let nibbles = |x: u64| {
        let x = x - ((x >> 1) & PAIRS);
        (x & FOURS) + ((x >> 2) & FOURS)
    };
    let bytes = |x: u64| (x & EIGHTS) + ((x >> 4) & EIGHTS);
    let ((one, two), (other_one, other_two)) = (add(a, b, c), add(d, e, f));
    let single = bytes(nibbles(one) + nibbles(other_one));
    let double = bytes(nibbles(two) + nibbles(other_two));
    let all = single + 2 * double;
    let wide = (all & SIXTEENS) + ((all >> 8) & SIXTEENS);
    (wide.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u16
}

/// In how many bits two rows differ.
fn distance(a: &[u64], b: &[u64]) -> u16 {
    a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum::<u32>() as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_counted_right(rows in prop::collection::vec(any::<u64>(), 6 * 21), question in any::<[u64; 6]>()) {
            let slow: Vec<u16> = rows.chunks_exact(6).map(|row| distance(row, &question)).collect();
            prop_assert_eq!(distances_of_six(&rows, question), slow);
            prop_assert_eq!(ones([u64::MAX; 6]), 384);
        }
    }
}
