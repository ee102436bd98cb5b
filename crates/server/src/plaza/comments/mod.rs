//! Comments and replies (contract 13.5, 13.7), the oldest first.

pub mod http;
mod store;

use secondme_kit::Millis;
use secondme_store::Tx;

pub(super) use store::set_state;

use super::certificates;
use super::feed::walk::{Cursor, Slice, Start};
use super::posts::{self, Source};
use crate::access::Caller;
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::memory::audience::Audience;
use crate::memory::index::{self, Entry, Kind};
use crate::memory::timeline::{self, Noted};

/// A comment to write.
#[derive(Clone, Debug)]
pub struct NewComment {
    /// The post it stands under.
    pub post_id: String,
    /// The words; may be empty beside a sticker.
    pub content: String,
    /// The comment it answers.
    pub reply_to: Option<String>,
    /// Whom it is addressed to, when it answers no comment; of an answered comment the author's name is taken.
    pub reply_to_name: Option<String>,
    /// Who wrote it.
    pub source: Source,
    /// A sticker; empty: none.
    pub sticker_url: String,
}

/// A comment as one reader sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of contract 13.5")]
pub struct Comment {
    pub seq: i64,
    pub id: String,
    pub author_id: i64,
    pub author_name: String,
    pub author_avatar: String,
    pub author_route: String,
    pub content: String,
    pub created_at: Millis,
    pub reply_to: Option<String>,
    pub reply_to_name: Option<String>,
    pub root: Option<String>,
    pub sticker_url: String,
    pub likes: i64,
    pub liked: bool,
    pub source: String,
}

/// A page of comments, and the answered ones that are not on it.
#[derive(Debug)]
pub struct Comments {
    /// The page.
    pub items: Vec<Comment>,
    /// What its replies answer, when that is on another page.
    pub context: Vec<Comment>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<Cursor>,
}

/// Writes a comment; its id.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`, `comment.content.too_long`, `resource.fetch.not_found`, `invalid.param`.
pub async fn create(app: &App, caller: &Caller, new: &NewComment) -> Result<String> {
    if new.content.chars().count() > app.config().plaza.comment_max_chars {
        return Err(ApiError::new(Code::CommentTooLong).arg(app.config().plaza.comment_max_chars));
    }
    let (author, now) = (caller.user_id, app.now());
    let id = format!("comment_{}", app.entropy().alphanumeric(16));
    let mut tx = app.store().write().await?;
    certificates::require(&mut tx, author).await?;
    let post_seq = posts::seq_of(&mut tx, &new.post_id).await?;
    let answered = match &new.reply_to {
        Some(reply_to) => Some(store::find_in(&mut tx, post_seq, reply_to).await?.ok_or_else(not_found)?),
        None => None,
    };
    store::insert(&mut tx, (&id, post_seq, author), new, answered.as_ref(), caller.app_id(), now).await?;
    posts::count_comment(&mut tx, post_seq, new.source.word(), author, 1).await?;
    remember(&mut tx, author, &id, new, caller.app_id(), now).await?;
    tx.commit().await?;
    Ok(id)
}

/// What one says in public is a memory that anybody may hear, and an event of the day.
async fn remember(
    tx: &mut Tx,
    author: i64,
    id: &str,
    new: &NewComment,
    app_id: Option<&str>,
    now: Millis,
) -> Result<()> {
    if new.content.trim().is_empty() {
        return Ok(());
    }
    let entry = Entry {
        user_id: author,
        kind: Kind::Post,
        item_id: id.to_owned(),
        text: &new.content,
        speaker: None,
        conversation: Some(&new.post_id),
        position: 1,
        happened_at: now,
        importance: 0.4,
        audience: &Audience::Anyone,
        app_id,
    };
    index::put(tx, &entry).await?;
    let text: String = new.content.chars().take(100).collect();
    let noted = Noted {
        user_id: author,
        platform: "secondme_plaza",
        action: "reply",
        action_label: "Commented on the plaza",
        display_text: &text,
        importance: 0.5,
        object: ("comment", id),
        at: now,
    };
    Ok(timeline::note(tx, &noted).await?)
}

/// A page of a post's comments.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`, `resource.fetch.not_found`, `invalid.param` for a cursor that is none.
pub async fn list(app: &App, reader: i64, post_id: &str, slice: &Slice) -> Result<Comments> {
    let key = format!("comments {post_id}");
    let mut tx = app.store().read().await?;
    certificates::require(&mut tx, reader).await?;
    let post_seq = posts::seq_of(&mut tx, post_id).await?;
    let (after, skip) = match app.walks().start(reader, &key, slice) {
        Start::First => (0, 0),
        Start::At(Cursor::Seq(seq)) => (seq, 0),
        Start::At(Cursor::Ranked(..)) => return Err(slice.refused()),
        Start::Skip(rows) => (0, rows),
    };
    let mut items = store::page(&mut tx, reader, post_seq, after, slice.size + 1, skip).await?;
    let more = slice.cut(&mut items);
    let end = items.last().map(|last| Cursor::Seq(last.seq));
    app.walks().remember(reader, &key, slice, end);
    let next = end.filter(|_| more);
    let mut context: Vec<Comment> = Vec::new();
    for reply_to in items.iter().filter_map(|item| item.reply_to.as_deref()) {
        let is_here = items.iter().chain(&context).any(|item| item.id == reply_to);
        if !is_here && let Some(comment) = store::one(&mut tx, reader, post_seq, reply_to).await? {
            context.push(comment);
        }
    }
    Ok(Comments { items, context, next })
}

/// Likes a comment, or takes the like back. Whether it is liked now, and by how many.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`, `resource.fetch.not_found`.
pub async fn like(app: &App, user_id: i64, id: &str, wanted: Option<bool>) -> Result<(bool, i64)> {
    let mut tx = app.store().write().await?;
    certificates::require(&mut tx, user_id).await?;
    let seq = store::visible_seq(&mut tx, id).await?.ok_or_else(not_found)?;
    let has = store::has_like(&mut tx, user_id, seq).await?;
    let wanted = wanted.unwrap_or(!has);
    let changed = match (has, wanted) {
        (false, true) => store::insert_like(&mut tx, user_id, seq, app.now()).await?,
        (true, false) => store::delete_like(&mut tx, user_id, seq).await?,
        _ => 0,
    };
    let by = if wanted { 1 } else { -1 } * i64::try_from(changed).unwrap_or(0);
    let likes = store::count_like(&mut tx, seq, by).await?;
    tx.commit().await?;
    Ok((wanted, likes))
}

/// Deletes one's own comment. Answers to it stay.
///
/// # Errors
/// `resource.fetch.not_found` when there is none or it is somebody else's.
pub async fn delete(app: &App, author: i64, id: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    if !delete_in(&mut tx, author, id).await? {
        return Err(not_found());
    }
    tx.commit().await?;
    Ok(())
}

/// The same in the caller's transaction; whether there was one.
pub(super) async fn delete_in(tx: &mut Tx, author: i64, id: &str) -> Result<bool> {
    let Some((post_seq, source, state)) = store::delete(tx, author, id).await? else { return Ok(false) };
    if state == "visible" {
        posts::count_comment(tx, post_seq, &source, author, -1).await?;
    }
    index::remove(tx, author, Kind::Post, id).await?;
    Ok(true)
}

/// Takes everything away that a user wrote and liked here, before the account is deleted. Answers of others stay, without the name.
pub(super) async fn forget_user(tx: &mut Tx, user_id: i64) -> Result<()> {
    store::forget_names(tx, user_id).await?;
    for seq in store::liked_by(tx, user_id).await? {
        store::delete_like(tx, user_id, seq).await?;
        store::count_like(tx, seq, -1).await?;
    }
    for id in store::ids_of(tx, user_id).await? {
        delete_in(tx, user_id, &id).await?;
    }
    Ok(())
}

/// Authors and ids of the comments under a post.
pub(super) async fn under(tx: &mut Tx, post_id: &str) -> Result<Vec<(i64, String)>> {
    Ok(store::under(tx, post_id).await?)
}

/// Shows or hides a comment for the operator, and counts it; whether that changed anything.
pub(super) async fn moderate(tx: &mut Tx, id: &str, state: &str) -> Result<bool> {
    let Some((post_seq, author, source)) = set_state(tx, id, state).await? else { return Ok(false) };
    posts::count_comment(tx, post_seq, &source, author, if state == "visible" { 1 } else { -1 }).await?;
    Ok(true)
}

/// The author of a comment, in any state.
pub(super) async fn author_of(tx: &mut Tx, id: &str) -> Result<Option<i64>> {
    Ok(store::author(tx, id).await?)
}

/// A comment under a post, for a reader.
pub(super) async fn one(tx: &mut Tx, reader: i64, post_id: &str, id: &str) -> Result<Comment> {
    let post_seq = posts::seq_of(tx, post_id).await?;
    store::one(tx, reader, post_seq, id).await?.ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::new(Code::NotFound).arg("comment")
}
