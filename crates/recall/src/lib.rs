//! Finding the right memory: the pure part of retrieval. No I/O, no clock, no model.
//!
//! Start reading at [`Image`] (all memories of one user, in memory) and [`Image::search`]; [`words()`] is the one tokenizer, used for what
//! is stored and for what is asked, [`Code`] a vector as it is kept.

mod best;
mod calendar;
pub mod code;
pub mod dates;
mod dates_han;
mod excerpt;
mod image;
mod passage;
mod postings;
mod question;
mod ranking;
mod search;
mod vectors;
pub mod words;

pub use code::Code;
pub use excerpt::excerpt;
pub use image::{Image, Item};
pub use passage::passage;
pub use question::{Found, Question, Weights};
pub use words::{Words, words};
