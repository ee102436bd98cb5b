//! What is asked of an image, what comes back, and how much each sign of relevance counts.

use crate::code::Code;

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
