//! Lines to whole numbers that fit into a frame, and their code (ISO/IEC 11172-3, C.1.5.4).
//!
//! One step size serves the whole spectrum: the finest one whose code fits. At 64 kbit/s that is far more than speech needs.

use super::FRAME;
use super::bits::Writer;
use super::tables::{QUADS, book};

/// The borders of the scale factor bands of long blocks (13818-3, table B.2).
const BANDS_24: [usize; 23] =
    [0, 6, 12, 18, 24, 30, 36, 44, 54, 66, 80, 96, 114, 136, 162, 194, 232, 278, 332, 394, 464, 540, 576];
const BANDS_22_16: [usize; 23] =
    [0, 6, 12, 18, 24, 30, 36, 44, 54, 66, 80, 96, 116, 140, 168, 200, 238, 284, 336, 396, 464, 522, 576];
/// The largest number that can be coded.
const LARGEST: u32 = 8_191 + 15;
/// The step size is two to a quarter of this number, less 210.
const GAINS: std::ops::RangeInclusive<u32> = 0..=255;

/// A frame's numbers, and how they are coded.
pub(super) struct Coded {
    numbers: [i32; FRAME],
    gain: u32,
    plan: Plan,
}

/// Which code serves which part of the spectrum.
#[derive(Clone, Copy, Default)]
struct Plan {
    /// Pairs of numbers of any size, from the lowest line on.
    pairs: usize,
    /// Fours of numbers of at most one behind them.
    fours: usize,
    /// The lines at which the second and the third region of the pairs begin.
    borders: [usize; 2],
    /// The bands in the first two regions, less one, as the side information has them.
    counts: [usize; 2],
    /// The table of each region.
    tables: [u8; 3],
    /// Which of the two codes for fours.
    plain_fours: bool,
    bits: usize,
}

/// Finds the finest step size with which the lines take at most `budget` bits.
pub(super) fn code(lines: &[f32; FRAME], rate: u32, budget: usize) -> Coded {
    let bands = if rate == 24_000 { &BANDS_24 } else { &BANDS_22_16 };
    // |x| to three quarters, once for all step sizes.
    let powers: [f32; FRAME] = std::array::from_fn(|i| lines[i].abs().powf(0.75));
    let attempt = |gain: u32| -> Option<Coded> {
        let numbers = rounded(lines, &powers, gain)?;
        let plan = plan(&numbers, bands);
        (plan.bits <= budget).then_some(Coded { numbers, gain, plan })
    };
    let (mut low, mut high) = (*GAINS.start(), *GAINS.end());
    while low < high {
        let middle = low.midpoint(high);
        if attempt(middle).is_some() { high = middle } else { low = middle + 1 }
    }
    // The coarsest step makes every line nothing, so it always fits.
    attempt(low).unwrap_or(Coded { numbers: [0; FRAME], gain: 210, plan: Plan::default() })
}

fn rounded(lines: &[f32; FRAME], powers: &[f32; FRAME], gain: u32) -> Option<[i32; FRAME]> {
    let scale = (-0.1875 * (gain as f32 - 210.0)).exp2();
    let mut numbers = [0; FRAME];
    for ((number, power), line) in numbers.iter_mut().zip(powers).zip(lines) {
        let size = (power * scale + 0.4054).floor();
        if size > LARGEST as f32 {
            return None;
        }
        *number = if *line < 0.0 { -(size as i32) } else { size as i32 };
    }
    Some(numbers)
}

fn plan(numbers: &[i32; FRAME], bands: &[usize; 23]) -> Plan {
    let last = numbers.iter().rposition(|n| *n != 0).map_or(0, |i| i + 1);
    let large = numbers.iter().rposition(|n| n.abs() > 1).map_or(0, |i| i + 1);
    // Fours begin behind the pairs, at an even line, and end behind the last line that is not nothing.
    let pairs = large.div_ceil(2);
    let fours = last.saturating_sub(2 * pairs).div_ceil(4);
    let (pairs, fours) = if 2 * pairs + 4 * fours > FRAME { (FRAME / 2, 0) } else { (pairs, fours) };
    let mut plan = Plan { pairs, fours, ..Plan::default() };
    let end = 2 * pairs;
    let used = bands.iter().position(|border| *border >= end).unwrap_or(22);
    let first = (used / 3).clamp(1, 16);
    let second = (used / 3).clamp(1, 8).min(22 - first);
    plan.counts = [first - 1, second - 1];
    plan.borders = [bands[first].min(end), bands[first + second].min(end)];
    for (region, range) in [(0, 0..plan.borders[0]), (1, plan.borders[0]..plan.borders[1]), (2, plan.borders[1]..end)] {
        let (table, bits) = cheapest(&numbers[range]);
        plan.tables[region] = table;
        plan.bits += bits;
    }
    let quads = &numbers[end..end + 4 * fours];
    let signs = quads.iter().filter(|n| **n != 0).count();
    let coded: usize = quads.chunks_exact(4).map(|four| usize::from(QUADS[pattern(four)].0)).sum();
    plan.plain_fours = 4 * fours < coded;
    plan.bits += signs + coded.min(4 * fours);
    plan
}

/// The table that codes a region in the fewest bits, and how many.
fn cheapest(region: &[i32]) -> (u8, usize) {
    let largest = region.iter().map(|n| n.unsigned_abs()).max().unwrap_or(0);
    let extended: [u8; 2];
    let candidates: &[u8] = match largest {
        0 => return (0, 0),
        1 => &[1],
        2 => &[2, 3],
        3 => &[5, 6],
        4..=5 => &[7, 8, 9],
        6..=7 => &[10, 11, 12],
        8..=15 => &[13, 15],
        _ => {
            let smallest = |tables: std::ops::RangeInclusive<u8>, last: u8| {
                tables.into_iter().find(|table| largest - 15 < 1 << more_bits(*table)).unwrap_or(last)
            };
            extended = [smallest(16..=23, 23), smallest(24..=31, 31)];
            &extended
        }
    };
    let cost = |table: u8| (table, bits_of(region, table));
    candidates.iter().map(|table| cost(*table)).min_by_key(|(_, bits)| *bits).unwrap_or((0, 0))
}

/// The bits that a table gives to what a number is more than 15.
fn more_bits(table: u8) -> u32 {
    const MORE: [u32; 16] = [1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13];
    table.checked_sub(16).and_then(|i| MORE.get(usize::from(i))).copied().unwrap_or(0)
}

fn bits_of(region: &[i32], table: u8) -> usize {
    let book = book(table);
    let mut bits = 0;
    for pair in region.chunks_exact(2) {
        let [x, y] = [pair[0].unsigned_abs() as usize, pair[1].unsigned_abs() as usize];
        bits += usize::from(book.codes[x.min(15) * book.size + y.min(15)].0);
        bits += usize::from(x > 0) + usize::from(y > 0);
        if table >= 16 {
            bits += more_bits(table) as usize * (usize::from(x >= 15) + usize::from(y >= 15));
        }
    }
    bits
}

fn pattern(four: &[i32]) -> usize {
    four.iter().fold(0, |bits, n| (bits << 1) | usize::from(*n != 0))
}

impl Coded {
    /// Side information and code.
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let plan = &self.plan;
        out.put(0, 8 + 1); // nothing of this frame lies in another one; a private bit
        out.put(plan.bits as u32, 12);
        out.put(plan.pairs as u32, 9);
        out.put(self.gain, 8);
        out.put(0, 9 + 1); // no scale factors; a long block
        for table in plan.tables {
            out.put(u32::from(table), 5);
        }
        out.put(plan.counts[0] as u32, 4);
        out.put(plan.counts[1] as u32, 3);
        out.put(0, 1);
        out.put(u32::from(plan.plain_fours), 1);
        let end = 2 * plan.pairs;
        for (table, range) in
            plan.tables.iter().zip([0..plan.borders[0], plan.borders[0]..plan.borders[1], plan.borders[1]..end])
        {
            write_pairs(&self.numbers[range], *table, out);
        }
        for four in self.numbers[end..end + 4 * plan.fours].chunks_exact(4) {
            let pattern = pattern(four);
            let (length, code) = if plan.plain_fours { (4, 15 - pattern as u16) } else { QUADS[pattern] };
            out.put(u32::from(code), u32::from(length));
            for number in four.iter().filter(|n| **n != 0) {
                out.put(u32::from(*number < 0), 1);
            }
        }
    }
}

fn write_pairs(region: &[i32], table: u8, out: &mut Writer<'_>) {
    if table == 0 {
        return;
    }
    let book = book(table);
    for pair in region.chunks_exact(2) {
        let [x, y] = [pair[0].unsigned_abs() as usize, pair[1].unsigned_abs() as usize];
        let (length, code) = book.codes[x.min(15) * book.size + y.min(15)];
        out.put(u32::from(code), u32::from(length));
        for (size, number) in [(x, pair[0]), (y, pair[1])] {
            if table >= 16 && size >= 15 {
                out.put(size as u32 - 15, more_bits(table));
            }
            if size > 0 {
                out.put(u32::from(number < 0), 1);
            }
        }
    }
}
