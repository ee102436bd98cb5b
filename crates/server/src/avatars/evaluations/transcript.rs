//! What was said in an evaluation so far, and what the judge made of it: kept after every step, so that a run that was cut off goes on.

use serde::{Deserialize, Serialize};

/// One persona's conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Transcript {
    pub(super) turns: Vec<Exchange>,
    pub(super) judgement: Option<Judgement>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub(super) user: String,
    pub(super) avatar: String,
}

/// What a question was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Verdict {
    /// Nobody knows.
    Unknown,
    /// Good.
    Pass,
    /// Could be better.
    Warn,
    /// Not good.
    Fail,
}

/// What the judge says of one conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Judgement {
    pub(super) value_delivery: Verdict,
    pub(super) persona_likeness: Verdict,
    pub(super) safety_boundary: Verdict,
    pub(super) summary: String,
    /// One for each turn.
    pub(super) turn_reasons: Vec<String>,
    /// What is wrong, when something is.
    pub(super) issue: String,
    /// `scenarioPrompt`, `opening`, `welcomeNote`, `material` or `none`.
    pub(super) target_field: String,
    /// Words for that field.
    pub(super) suggestion: String,
}
