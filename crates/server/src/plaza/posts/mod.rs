//! Posts (contract 13.3, 13.4): publish, read, like, delete.
//!
//! Invariant: a post, its words and its place in every feed are one transaction; what it links to is fetched later, by a job.

pub mod http;
pub mod jobs;
mod preview;
mod rank;
mod store;

use secondme_jobs::{NewJob, enqueue};
use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) use rank::hot;
pub(super) use store::{PostRow, set_state, warm};

use super::{certificates, words};
use crate::access::Caller;
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::memory::audience::Audience;
use crate::memory::index::{self, Entry, Kind};
use crate::memory::timeline::{self, Noted};

/// The kinds of content.
pub const CONTENT_TYPES: [&str; 3] = ["discussion", "ama", "info"];
/// Posts whose words are stored in one transaction.
const WORDS_BATCH: i64 = 500;
/// The only type of post: everybody on the plaza may read it.
pub const PUBLIC: &str = "public";

/// Who wrote something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The user.
    #[default]
    User,
    /// Their avatar, with their approval.
    Avatar,
}

impl Source {
    /// The word in requests, answers and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Avatar => "avatar",
        }
    }

    /// From a request; absent means the user.
    ///
    /// # Errors
    /// `invalid.param` on any other word.
    pub fn parse(word: Option<&str>) -> Result<Self> {
        match word {
            None | Some("" | "user") => Ok(Self::User),
            Some("avatar") => Ok(Self::Avatar),
            Some(_) => Err(ApiError::invalid("source", &Problem::Expected("user or avatar", " user 或 avatar"))),
        }
    }
}

/// What a post has beside its words, as it is stored and shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of contract 13.3")]
pub struct Beside {
    pub topic_id: Option<String>,
    pub topic_title: Option<String>,
    pub topic_description: Option<String>,
    pub images: Vec<String>,
    pub video_url: Option<String>,
    pub video_thumbnail_url: Option<String>,
    pub video_duration_ms: Option<f64>,
    pub stickers: Vec<String>,
    pub is_notification: bool,
}

/// What is known of a linked page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of contract 13.3")]
pub struct LinkMeta {
    pub url: String,
    pub title: String,
    pub description: String,
    pub thumbnail: String,
    pub text_content: String,
}

/// A post to publish.
#[derive(Clone, Debug, Default)]
pub struct NewPost {
    /// The words.
    pub content: String,
    /// One of [`CONTENT_TYPES`].
    pub content_type: String,
    /// Pictures and the like.
    pub beside: Beside,
    /// The page that it links to; empty: none.
    pub link: String,
    /// What the client knows of that page; absent: it is fetched.
    pub link_meta: Option<LinkMeta>,
    /// Who wrote it.
    pub source: Source,
}

/// A post as one reader sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of contract 13.4")]
pub struct Post {
    pub seq: i64,
    pub id: String,
    pub author_id: i64,
    pub author_name: String,
    pub author_avatar: String,
    pub author_route: String,
    pub content: String,
    pub content_type: String,
    pub beside: Beside,
    pub link: String,
    pub link_meta: Option<LinkMeta>,
    pub source: String,
    pub created_at: Millis,
    pub comment_count: i64,
    pub human_comment_count: i64,
    pub likes: i64,
    pub liked: bool,
}

/// Publishes a post; its id.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`.
pub async fn create(app: &App, caller: &Caller, new: &NewPost) -> Result<String> {
    let (author, now) = (caller.user_id, app.now());
    let id = format!("post_{}", app.entropy().alphanumeric(16));
    let text = searchable(&new.content, &new.beside, new.link_meta.as_ref());
    let keys = words::keys(&text).join(" ");
    let row = PostRow { id: &id, author, app_id: caller.app_id(), new, hot: hot(0, now), now };
    let mut tx = app.store().write().await?;
    certificates::require(&mut tx, author).await?;
    let seq = store::insert(&mut tx, &row).await?;
    store::insert_words(&mut tx, seq, &keys).await?;
    if !new.link.is_empty() && new.link_meta.is_none() {
        let payload = json!({"postId": id});
        enqueue(&mut tx, NewJob { kind: jobs::KIND, payload, run_at: now, dedupe: None }, now).await?;
    }
    remember(&mut tx, author, &id, &text, caller.app_id(), now).await?;
    note(&mut tx, author, &id, &new.content, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// What a search finds a post by.
fn searchable(content: &str, beside: &Beside, meta: Option<&LinkMeta>) -> String {
    let parts = [
        Some(content),
        beside.topic_title.as_deref(),
        meta.map(|m| m.title.as_str()),
        meta.map(|m| m.description.as_str()),
    ];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A public post is a memory that anybody may hear.
async fn remember(tx: &mut Tx, author: i64, id: &str, text: &str, app_id: Option<&str>, now: Millis) -> Result<()> {
    let entry = Entry {
        user_id: author,
        kind: Kind::Post,
        item_id: id.to_owned(),
        text,
        speaker: None,
        conversation: Some(id),
        position: 0,
        happened_at: now,
        importance: 0.5,
        audience: &Audience::Anyone,
        app_id,
    };
    Ok(index::put(tx, &entry).await?)
}

/// The day's timeline says that the user posted.
async fn note(tx: &mut Tx, user_id: i64, id: &str, content: &str, now: Millis) -> Result<()> {
    let text: String = content.chars().take(100).collect();
    let noted = Noted {
        user_id,
        platform: "secondme_plaza",
        action: "post_created",
        action_label: "Posted on the plaza",
        display_text: &text,
        importance: 0.7,
        object: ("post", id),
        at: now,
    };
    Ok(timeline::note(tx, &noted).await?)
}

/// A post for a reader.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`, `resource.fetch.not_found`.
pub async fn get(app: &App, reader: i64, id: &str) -> Result<Post> {
    let mut tx = app.store().read().await?;
    certificates::require(&mut tx, reader).await?;
    let seq = seq_of(&mut tx, id).await?;
    store::load(&mut tx, reader, &[seq]).await?.pop().ok_or_else(not_found)
}

/// The place of a post that can be seen.
///
/// # Errors
/// `resource.fetch.not_found`.
pub(super) async fn seq_of(tx: &mut Tx, id: &str) -> Result<i64> {
    store::visible_seq(tx, id).await?.ok_or_else(not_found)
}

/// Posts by their places, in that order; what is gone or hidden is left out.
pub(super) async fn load(tx: &mut Tx, reader: i64, seqs: &[i64]) -> Result<Vec<Post>> {
    let mut posts = store::load(tx, reader, seqs).await?;
    posts.sort_by_key(|post| seqs.iter().position(|seq| *seq == post.seq));
    Ok(posts)
}

/// Likes a post, or takes the like back: as `wanted`, else the other way than before. Whether it is liked now, and by how many.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`, `resource.fetch.not_found`.
pub async fn like(app: &App, user_id: i64, id: &str, wanted: Option<bool>) -> Result<(bool, i64)> {
    let mut tx = app.store().write().await?;
    certificates::require(&mut tx, user_id).await?;
    let seq = seq_of(&mut tx, id).await?;
    let has = store::has_like(&mut tx, user_id, seq).await?;
    let wanted = wanted.unwrap_or(!has);
    let changed = match (has, wanted) {
        (false, true) => store::insert_like(&mut tx, user_id, seq, app.now()).await?,
        (true, false) => store::delete_like(&mut tx, user_id, seq).await?,
        _ => 0,
    };
    let by = if wanted { 1 } else { -1 } * i64::try_from(changed).unwrap_or(0);
    let likes = store::count_like(&mut tx, seq, by).await?;
    if by != 0 {
        warm(&mut tx, seq, user_id, by).await?;
    }
    tx.commit().await?;
    Ok((wanted, likes))
}

/// Deletes one's own post with its comments, likes and memories.
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

/// The same in the caller's transaction; whether there was one. The post is hidden before anything else: whoever writes locks the
/// post and its counts first and then what users remember, in the order of their ids, so that none waits for one who waits for them.
pub(super) async fn delete_in(tx: &mut Tx, author: i64, id: &str) -> Result<bool> {
    if store::hide(tx, author, id).await? == 0 {
        return Ok(false);
    }
    let mut remembered = super::comments::under(tx, id).await?;
    remembered.push((author, id.to_owned()));
    remembered.sort();
    for (writer, item) in remembered {
        index::remove(tx, writer, Kind::Post, &item).await?;
    }
    Ok(store::delete(tx, author, id).await? > 0)
}

/// Takes everything away that a user published and liked, before the account is deleted; what others see is counted anew.
pub(super) async fn forget_user(tx: &mut Tx, user_id: i64) -> Result<()> {
    for seq in store::liked_by(tx, user_id).await? {
        store::delete_like(tx, user_id, seq).await?;
        store::count_like(tx, seq, -1).await?;
        warm(tx, seq, user_id, -1).await?;
    }
    for id in store::ids_of(tx, user_id).await? {
        delete_in(tx, user_id, &id).await?;
    }
    Ok(())
}

/// Puts the words of posts into the full text that came without them, after everything was copied from the other kind of database;
/// how many.
///
/// # Errors
/// Storage failures only.
pub async fn word_anew(store: &Store) -> std::result::Result<usize, StoreError> {
    let mut worded = 0;
    loop {
        let mut tx = store.write().await?;
        let batch = store::without_words(&mut tx, WORDS_BATCH).await?;
        for post in &batch {
            let text = searchable(&post.content, &post.beside, post.link_meta.as_ref());
            store::insert_words(&mut tx, post.seq, &words::keys(&text).join(" ")).await?;
        }
        tx.commit().await?;
        worded += batch.len();
        if batch.is_empty() {
            return Ok(worded);
        }
    }
}

/// The author of a post, in any state.
pub(super) async fn author_of(tx: &mut Tx, id: &str) -> Result<Option<i64>> {
    Ok(store::author(tx, id).await?)
}

/// Counts a comment under a post.
pub(super) async fn count_comment(tx: &mut Tx, seq: i64, source: &str, author: i64, by: i64) -> Result<()> {
    store::count_comment(tx, seq, by, if source == Source::User.word() { by } else { 0 }).await?;
    Ok(warm(tx, seq, author, 2 * by).await?)
}

pub(super) fn not_found() -> ApiError {
    ApiError::new(Code::NotFound).arg("post")
}
