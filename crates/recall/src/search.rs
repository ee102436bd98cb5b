//! From a question to the memories that answer it, without a language model.
//!
//! Two searches give candidates, words (BM25) and meaning (vectors), and each candidate brings its neighbours in the
//! conversation. Every candidate is then scored again by all that is known of it: its words and those beside it, its meaning and
//! that of its neighbours and its conversation, who said it, when, how important it is.

use std::collections::{HashMap, HashSet};

use crate::calendar::DAY;
use crate::code::Code;
use crate::dates::{self, Span};
use crate::image::{Image, Memory, NOBODY};
use crate::postings::{List, Slot};
use crate::words::{is_stop_word, words};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// In words.
    pub text: &'a str,
    /// Its vector, of the same model as the memories'.
    pub vector: Option<&'a Code>,
    /// What "yesterday" is counted from, in milliseconds.
    pub now: i64,
    /// The most memories that are wanted.
    pub limit: usize,
    /// A bit for every kind that is wanted; 0: all.
    pub kinds: u32,
    /// Nothing from this conversation.
    pub except: Option<&'a str>,
}

/// A memory that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: i64,
    /// Comparable within one result only.
    pub score: f64,
}

/// How much each sign of relevance counts.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is the weight of the sign it is named after")]
pub struct Weights {
    pub words: f32,
    pub words_beside: f32,
    pub words_session: f32,
    pub meaning: f32,
    pub meaning_beside: f32,
    pub meaning_session: f32,
    pub speaker: f32,
    pub date: f32,
    pub recency: f32,
    pub importance: f32,
    pub k1: f32,
    pub b: f32,
    pub beside: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            words: 1.0,
            words_beside: 0.8,
            words_session: 0.5,
            meaning: 0.5,
            meaning_beside: 0.5,
            meaning_session: 0.4,
            speaker: 0.35,
            date: 0.8,
            recency: 0.02,
            importance: 0.1,
            k1: 0.8,
            b: 0.5,
            beside: 0.8,
        }
    }
}

impl Weights {
    const NOTHING: Self = Self {
        words: 0.0,
        words_beside: 0.0,
        words_session: 0.0,
        meaning: 0.0,
        meaning_beside: 0.0,
        meaning_session: 0.0,
        speaker: 0.0,
        date: 0.0,
        recency: 0.0,
        importance: 0.0,
        k1: 1.2,
        b: 0.75,
        beside: 0.0,
    };

    /// Plain BM25, to compare with.
    pub fn words_alone() -> Self {
        Self { words: 1.0, ..Self::NOTHING }
    }

    /// BM25 over each memory together with those beside it, to compare with.
    pub fn window_alone() -> Self {
        Self { words_beside: 1.0, beside: 1.0, ..Self::NOTHING }
    }

    /// The vectors alone, to compare with.
    pub fn meaning_alone() -> Self {
        Self { meaning: 1.0, ..Self::NOTHING }
    }
}

/// Candidates of each of the two searches.
const CANDIDATES: usize = 200;
/// The best so many bring their neighbours.
const WITH_NEIGHBOURS: usize = 100;
/// Entries of word lists that are walked through; the lists of commoner words only count for candidates.
const WALK_MAX: usize = 100_000;

impl Image {
    /// The memories that fit best, the best first.
    pub fn search(&self, question: &Question<'_>) -> Vec<Found> {
        self.search_with(question, &Weights::default())
    }

    /// The same with other weights.
    pub fn search_with(&self, question: &Question<'_>, weights: &Weights) -> Vec<Found> {
        let asked = Asked::read(self, question, weights);
        let candidates = asked.candidates();
        let mut found = asked.ranked(&candidates);
        found.truncate(question.limit);
        found
    }
}

/// A question, understood.
struct Asked<'a> {
    image: &'a Image,
    question: &'a Question<'a>,
    weights: &'a Weights,
    terms: Vec<Term<'a>>,
    speakers: HashSet<u32>,
    spans: Vec<Span>,
    except: u32,
    /// Words of a memory, on average.
    average: f32,
}

struct Term<'a> {
    list: &'a List,
    idf: f32,
}

impl<'a> Asked<'a> {
    fn read(image: &'a Image, question: &'a Question<'a>, weights: &'a Weights) -> Self {
        let mut tokens = words(question.text).tokens;
        tokens.sort_unstable();
        tokens.dedup();
        let speakers = speakers(image, &tokens);
        // Who is named counts as speaker, not as a word: names are said by those who are spoken to.
        let about = |token: &String| !is_stop_word(token) && (weights.speaker == 0.0 || !names_speaker(image, token));
        if tokens.iter().any(about) {
            tokens.retain(about);
        }
        let count = image.memories.len() as f32;
        let mut terms: Vec<Term<'a>> = tokens
            .iter()
            .filter_map(|token| {
                let list = image.postings.get(token)?;
                let df = list.memories() as f32;
                Some(Term { list, idf: (1.0 + (count - df + 0.5) / (df + 0.5)).ln() })
            })
            .collect();
        terms.sort_by_key(|term| term.list.memories());
        let except = question.except.and_then(|name| image.conversations.find(name)).unwrap_or(NOBODY);
        let average = (image.total_length as f32 / image.alive.max(1) as f32).max(1.0);
        let spans = dates::spans(question.text, question.now);
        Self { image, question, weights, terms, speakers, spans, except, average }
    }

    fn wants(&self, slot: Slot) -> bool {
        let memory = self.image.memory(slot);
        memory.alive
            && (self.question.kinds == 0 || self.question.kinds & (1 << memory.kind) != 0)
            && (self.except == NOBODY || memory.conversation != self.except)
    }

    fn candidates(&self) -> Vec<Slot> {
        let mut by_words = self.by_words();
        by_words.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        let mut by_meaning = match self.question.vector {
            Some(vector) => self.image.vectors.nearest(vector, CANDIDATES, false, |slot| self.wants(slot)),
            None => Vec::new(),
        };
        by_meaning.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for (rank, (slot, _)) in by_words.iter().enumerate().chain(by_meaning.iter().enumerate()) {
            if seen.insert(*slot) {
                all.push(*slot);
            }
            if rank < WITH_NEIGHBOURS {
                for step in [-1, 1, 2] {
                    if let Some(beside) = self.image.neighbour(*slot, step).filter(|slot| self.wants(*slot))
                        && seen.insert(beside)
                    {
                        all.push(beside);
                    }
                }
            }
        }
        all
    }

    /// BM25 of one word.
    fn weigh(&self, term: &Term<'_>, count: f32, length: f32) -> f32 {
        let Weights { k1, b, .. } = *self.weights;
        let norm = k1 * (1.0 - b + b * length / self.average);
        term.idf * count * (k1 + 1.0) / (count + norm)
    }

    fn by_words(&self) -> Vec<(Slot, f32)> {
        let mut scores = vec![0.0f32; self.image.memories.len()];
        let mut walked = 0;
        for term in &self.terms {
            walked += term.list.memories();
            if walked > WALK_MAX && walked > term.list.memories() {
                break;
            }
            for (slot, count) in term.list.iter() {
                let length = f32::from(self.image.lengths[slot as usize]);
                scores[slot as usize] += self.weigh(term, f32::from(count), length);
            }
        }
        let positive = scores.iter().enumerate().filter(|(_, score)| **score > 0.0);
        let found: Vec<(Slot, f32)> = positive.map(|(slot, score)| (slot as Slot, *score)).collect();
        best_of(found, CANDIDATES, |slot| self.wants(slot))
    }

    fn ranked(&self, candidates: &[Slot]) -> Vec<Found> {
        let counts = Counts::of_all(self, candidates);
        let signs: Vec<Signs> = candidates.iter().map(|slot| self.signs(*slot, &counts)).collect();
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

    fn signs(&self, slot: Slot, counts: &Counts) -> Signs {
        let beside = [-1, 1].map(|step| self.image.neighbour(slot, step));
        let length = f32::from(self.image.memory(slot).length);
        let (mut words, mut words_beside) = (0.0, 0.0);
        for (number, term) in self.terms.iter().enumerate() {
            let own = counts.of(slot, number);
            let others: f32 = beside.iter().flatten().map(|slot| counts.of(*slot, number)).sum();
            words += self.weigh(term, own, length);
            words_beside += self.weigh(term, own + self.weights.beside * others, self.average);
        }
        let cosine = |slot: Slot| self.question.vector.and_then(|v| self.image.vectors.cosine(slot, v));
        let near = beside.iter().flatten().filter_map(|slot| cosine(*slot)).fold(f32::NAN, f32::max);
        Signs { words, words_beside, meaning: cosine(slot).unwrap_or(f32::NAN), meaning_beside: near }
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

/// How often each candidate and each of its neighbours has each word: looked up once, in the order of the lists.
struct Counts {
    slots: Vec<Slot>,
    counts: Vec<u8>,
    terms: usize,
}

impl Counts {
    fn of_all(asked: &Asked<'_>, candidates: &[Slot]) -> Self {
        let mut slots = candidates.to_vec();
        slots.extend(
            candidates.iter().flat_map(|slot| [-1, 1].map(|step| asked.image.neighbour(*slot, step))).flatten(),
        );
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
        Self { slots, counts, terms }
    }

    fn of(&self, slot: Slot, term: usize) -> f32 {
        self.slots.binary_search(&slot).map_or(0.0, |row| f32::from(self.counts[row * self.terms + term]))
    }
}

/// The best of what is found, among those that are wanted, in no particular order. Whether one is wanted is asked late: of a
/// long list only the best are.
fn best_of(mut found: Vec<(Slot, f32)>, count: usize, wanted: impl Fn(Slot) -> bool) -> Vec<(Slot, f32)> {
    let few = count * 4;
    if found.len() > few {
        found.select_nth_unstable_by(few, |a, b| b.1.total_cmp(&a.1));
        let best: Vec<(Slot, f32)> = found[..few].iter().copied().filter(|(slot, _)| wanted(*slot)).collect();
        if best.len() >= count {
            found = best;
        } else {
            found.retain(|(slot, _)| wanted(*slot));
        }
    } else {
        found.retain(|(slot, _)| wanted(*slot));
    }
    if found.len() > count {
        found.select_nth_unstable_by(count, |a, b| b.1.total_cmp(&a.1));
        found.truncate(count);
    }
    found
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

/// The speakers that a question names, by the beginning of the name at least.
fn speakers(image: &Image, tokens: &[String]) -> HashSet<u32> {
    let named = image
        .speakers
        .all
        .iter()
        .enumerate()
        .filter(|(_, name)| words(name).tokens.iter().any(|part| tokens.iter().any(|token| is_name(token, part))));
    named.map(|(number, _)| number as u32).collect()
}

fn is_name(token: &str, part: &str) -> bool {
    token == part || (token.chars().count() >= 3 && part.starts_with(token))
}

fn names_speaker(image: &Image, token: &str) -> bool {
    image.speakers.all.iter().any(|name| words(name).tokens.iter().any(|part| is_name(token, part)))
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
