//! The second look at the candidates: each is scored by all that is known of it, its words and those beside it, its meaning and that of
//! its neighbours and its conversation, who said it, when, how important it is.

use std::collections::HashMap;

use crate::calendar::DAY;
use crate::image::{Memory, NOBODY};
use crate::postings::Slot;
use crate::question::Found;
use crate::search::Asked;

impl Asked<'_> {
    pub(crate) fn ranked(&self, candidates: &[Slot]) -> Vec<Found> {
        let beside: Vec<Beside> =
            candidates.iter().map(|slot| [-1, 1].map(|step| self.image.neighbour(*slot, step))).collect();
        let evidence = Evidence::of_all(self, candidates, &beside);
        let signs: Vec<Signs> =
            candidates.iter().zip(&beside).map(|(slot, beside)| self.signs(*slot, beside, &evidence)).collect();
        let scale = Scale::of(&signs);
        let sessions = self.sessions(candidates, &signs, &scale);
        let mut found: Vec<Found> = candidates
            .iter()
            .zip(&signs)
            .map(|(slot, signs)| {
                let memory = self.image.memory(*slot);
                Found { id: memory.id, score: f64::from(self.score(memory, signs, &scale, &sessions)) }
            })
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.id.cmp(&a.id)));
        found
    }

    fn score(&self, memory: &Memory, signs: &Signs, scale: &Scale, sessions: &HashMap<u32, (f32, f32)>) -> f32 {
        let w = self.weights;
        let (session_words, session_meaning) = sessions.get(&memory.conversation).copied().unwrap_or_default();
        w.words * scale.words(signs.words)
            + w.words_beside * scale.words(signs.words_beside)
            + w.words_session * session_words
            + w.meaning * scale.meaning(signs.meaning)
            + w.meaning_beside * scale.meaning(signs.meaning_beside)
            + w.meaning_session * session_meaning
            + w.speaker * f32::from(u8::from(self.speakers.contains(&memory.speaker)))
            + w.date * self.near_date(memory.at)
            + w.recency * self.recency(memory.at)
            + w.importance * (memory.importance - 0.5)
    }

    fn recency(&self, at: i64) -> f32 {
        let days = (self.question.now - at).max(0) as f32 / DAY as f32;
        1.0 / (1.0 + days / 30.0)
    }

    /// 1 within a time that the question names, less around it.
    fn near_date(&self, at: i64) -> f32 {
        let near = self.spans.iter().map(|span| {
            let width = (span.until - span.from) as f64 / DAY as f64;
            (-span.distance_days(at) / (width / 4.0).clamp(2.0, 30.0)).exp() as f32
        });
        near.fold(0.0, f32::max)
    }

    fn signs(&self, slot: Slot, beside: &Beside, evidence: &Evidence) -> Signs {
        let own = evidence.of(slot);
        let beside = beside.map(|slot| slot.map(|slot| evidence.of(slot)));
        let length = f32::from(self.image.memory(slot).length);
        let (mut words, mut words_beside) = (0.0, 0.0);
        for (number, term) in self.terms.iter().enumerate() {
            let count = own.count(number);
            let others: f32 = beside.iter().flatten().map(|other| other.count(number)).sum();
            words += self.weigh(term, count, length);
            words_beside += self.weigh(term, count + self.weights.beside * others, self.average);
        }
        let near = beside.iter().flatten().map(|other| other.cosine).fold(f32::NAN, f32::max);
        Signs { words, words_beside, meaning: own.cosine, meaning_beside: near }
    }

    /// What the conversations as a whole have of the question: their best candidates together.
    fn sessions(&self, candidates: &[Slot], signs: &[Signs], scale: &Scale) -> HashMap<u32, (f32, f32)> {
        let mut groups: HashMap<u32, (Vec<f32>, Vec<f32>)> = HashMap::new();
        for (slot, signs) in candidates.iter().zip(signs) {
            let group = groups.entry(self.image.memory(*slot).conversation).or_default();
            group.0.push(scale.words(signs.words));
            group.1.push(scale.meaning(signs.meaning));
        }
        let mut sessions: HashMap<u32, (f32, f32)> = groups
            .into_iter()
            .filter(|(conversation, _)| *conversation != NOBODY)
            .map(|(conversation, (words, meaning))| (conversation, (best(words), best(meaning))))
            .collect();
        let most = sessions.values().fold((1e-6f32, 1e-6f32), |m, s| (m.0.max(s.0), m.1.max(s.1)));
        for session in sessions.values_mut() {
            *session = (session.0 / most.0, session.1 / most.1);
        }
        sessions
    }
}

/// The memories before and after one in its conversation.
type Beside = [Option<Slot>; 2];

/// What each candidate and each of its neighbours has of the question: looked up once, in the order in which it lies in memory.
struct Evidence {
    slots: Vec<Slot>,
    /// How often each of the slots has each of the words.
    counts: Vec<u8>,
    /// Not a number for a memory without a vector.
    cosines: Vec<f32>,
    terms: usize,
}

/// The evidence of one memory.
#[derive(Clone, Copy)]
struct Shown<'a> {
    counts: &'a [u8],
    cosine: f32,
}

impl Shown<'_> {
    fn count(self, term: usize) -> f32 {
        self.counts.get(term).copied().map_or(0.0, f32::from)
    }
}

impl Evidence {
    fn of_all(asked: &Asked<'_>, candidates: &[Slot], beside: &[Beside]) -> Self {
        let mut slots = candidates.to_vec();
        slots.extend(beside.iter().flatten().flatten());
        slots.sort_unstable();
        slots.dedup();
        let terms = asked.terms.len();
        let mut counts = vec![0; slots.len() * terms];
        for (number, term) in asked.terms.iter().enumerate() {
            let mut from = 0;
            for (row, slot) in slots.iter().enumerate() {
                let count;
                (count, from) = term.list.count_from(*slot, from);
                counts[row * terms + number] = count;
            }
        }
        let cosines = match asked.question.vector {
            Some(vector) => asked.image.vectors.cosines(&slots, vector),
            None => vec![f32::NAN; slots.len()],
        };
        Self { slots, counts, cosines, terms }
    }

    fn of(&self, slot: Slot) -> Shown<'_> {
        match self.slots.binary_search(&slot) {
            Ok(row) => Shown { counts: &self.counts[row * self.terms..][..self.terms], cosine: self.cosines[row] },
            Err(_) => Shown { counts: &[], cosine: f32::NAN },
        }
    }
}

/// The sum of the best three.
fn best(mut values: Vec<f32>) -> f32 {
    values.sort_by(|a, b| b.total_cmp(a));
    values.iter().take(3).sum()
}

/// What is known of a candidate.
struct Signs {
    words: f32,
    words_beside: f32,
    meaning: f32,
    meaning_beside: f32,
}

/// Brings the signs of one question's candidates to the same scale.
struct Scale {
    words: f32,
    low: f32,
    high: f32,
}

impl Scale {
    fn of(signs: &[Signs]) -> Self {
        let words = signs.iter().map(|s| s.words_beside.max(s.words)).fold(1e-6, f32::max);
        let mut meanings: Vec<f32> = signs.iter().map(|s| s.meaning).filter(|m| m.is_finite()).collect();
        meanings.sort_by(f32::total_cmp);
        // The middle one stands for "has nothing to do with it".
        let low = meanings.get(meanings.len() / 2).copied().unwrap_or(0.0);
        let high = meanings.last().copied().unwrap_or(1.0);
        Self { words, low, high: high.max(low + 1e-3) }
    }

    fn words(&self, words: f32) -> f32 {
        words / self.words
    }

    fn meaning(&self, cosine: f32) -> f32 {
        if cosine.is_finite() { ((cosine - self.low) / (self.high - self.low)).max(-1.0) } else { 0.0 }
    }
}
