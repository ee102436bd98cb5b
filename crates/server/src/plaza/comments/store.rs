//! SQL of comments and their likes.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::{Comment, NewComment};

/// The comment that another answers.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    id: String,
    author_name: String,
    root: Option<String>,
}

pub(super) async fn find_in(tx: &mut Tx, post_seq: i64, id: &str) -> Result<Option<Answered>, StoreError> {
    let sql = sql!(
        "SELECT c.comment_id, c.root, u.name FROM plaza_comments c JOIN users u ON u.id = c.author_id
         WHERE c.post_seq = $1 AND c.comment_id = $2 AND c.state = 'visible'"
    );
    let row = tx.opt(sql, params![post_seq, id]).await?;
    row.map(|row| Ok(Answered { id: row.get("comment_id")?, author_name: row.get("name")?, root: row.get("root")? }))
        .transpose()
}

pub(super) async fn insert(
    tx: &mut Tx,
    (id, post_seq, author): (&str, i64, i64),
    new: &NewComment,
    answered: Option<&Answered>,
    app_id: Option<&str>,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_comments (comment_id, post_seq, author_id, content, reply_to, reply_to_name, root, source,
            sticker_url, app_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let root = answered.map(|a| a.root.as_deref().unwrap_or(&a.id));
    let given = params![
        id,
        post_seq,
        author,
        &new.content,
        answered.map(|a| a.id.as_str()),
        answered.map(|a| a.author_name.as_str()).or(new.reply_to_name.as_deref()),
        root,
        new.source.word(),
        &new.sticker_url,
        app_id,
        now
    ];
    tx.run(sql, given).await
}

/// Visible comments of a post after a place, the oldest first.
pub(super) async fn page(
    tx: &mut Tx,
    reader: i64,
    post_seq: i64,
    after: i64,
    limit: i64,
    skip: i64,
) -> Result<Vec<Comment>, StoreError> {
    let sql = sql!(
        "SELECT c.*, u.name AS author_name, u.avatar AS author_avatar, u.route AS author_route,
                l.user_id IS NOT NULL AS liked
         FROM plaza_comments c JOIN users u ON u.id = c.author_id
         LEFT JOIN plaza_comment_likes l ON l.comment_seq = c.seq AND l.user_id = $1
         WHERE c.post_seq = $2 AND c.seq > $3 AND c.state = 'visible' ORDER BY c.seq LIMIT $4 OFFSET $5"
    );
    tx.all(sql, params![reader, post_seq, after, limit, skip]).await?.iter().map(comment).collect()
}

pub(super) async fn one(tx: &mut Tx, reader: i64, post_seq: i64, id: &str) -> Result<Option<Comment>, StoreError> {
    let sql = sql!(
        "SELECT c.*, u.name AS author_name, u.avatar AS author_avatar, u.route AS author_route,
                l.user_id IS NOT NULL AS liked
         FROM plaza_comments c JOIN users u ON u.id = c.author_id
         LEFT JOIN plaza_comment_likes l ON l.comment_seq = c.seq AND l.user_id = $1
         WHERE c.post_seq = $2 AND c.comment_id = $3 AND c.state = 'visible'"
    );
    tx.opt(sql, params![reader, post_seq, id]).await?.as_ref().map(comment).transpose()
}

fn comment(row: &Row) -> Result<Comment, StoreError> {
    Ok(Comment {
        seq: row.get("seq")?,
        id: row.get("comment_id")?,
        author_id: row.get("author_id")?,
        author_name: row.get("author_name")?,
        author_avatar: row.get("author_avatar")?,
        author_route: row.get("author_route")?,
        content: row.get("content")?,
        created_at: row.get("created_at")?,
        reply_to: row.get("reply_to")?,
        reply_to_name: row.get("reply_to_name")?,
        root: row.get("root")?,
        sticker_url: row.get("sticker_url")?,
        likes: row.get("likes")?,
        liked: row.get("liked")?,
        source: row.get("source")?,
    })
}

pub(super) async fn visible_seq(tx: &mut Tx, id: &str) -> Result<Option<i64>, StoreError> {
    let sql = sql!(
        "SELECT c.seq FROM plaza_comments c JOIN plaza_posts p ON p.seq = c.post_seq
         WHERE c.comment_id = $1 AND c.state = 'visible' AND p.state = 'visible'"
    );
    tx.opt(sql, params![id]).await?.map(|row| row.get("seq")).transpose()
}

pub(super) async fn author(tx: &mut Tx, id: &str) -> Result<Option<i64>, StoreError> {
    let row = tx.opt(sql!("SELECT author_id FROM plaza_comments WHERE comment_id = $1"), params![id]).await?;
    row.map(|row| row.get("author_id")).transpose()
}

pub(super) async fn has_like(tx: &mut Tx, user_id: i64, seq: i64) -> Result<bool, StoreError> {
    let sql = sql!("SELECT user_id FROM plaza_comment_likes WHERE user_id = $1 AND comment_seq = $2");
    Ok(tx.opt(sql, params![user_id, seq]).await?.is_some())
}

pub(super) async fn insert_like(tx: &mut Tx, user_id: i64, seq: i64, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_comment_likes (user_id, comment_seq, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, comment_seq) DO NOTHING"
    );
    tx.run(sql, params![user_id, seq, now]).await
}

pub(super) async fn delete_like(tx: &mut Tx, user_id: i64, seq: i64) -> Result<u64, StoreError> {
    let sql = sql!("DELETE FROM plaza_comment_likes WHERE user_id = $1 AND comment_seq = $2");
    tx.run(sql, params![user_id, seq]).await
}

/// The places of the comments that a user likes.
pub(super) async fn liked_by(tx: &mut Tx, user_id: i64) -> Result<Vec<i64>, StoreError> {
    let sql = sql!("SELECT comment_seq FROM plaza_comment_likes WHERE user_id = $1 ORDER BY comment_seq");
    tx.all(sql, params![user_id]).await?.iter().map(|row| row.get("comment_seq")).collect()
}

/// A user's comments, in any state.
pub(super) async fn ids_of(tx: &mut Tx, author: i64) -> Result<Vec<String>, StoreError> {
    let sql = sql!("SELECT comment_id FROM plaza_comments WHERE author_id = $1 ORDER BY seq");
    tx.all(sql, params![author]).await?.iter().map(|row| row.get("comment_id")).collect()
}

/// Takes a user's name out of the comments that answer theirs.
pub(super) async fn forget_names(tx: &mut Tx, author: i64) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE plaza_comments SET reply_to_name = NULL
         WHERE post_seq IN (SELECT post_seq FROM plaza_comments WHERE author_id = $1)
           AND reply_to IN (SELECT comment_id FROM plaza_comments WHERE author_id = $1)"
    );
    tx.run(sql, params![author]).await
}

pub(super) async fn count_like(tx: &mut Tx, seq: i64, by: i64) -> Result<i64, StoreError> {
    let sql = sql!("UPDATE plaza_comments SET likes = likes + $2 WHERE seq = $1 RETURNING likes");
    tx.opt(sql, params![seq, by]).await?.map_or(Ok(0), |row| row.get("likes"))
}

/// Deletes a comment: the place of its post, its source and state.
pub(super) async fn delete(tx: &mut Tx, author: i64, id: &str) -> Result<Option<(i64, String, String)>, StoreError> {
    let sql =
        sql!("DELETE FROM plaza_comments WHERE author_id = $1 AND comment_id = $2 RETURNING post_seq, source, state");
    let row = tx.opt(sql, params![author, id]).await?;
    row.map(|row| Ok((row.get("post_seq")?, row.get("source")?, row.get("state")?))).transpose()
}

/// Shows or hides a comment; when that changed it: the place of its post, its author and source.
pub(in crate::plaza) async fn set_state(
    tx: &mut Tx,
    id: &str,
    state: &str,
) -> Result<Option<(i64, i64, String)>, StoreError> {
    let sql = sql!(
        "UPDATE plaza_comments SET state = $2 WHERE comment_id = $1 AND state <> $2 RETURNING post_seq, author_id, source"
    );
    let row = tx.opt(sql, params![id, state]).await?;
    row.map(|row| Ok((row.get("post_seq")?, row.get("author_id")?, row.get("source")?))).transpose()
}

/// Authors and ids of everything under a post.
pub(super) async fn under(tx: &mut Tx, post_id: &str) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = sql!(
        "SELECT c.author_id, c.comment_id FROM plaza_comments c JOIN plaza_posts p ON p.seq = c.post_seq
         WHERE p.post_id = $1"
    );
    let rows = tx.all(sql, params![post_id]).await?;
    rows.iter().map(|row| Ok((row.get("author_id")?, row.get("comment_id")?))).collect()
}
