//! The log of a conversation: frames numbered without a gap from 1. A client that knows its last number misses nothing.

pub mod frame;
mod store;

use axum::extract::ws::Utf8Bytes;
use bytes::{BufMut, Bytes, BytesMut};
use secondme_store::Tx;

use crate::app::App;
use crate::error::Result;

pub use frame::{AVATAR, Draft, END, HUMAN, SYSTEM, VISITOR};

/// A frame as clients read it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its number.
    pub seq: i64,
    /// Its JSON.
    pub text: Utf8Bytes,
    /// Whether a reply ends here.
    pub ends: bool,
}

/// What a reader gets from the database.
#[derive(Debug)]
pub struct Read {
    /// Frames after the cursor, in order.
    pub frames: Vec<Frame>,
    /// The last number of the log.
    pub head: i64,
    /// The session's epoch: credentials of an older one are over.
    pub epoch: i64,
}

/// Frames that one read gives at most.
const BATCH: i64 = 200;
/// Where news of sessions go; the session's id is the last word.
pub const SUBJECT: &str = "visitor.live";

/// Reads what follows `cursor`; nothing when the session is gone.
///
/// # Errors
/// Storage failures only.
pub async fn read(app: &App, session_id: &str, cursor: i64) -> Result<Option<Read>> {
    let mut tx = app.store().read().await?;
    let Some((head, epoch)) = store::head(&mut tx, session_id).await? else { return Ok(None) };
    let frames = store::after(&mut tx, session_id, cursor, BATCH).await?;
    Ok(Some(Read { frames, head, epoch }))
}

/// What was said of a reply so far, and how many frames that was.
///
/// # Errors
/// Storage failures only.
pub async fn said(tx: &mut Tx, session_id: &str, message_id: &str) -> Result<(String, i64)> {
    Ok(store::said(tx, session_id, message_id).await?)
}

/// The holder of the lease under which a reply is written.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// Who.
    pub token: &'a str,
    /// Until when, from now on.
    pub until: i64,
}

/// Appends frames inside the caller's transaction and returns what to [`publish`] once it is committed; `None` when the lease
/// has gone to somebody else (then nothing may be committed). Without a lease the frames are the owner's or the visitor's own.
///
/// # Errors
/// Storage failures only.
pub async fn append(
    app: &App,
    tx: &mut Tx,
    session_id: &str,
    lease: Option<Lease<'_>>,
    drafts: &[Draft<'_>],
) -> Result<Option<News>> {
    let count = i64::try_from(drafts.len()).unwrap_or(0);
    let head = match lease {
        Some(lease) => store::advance_held(tx, session_id, count, lease.token, lease.until).await?,
        None => store::advance(tx, session_id, count).await?,
    };
    let Some(head) = head else { return Ok(None) };
    let mut frames = Vec::with_capacity(drafts.len());
    for (seq, draft) in (head - count + 1..).zip(drafts) {
        store::insert(tx, session_id, seq, draft, app.now()).await?;
        frames.push(draft.frame(session_id, seq));
    }
    Ok(Some(News { subject: subject(session_id), head, frames }))
}

/// The last number of a session's log.
///
/// # Errors
/// Storage failures only.
pub async fn head(app: &App, session_id: &str) -> Result<Option<i64>> {
    let mut tx = app.store().read().await?;
    Ok(store::head(&mut tx, session_id).await?.map(|(head, _)| head))
}

/// The first frame of a reply that is still being written.
///
/// # Errors
/// Storage failures only.
pub async fn unfinished(app: &App, session_id: &str) -> Result<Option<i64>> {
    let mut tx = app.store().read().await?;
    Ok(store::unfinished(&mut tx, session_id).await?)
}

/// Deletes at most `limit` frames that are older than `before`; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: i64, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, before, limit).await?)
}

fn subject(session_id: &str) -> String {
    format!("{SUBJECT}.{session_id}")
}

/// Frames that were committed, for everybody who reads along.
#[derive(Debug)]
pub struct News {
    subject: String,
    /// The last number of the log.
    pub head: i64,
    frames: Vec<Frame>,
}

impl News {
    /// Only how far a log goes: who has less reads it.
    pub fn of_head(session_id: &str, head: i64) -> Self {
        Self { subject: subject(session_id), head, frames: Vec::new() }
    }

    /// Tells all nodes. What gets lost on the way is found in the log.
    pub async fn publish(self, app: &App) {
        app.bus().publish(&self.subject, self.payload()).await;
    }

    /// The last number, then a line per frame that ends there. JSON has no line breaks of its own.
    fn payload(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_slice(self.head.to_string().as_bytes());
        for frame in &self.frames {
            out.put_slice(if frame.ends { b"\n." } else { b"\n-" });
            out.put_slice(frame.text.as_bytes());
        }
        out.freeze()
    }
}

/// What a message on the bus says: the last number, and frames that end there. `None`: not ours.
pub fn parse_news(payload: &Bytes) -> Option<(i64, Vec<Frame>)> {
    let text = Utf8Bytes::try_from(payload.clone()).ok()?;
    let mut lines = text.as_str().split('\n');
    let head: i64 = lines.next()?.parse().ok()?;
    let lines: Vec<&str> = lines.collect();
    let first = head - i64::try_from(lines.len()).ok()? + 1;
    let frame = |(seq, line): (i64, &str)| {
        let ends = line.starts_with('.');
        Some(Frame { seq, text: Utf8Bytes::from(line.get(1..)?), ends })
    };
    Some((head, (first..).zip(lines).map(frame).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn news_survive_the_bus(texts in proptest::collection::vec(any::<String>(), 0..5), head in 5i64..1_000_000) {
            let count = i64::try_from(texts.len()).unwrap();
            let frames: Vec<Frame> = (head - count + 1..)
                .zip(&texts)
                .map(|(seq, text)| Draft::piece("m", seq, text).frame("s", seq))
                .collect();
            let news = News { subject: "x".into(), head, frames: frames.clone() };
            let (read_head, read) = parse_news(&news.payload()).unwrap();
            prop_assert_eq!(read_head, head);
            prop_assert_eq!(read.len(), frames.len());
            for (a, b) in read.iter().zip(&frames) {
                prop_assert_eq!((a.seq, a.text.as_str(), a.ends), (b.seq, b.text.as_str(), b.ends));
            }
        }

        #[test]
        fn what_is_not_ours_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_news(&Bytes::from(bytes));
        }
    }
}
