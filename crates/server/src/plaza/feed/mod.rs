//! The feed (contract 13.6): everybody's posts in their order, those of friends, the featured ones, or what a search finds.
//!
//! Invariant: a walk through the pages shows what was there when it began once each: nothing twice, and nothing that was not
//! deleted meanwhile is missing. What is published meanwhile does not disturb it.

pub mod featured;
pub mod http;
mod store;
pub mod walk;

use secondme_store::Tx;

use walk::{Cursor, Slice, Start};

use super::posts::{self, Post};
use super::{certificates, words};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};

/// The order of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The posts of friends, the newest first; everybody's when the reader has no friends.
    Friends,
    /// Everybody's posts, the newest first.
    Timeline,
    /// The best of the last days (`featured`).
    Featured,
}

/// Which posts are asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// In which order, and whose.
    pub sort: Sort,
    /// Words that must all appear; none: no search.
    pub keyword: Option<String>,
    /// Only this kind of content.
    pub content_type: Option<&'static str>,
    /// Only posts of the person with this home page.
    pub circle_route: Option<String>,
}

/// A page of a feed.
#[derive(Debug)]
pub struct Feed {
    /// The posts.
    pub items: Vec<Post>,
    /// All posts of the feed by kind of content, whichever kind was asked for.
    pub counts: Vec<(String, i64)>,
    /// All posts of the kind that was asked for.
    pub total: i64,
    /// Where the next page begins; none: this is the last.
    pub next: Option<Cursor>,
}

/// What a feed is made of.
#[derive(Clone, Debug)]
enum Source {
    /// Everybody, or one author.
    Posts { author: Option<i64> },
    /// The reader's friends.
    Friends,
    /// What has all these words, of everybody or one author.
    Search { keys: Vec<String>, author: Option<i64> },
    /// A ranking, or what of it has all these words, of everybody or one author.
    Ranking { id: i64, keys: Vec<String>, author: Option<i64> },
}

/// Nobody: the author of no post.
const NOBODY: i64 = -1;

/// A page of a feed for a reader.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`; `invalid.param` for a long keyword or a foreign cursor.
pub async fn page(app: &App, reader: i64, ask: &Ask, slice: &Slice) -> Result<Feed> {
    let keys = keyword(app, ask)?;
    let list = format!("{:?} {:?} {:?} {:?}", ask.sort, ask.content_type, ask.circle_route, ask.keyword);
    let start = app.walks().start(reader, &list, slice);
    let ranking = match (ask.sort, start) {
        (Sort::Featured, Start::At(Cursor::Ranked(id, _))) => Some(id),
        (Sort::Featured, _) => Some(featured::current(app).await?),
        _ => None,
    };
    let mut tx = app.store().read().await?;
    certificates::require(&mut tx, reader).await?;
    let source = source(&mut tx, reader, ask, keys, ranking).await?;
    let kind = ask.content_type.unwrap_or_default();
    let (places, more, end) = rows(&mut tx, reader, &source, kind, start, slice).await?;
    app.walks().remember(reader, &list, slice, end);
    let counts = store::counts(&mut tx, reader, &source, app.config().plaza.search_count_max).await?;
    let total = counts.iter().filter(|(word, _)| kind.is_empty() || word == kind).map(|(_, n)| n).sum();
    let items = posts::load(&mut tx, reader, &places).await?;
    Ok(Feed { items, counts, total, next: end.filter(|_| more) })
}

/// The words to search for; none: no search.
fn keyword(app: &App, ask: &Ask) -> Result<Option<Vec<String>>> {
    let max = app.config().plaza.keyword_max_chars;
    let Some(text) = ask.keyword.as_deref().filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    if text.chars().count() > max {
        return Err(ApiError::invalid("keyword", &Problem::TooLong(max)));
    }
    Ok(Some(words::keyword(text)))
}

async fn source(
    tx: &mut Tx,
    reader: i64,
    ask: &Ask,
    keys: Option<Vec<String>>,
    ranking: Option<i64>,
) -> Result<Source> {
    let author = match &ask.circle_route {
        Some(route) => Some(store::author_at(tx, route).await?.unwrap_or(NOBODY)),
        None => None,
    };
    Ok(match (keys, ranking) {
        // A keyword of punctuation alone finds nothing.
        (Some(keys), _) if keys.is_empty() => Source::Posts { author: Some(NOBODY) },
        (keys, Some(id)) => Source::Ranking { id, keys: keys.unwrap_or_default(), author },
        (Some(keys), None) => Source::Search { keys, author },
        (None, None) if ask.sort == Sort::Friends && author.is_none() && store::has_friends(tx, reader).await? => {
            Source::Friends
        }
        (None, None) => Source::Posts { author },
    })
}

/// The places of a page, whether more follow, and where it ended.
async fn rows(
    tx: &mut Tx,
    reader: i64,
    source: &Source,
    kind: &str,
    start: Start,
    slice: &Slice,
) -> Result<(Vec<i64>, bool, Option<Cursor>)> {
    let limit = slice.size + 1;
    if let Source::Ranking { id, .. } = source {
        let (after, skip) = match start {
            Start::First => (-1, 0),
            Start::Skip(rows) => (-1, rows),
            Start::At(Cursor::Ranked(_, position)) if store::has_ranking(tx, *id).await? => (position, 0),
            Start::At(_) => return Err(slice.refused()),
        };
        let mut rows = store::ranked(tx, source, kind, (after, limit, skip)).await?;
        let more = slice.cut(&mut rows);
        let end = rows.last().map(|(position, _)| Cursor::Ranked(*id, *position));
        return Ok((rows.into_iter().map(|(_, seq)| seq).collect(), more, end));
    }
    let (before, skip) = match start {
        Start::First => (i64::MAX, 0),
        Start::Skip(rows) => (i64::MAX, rows),
        Start::At(Cursor::Seq(seq)) => (seq, 0),
        Start::At(Cursor::Ranked(..)) => return Err(slice.refused()),
    };
    let mut seqs = store::newest(tx, reader, source, kind, (before, limit, skip)).await?;
    let more = slice.cut(&mut seqs);
    let end = seqs.last().map(|seq| Cursor::Seq(*seq));
    Ok((seqs, more, end))
}
