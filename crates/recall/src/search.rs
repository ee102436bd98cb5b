//! From a question to the memories that answer it, without a language model.
//!
//! Two searches give candidates, words (BM25) and meaning (vectors), and each candidate brings its neighbours in the
//! conversation. The candidates are then looked at again ([`crate::ranking`]).

use std::collections::HashSet;

use crate::best::Best;
use crate::dates::{self, Span};
use crate::image::Image;
use crate::postings::{List, Slot};
use crate::question::{Found, Question, Weights};
use crate::words::{is_stop_word, words};

/// Candidates of each of the two searches.
const CANDIDATES: usize = 200;
/// The best so many bring their neighbours.
const WITH_NEIGHBOURS: usize = 100;
/// Entries of word lists that are walked through; the lists of commoner words only count for candidates.
const WALK_MAX: usize = 100_000;
/// Memories that are weighed together.
const BLOCK: usize = 1 << 14;

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
pub(crate) struct Asked<'a> {
    pub(crate) image: &'a Image,
    pub(crate) question: &'a Question<'a>,
    pub(crate) weights: &'a Weights,
    pub(crate) terms: Vec<Term<'a>>,
    pub(crate) speakers: HashSet<u32>,
    pub(crate) spans: Vec<Span>,
    /// Memories that are not wanted, in order.
    except: Vec<Slot>,
    /// Words of a memory, on average.
    pub(crate) average: f32,
}

/// A word of the question that some memory has.
pub(crate) struct Term<'a> {
    pub(crate) list: &'a List,
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
        let mut except = question.except.map_or_else(Vec::new, |name| image.of_conversation(name));
        except.sort_unstable();
        let average = (image.total_length as f32 / image.alive.max(1) as f32).max(1.0);
        let spans = dates::spans(question.text, question.now);
        Self { image, question, weights, terms, speakers, spans, except, average }
    }

    fn wants(&self, slot: Slot) -> bool {
        let kind_wanted = |kind: u8| self.question.kinds == 0 || self.question.kinds & (1 << kind) != 0;
        self.image.kind(slot).is_some_and(kind_wanted) && self.except.binary_search(&slot).is_err()
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
    pub(crate) fn weigh(&self, term: &Term<'_>, count: f32, length: f32) -> f32 {
        let Weights { k1, b, .. } = *self.weights;
        let norm = k1 * (1.0 - b + b * length / self.average);
        term.idf * count * (k1 + 1.0) / (count + norm)
    }

    /// The memories that have most of the words. They are weighed a block at a time, so that the sums stay in the processor.
    fn by_words(&self) -> Vec<(Slot, f32)> {
        let terms = self.walked();
        let mut places = vec![0; terms.len()];
        let mut sums = vec![0.0f32; BLOCK];
        let mut best = Best::of(CANDIDATES);
        for start in (0..self.image.memories.len()).step_by(BLOCK) {
            let mut empty = true;
            for (term, place) in terms.iter().zip(&mut places) {
                for (slot, count) in term.list.part(place, (start + BLOCK) as Slot) {
                    let length = f32::from(self.image.lengths[slot as usize]);
                    sums[slot as usize - start] += self.weigh(term, f32::from(count), length);
                    empty = false;
                }
            }
            if !empty {
                best.take(start as Slot, &sums, |slot| self.wants(slot));
                sums.fill(0.0);
            }
        }
        best.found()
    }

    /// The words whose lists are walked through: the rarest, as many as [`WALK_MAX`] allows, but one at least.
    fn walked(&self) -> &[Term<'a>] {
        let mut walked = 0;
        let common = self.terms.iter().position(|term| {
            walked += term.list.memories();
            walked > WALK_MAX && walked > term.list.memories()
        });
        &self.terms[..common.unwrap_or(self.terms.len())]
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
