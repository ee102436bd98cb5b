//! What is refused before any model is asked (contract 11 and 24.65, 24.66).

use crate::chars::{is_close_brace, is_open_brace};

/// Why the text of an `actionControl` is refused. Lengths are in Unicode code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nothing but white space.
    #[error("the control text is empty")]
    Empty,
    /// Shorter than the smallest length.
    #[error("the control text has {len} characters, which is too few")]
    TooShort {
        /// Length of the text as it was sent.
        len: usize,
    },
    /// Longer than the greatest length.
    #[error("the control text has {len} characters, which is too many")]
    TooLong {
        /// Length of the text as it was sent.
        len: usize,
    },
    /// No `{` that is followed by a `}` anywhere after it.
    #[error("the control text shows no {{…}} structure")]
    NoStructure,
}

/// Checks the text in the order of contract 24.65: blank, length, braces. Full-width braces count as braces.
///
/// # Errors
/// The first rule that the text breaks.
pub fn check(text: &str, min: usize, max: usize) -> Result<(), ControlError> {
    if text.trim().is_empty() {
        return Err(ControlError::Empty);
    }
    let len = text.chars().count();
    if len < min {
        return Err(ControlError::TooShort { len });
    }
    if len > max {
        return Err(ControlError::TooLong { len });
    }
    let mut rest = text.chars().skip_while(|c| !is_open_brace(*c));
    if rest.any(is_close_brace) { Ok(()) } else { Err(ControlError::NoStructure) }
}
