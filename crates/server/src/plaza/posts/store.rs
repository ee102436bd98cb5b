//! SQL of posts and likes.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};
use serde_json::Value;

use super::{Beside, LinkMeta, NewPost, PUBLIC, Post, rank};

/// A post to insert.
#[derive(Debug)]
pub(in crate::plaza) struct PostRow<'a> {
    pub(in crate::plaza) id: &'a str,
    pub(in crate::plaza) author: i64,
    pub(in crate::plaza) app_id: Option<&'a str>,
    pub(in crate::plaza) new: &'a NewPost,
    pub(in crate::plaza) hot: f64,
    pub(in crate::plaza) now: Millis,
}

pub(super) async fn insert(tx: &mut Tx, row: &PostRow<'_>) -> Result<i64, StoreError> {
    let new = row.new;
    let sql = sql!(
        "INSERT INTO plaza_posts (post_id, author_id, post_type, content_type, content, body, link, link_meta, source, app_id,
            hot, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING seq"
    );
    let given = params![
        row.id,
        row.author,
        PUBLIC,
        &new.content_type,
        &new.content,
        serde_json::to_string(&new.beside).unwrap_or_default(),
        &new.link,
        new.link_meta.as_ref().and_then(|meta| serde_json::to_string(meta).ok()).unwrap_or_default(),
        new.source.word(),
        row.app_id,
        row.hot,
        row.now
    ];
    tx.opt(sql, given).await?.map_or(Ok(0), |row| row.get("seq"))
}

pub(super) async fn insert_words(tx: &mut Tx, seq: i64, words: &str) -> Result<(), StoreError> {
    let sql = sql!(
        sqlite: "INSERT INTO plaza_words (rowid, words) VALUES ($1, $2)",
        postgres: "INSERT INTO plaza_words (post_seq, words) VALUES ($1, to_tsvector('simple', $2))
                   ON CONFLICT (post_seq) DO UPDATE SET words = EXCLUDED.words",
    );
    tx.run(sql, params![seq, words]).await.map(drop)
}

/// Takes the words of a post away, before new ones come.
pub(super) async fn delete_words(tx: &mut Tx, seq: i64) -> Result<(), StoreError> {
    let sql = sql!(
        sqlite: "DELETE FROM plaza_words WHERE rowid = $1",
        postgres: "DELETE FROM plaza_words WHERE post_seq = $1",
    );
    tx.run(sql, params![seq]).await.map(drop)
}

/// A post that the full text does not know.
pub(super) struct Unworded {
    pub(super) seq: i64,
    pub(super) content: String,
    pub(super) beside: Beside,
    pub(super) link_meta: Option<LinkMeta>,
}

/// Anybody's posts that the full text does not know.
pub(super) async fn without_words(tx: &mut Tx, limit: i64) -> Result<Vec<Unworded>, StoreError> {
    let sql = sql!(
        sqlite: "SELECT seq, content, body, link_meta FROM plaza_posts
                 WHERE NOT EXISTS (SELECT 1 FROM plaza_words WHERE plaza_words.rowid = plaza_posts.seq)
                 ORDER BY seq LIMIT $1",
        postgres: "SELECT seq, content, body, link_meta FROM plaza_posts
                   WHERE NOT EXISTS (SELECT 1 FROM plaza_words WHERE post_seq = plaza_posts.seq)
                   ORDER BY seq LIMIT $1",
    );
    let unworded = |row: &Row| {
        let (beside, link_meta): (String, String) = (row.get("body")?, row.get("link_meta")?);
        Ok(Unworded {
            seq: row.get("seq")?,
            content: row.get("content")?,
            beside: serde_json::from_str(&beside).unwrap_or_default(),
            link_meta: serde_json::from_str(&link_meta).ok(),
        })
    };
    tx.all(sql, params![limit]).await?.iter().map(unworded).collect()
}

/// The places of the posts that a user likes.
pub(super) async fn liked_by(tx: &mut Tx, user_id: i64) -> Result<Vec<i64>, StoreError> {
    let sql = sql!("SELECT post_seq FROM plaza_likes WHERE user_id = $1 ORDER BY post_seq");
    tx.all(sql, params![user_id]).await?.iter().map(|row| row.get("post_seq")).collect()
}

/// A user's posts, in any state.
pub(super) async fn ids_of(tx: &mut Tx, author: i64) -> Result<Vec<String>, StoreError> {
    let sql = sql!("SELECT post_id FROM plaza_posts WHERE author_id = $1 ORDER BY seq");
    tx.all(sql, params![author]).await?.iter().map(|row| row.get("post_id")).collect()
}

pub(super) async fn visible_seq(tx: &mut Tx, id: &str) -> Result<Option<i64>, StoreError> {
    let sql = sql!("SELECT seq FROM plaza_posts WHERE post_id = $1 AND state = 'visible'");
    tx.opt(sql, params![id]).await?.map(|row| row.get("seq")).transpose()
}

pub(super) async fn author(tx: &mut Tx, id: &str) -> Result<Option<i64>, StoreError> {
    let row = tx.opt(sql!("SELECT author_id FROM plaza_posts WHERE post_id = $1"), params![id]).await?;
    row.map(|row| row.get("author_id")).transpose()
}

/// Visible posts by their places, in no order.
pub(super) async fn load(tx: &mut Tx, reader: i64, seqs: &[i64]) -> Result<Vec<Post>, StoreError> {
    let list = Value::from(seqs.to_vec()).to_string();
    let sql = sql!(
        sqlite: "SELECT p.*, u.name AS author_name, u.avatar AS author_avatar, u.route AS author_route,
                    l.user_id IS NOT NULL AS liked
             FROM plaza_posts p JOIN users u ON u.id = p.author_id
             LEFT JOIN plaza_likes l ON l.post_seq = p.seq AND l.user_id = $1
             WHERE p.seq IN (SELECT value FROM json_each($2)) AND p.state = 'visible'",
        postgres: "SELECT p.*, u.name AS author_name, u.avatar AS author_avatar, u.route AS author_route,
                    l.user_id IS NOT NULL AS liked
             FROM plaza_posts p JOIN users u ON u.id = p.author_id
             LEFT JOIN plaza_likes l ON l.post_seq = p.seq AND l.user_id = $1
             WHERE p.seq IN (SELECT value::bigint FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS json)))
               AND p.state = 'visible'",
    );
    tx.all(sql, params![reader, list]).await?.iter().map(post).collect()
}

fn post(row: &Row) -> Result<Post, StoreError> {
    let (beside, link_meta): (String, String) = (row.get("body")?, row.get("link_meta")?);
    Ok(Post {
        seq: row.get("seq")?,
        id: row.get("post_id")?,
        author_id: row.get("author_id")?,
        author_name: row.get("author_name")?,
        author_avatar: row.get("author_avatar")?,
        author_route: row.get("author_route")?,
        content: row.get("content")?,
        content_type: row.get("content_type")?,
        beside: serde_json::from_str(&beside).unwrap_or_default(),
        link: row.get("link")?,
        link_meta: serde_json::from_str(&link_meta).ok(),
        source: row.get("source")?,
        created_at: row.get("created_at")?,
        comment_count: row.get("comment_count")?,
        human_comment_count: row.get("human_comment_count")?,
        likes: row.get("likes")?,
        liked: row.get("liked")?,
    })
}

pub(super) async fn has_like(tx: &mut Tx, user_id: i64, seq: i64) -> Result<bool, StoreError> {
    let sql = sql!("SELECT user_id FROM plaza_likes WHERE user_id = $1 AND post_seq = $2");
    Ok(tx.opt(sql, params![user_id, seq]).await?.is_some())
}

pub(super) async fn insert_like(tx: &mut Tx, user_id: i64, seq: i64, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_likes (user_id, post_seq, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, post_seq) DO NOTHING"
    );
    tx.run(sql, params![user_id, seq, now]).await
}

pub(super) async fn delete_like(tx: &mut Tx, user_id: i64, seq: i64) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM plaza_likes WHERE user_id = $1 AND post_seq = $2"), params![user_id, seq]).await
}

/// Adds to a post's likes; how many it has then.
pub(super) async fn count_like(tx: &mut Tx, seq: i64, by: i64) -> Result<i64, StoreError> {
    let sql = sql!("UPDATE plaza_posts SET likes = likes + $2 WHERE seq = $1 RETURNING likes");
    tx.opt(sql, params![seq, by]).await?.map_or(Ok(0), |row| row.get("likes"))
}

pub(super) async fn count_comment(tx: &mut Tx, seq: i64, by: i64, human: i64) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE plaza_posts SET comment_count = comment_count + $2, human_comment_count = human_comment_count + $3
         WHERE seq = $1"
    );
    tx.run(sql, params![seq, by, human]).await
}

/// Adds attention to a post, unless it is its author's own, and ranks it anew.
pub(in crate::plaza) async fn warm(tx: &mut Tx, seq: i64, by_user: i64, by: i64) -> Result<(), StoreError> {
    let sql =
        sql!("UPDATE plaza_posts SET heat = heat + $3 WHERE seq = $1 AND author_id <> $2 RETURNING heat, created_at");
    let Some(row) = tx.opt(sql, params![seq, by_user, by]).await? else { return Ok(()) };
    let hot = rank::hot(row.get("heat")?, row.get("created_at")?);
    tx.run(sql!("UPDATE plaza_posts SET hot = $2 WHERE seq = $1"), params![seq, hot]).await.map(drop)
}

/// Hides a post of its author, in whatever state it is: nobody else can change it before the transaction ends.
pub(super) async fn hide(tx: &mut Tx, author: i64, id: &str) -> Result<u64, StoreError> {
    let sql = sql!("UPDATE plaza_posts SET state = 'hidden' WHERE author_id = $1 AND post_id = $2");
    tx.run(sql, params![author, id]).await
}

pub(super) async fn delete(tx: &mut Tx, author: i64, id: &str) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM plaza_posts WHERE author_id = $1 AND post_id = $2"), params![author, id]).await
}

/// Shows or hides a post; how many changed.
pub(in crate::plaza) async fn set_state(tx: &mut Tx, id: &str, state: &str) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE plaza_posts SET state = $2 WHERE post_id = $1 AND state <> $2"), params![id, state]).await
}

/// A post whose link is to be looked at: place, author, words, link.
pub(super) async fn linked(tx: &mut Tx, id: &str) -> Result<Option<(i64, i64, String, String)>, StoreError> {
    let sql = sql!(
        "SELECT seq, author_id, content, link FROM plaza_posts WHERE post_id = $1 AND link <> '' AND link_meta = ''"
    );
    let row = tx.opt(sql, params![id]).await?;
    row.map(|row| Ok((row.get("seq")?, row.get("author_id")?, row.get("content")?, row.get("link")?))).transpose()
}

pub(super) async fn set_link_meta(tx: &mut Tx, seq: i64, meta: &str) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE plaza_posts SET link_meta = $2 WHERE seq = $1"), params![seq, meta]).await
}
