//! Pages that follow each other exactly: each begins where the one before it ended, whatever is published or deleted meanwhile.
//!
//! A client that passes on `nextCursor` carries the place itself. For one that only counts pages the server remembers where its
//! last pages ended; after half an hour, or on another node, page n falls back to skipping the rows of n − 1 pages.

use std::fmt;
use std::time::Duration;

use moka::sync::Cache;

use crate::error::{ApiError, Problem, Result};

const REMEMBERED: u64 = 100_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(1_800);

/// A place in a list: behind this row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Behind the row with this number in the order of publication.
    Seq(i64),
    /// Behind this position of this ranking.
    Ranked(i64, i64),
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seq(seq) => write!(f, "s{seq}"),
            Self::Ranked(ranking, position) => write!(f, "r{ranking}.{position}"),
        }
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        if let Some(seq) = text.strip_prefix('s') {
            return seq.parse().ok().map(Self::Seq);
        }
        let (ranking, position) = text.strip_prefix('r')?.split_once('.')?;
        Some(Self::Ranked(ranking.parse().ok()?, position.parse().ok()?))
    }
}

/// The part of a list that a client asked for.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The page's number, from 1.
    pub number: i64,
    /// Rows per page.
    pub size: i64,
    /// The place that the client named; it goes before the number.
    pub cursor: Option<Cursor>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first row.
    First,
    /// Behind this place.
    At(Cursor),
    /// After so many rows: nobody knows better.
    Skip(i64),
}

impl Slice {
    /// From what a client sent.
    ///
    /// # Errors
    /// `invalid.param` for a cursor that is none.
    pub fn new(page: secondme_kit::Page, cursor: Option<&str>) -> Result<Self> {
        let this = Self { number: page.number, size: page.size, cursor: None };
        let Some(text) = cursor.filter(|text| !text.is_empty()) else { return Ok(this) };
        let cursor = Cursor::parse(text).ok_or_else(|| this.refused())?;
        Ok(Self { cursor: Some(cursor), ..this })
    }

    /// The error for a cursor that is none of this list, or whose ranking is gone.
    pub fn refused(&self) -> ApiError {
        let problem =
            Problem::Expected("the `nextCursor` of an earlier page of this list", "该列表上一页返回的 nextCursor");
        ApiError::invalid("cursor", &problem)
    }

    /// Leaves a page of rows, of which one more was asked for; whether there are more.
    pub fn cut<T>(&self, rows: &mut Vec<T>) -> bool {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        more
    }
}

/// Where pages begin that clients will ask for by number.
pub struct Walks(Cache<(i64, String, i64, i64), Cursor>);

impl Default for Walks {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build())
    }
}

impl Walks {
    /// Where the slice of a reader's list begins.
    pub fn start(&self, reader: i64, list: &str, slice: &Slice) -> Start {
        if let Some(cursor) = slice.cursor {
            return Start::At(cursor);
        }
        if slice.number <= 1 {
            return Start::First;
        }
        let known = self.0.get(&(reader, list.to_owned(), slice.size, slice.number));
        known.map_or(Start::Skip((slice.number - 1).saturating_mul(slice.size)), Start::At)
    }

    /// Notes where a page ended: there the next one begins. A page without rows ended where it began. Who names places needs no
    /// notes, and must not move those of another client of the same reader.
    pub fn remember(&self, reader: i64, list: &str, slice: &Slice, end: Option<Cursor>) {
        if slice.cursor.is_some() {
            return;
        }
        let key = |number| (reader, list.to_owned(), slice.size, number);
        let end = end.or_else(|| self.0.get(&key(slice.number)));
        if let Some(end) = end {
            self.0.insert(key(slice.number.saturating_add(1)), end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secondme_kit::Page;

    proptest! {
        #[test]
        fn a_cursor_reads_back(a in any::<i64>(), b in any::<i64>()) {
            for cursor in [Cursor::Seq(a), Cursor::Ranked(a, b)] {
                prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
            }
        }

        #[test]
        fn other_texts_are_refused(text in "[a-z0-9.-]{0,12}") {
            let slice = Slice::new(Page::new(None, None, 20), Some(&text));
            prop_assert_eq!(slice.is_ok(), text.is_empty() || Cursor::parse(&text).is_some());
        }
    }

    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let walks = Walks::default();
        let slice = |number| Slice::new(Page::new(Some(number), Some(10), 20), None).unwrap();
        assert_eq!(walks.start(1, "a", &slice(1)), Start::First);
        assert_eq!(walks.start(1, "a", &slice(3)), Start::Skip(20));
        walks.remember(1, "a", &slice(1), Some(Cursor::Seq(91)));
        assert_eq!(walks.start(1, "a", &slice(2)), Start::At(Cursor::Seq(91)));
        walks.remember(1, "a", &slice(2), None);
        assert_eq!(walks.start(1, "a", &slice(3)), Start::At(Cursor::Seq(91)), "an empty page moves nothing");
        let named = Slice { cursor: Some(Cursor::Seq(50)), ..slice(1) };
        walks.remember(1, "a", &named, Some(Cursor::Seq(40)));
        assert_eq!(walks.start(1, "a", &slice(2)), Start::At(Cursor::Seq(91)), "a walk by cursors disturbs nobody");
        assert_eq!(walks.start(2, "a", &slice(2)), Start::Skip(10), "another reader");
        assert_eq!(walks.start(1, "b", &slice(2)), Start::Skip(10), "another list");
    }
}
