//! From the words of an `actionControl` (contract 11) to the JSON Schema that the answer is constrained with. Pure: no I/O, no
//! panic, time linear in the text. What is understood is published in `docs/ACT.md`; when in doubt the wider shape is chosen.

mod chars;
mod choose;
mod control;
mod find;
mod gaps;
mod kinds;
mod marks;
mod meaning;
mod pasted;
mod prose;
mod read;
mod runs;
mod tree;
mod ty;
mod validate;
mod words;

pub use control::{ControlError, check};
pub use ty::{MAX_ITEMS, MAX_STRING};
pub use validate::{check_schema, validate};

use serde_json::Value;

/// What a control text asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// JSON Schema in the subset of `docs/ACT.md`, bounded.
    pub schema: Value,
    /// `false`: the structure was not understood, and the schema accepts any one JSON value.
    pub understood: bool,
    /// What was left out, widened or refined, for the log and the stored message.
    pub notes: Vec<String>,
    /// The example that the text names as its fallback, if there is one and it has the shape.
    pub fallback: Option<Value>,
}

/// Reads the shape out of a control text. Any text is fine; one that [`check`] refuses gives the any-value shape.
#[must_use]
pub fn shape(text: &str) -> Shape {
    let text: Vec<char> = chars::unescape_pasted(text).chars().collect();
    let survey = find::survey(&text);
    choose::choose(&text, &survey)
}
