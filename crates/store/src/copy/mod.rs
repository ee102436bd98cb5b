//! Whole tables, found by what the database says about itself: copying one store into another, sums to compare them by, and
//! the rows that belong to somebody.
//!
//! The only SQL that is put together when the program runs is here, out of names that the schema itself has.

mod merge;
mod owned;
mod rows;
mod schema;
mod sum;
mod text;

pub use merge::{Step, copy};
pub use owned::{Owner, all, count, delete, insert, select, taken, update};
pub use schema::{Column, Kind, Reference, Table, tables};
pub use sum::{Sum, sums};
