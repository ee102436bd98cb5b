//! SQL of feeds. Each statement walks one index and stops after a page; nothing is sorted that could be long.

use secondme_kit::Millis;
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};
use serde_json::Value;

use super::{NOBODY, Source};

/// Before which place (or behind which position), how many rows, after skipping how many.
type Window = (i64, i64, i64);

/// Places of posts, the newest first. Words with spaces between them must all appear, for both databases.
pub(super) async fn newest(
    tx: &mut Tx,
    reader: i64,
    source: &Source,
    kind: &str,
    (before, limit, skip): Window,
) -> Result<Vec<i64>, StoreError> {
    let rows = match source {
        Source::Posts { author: None } if kind.is_empty() => tx.all(everybody(), params![before, limit, skip]).await?,
        Source::Posts { author: None } => tx.all(everybody_of_kind(), params![before, limit, skip, kind]).await?,
        Source::Posts { author: Some(author) } => {
            tx.all(of_author(), params![before, limit, skip, *author, kind]).await?
        }
        Source::Friends => tx.all(of_friends(), params![before, limit, skip, reader, kind]).await?,
        Source::Search { keys, author } => {
            let query = keys.join(" ");
            tx.all(found(), params![before, limit, skip, query, author.unwrap_or(0), kind]).await?
        }
        Source::Ranking { .. } => Vec::new(),
    };
    rows.iter().map(|row| row.get("seq")).collect()
}

fn everybody() -> Sql {
    sql!("SELECT seq FROM plaza_posts WHERE seq < $1 AND state = 'visible' ORDER BY seq DESC LIMIT $2 OFFSET $3")
}

fn everybody_of_kind() -> Sql {
    sql!(
        "SELECT seq FROM plaza_posts WHERE content_type = $4 AND seq < $1 AND state = 'visible'
         ORDER BY seq DESC LIMIT $2 OFFSET $3"
    )
}

fn of_author() -> Sql {
    sql!(
        "SELECT seq FROM plaza_posts
         WHERE author_id = $4 AND seq < $1 AND state = 'visible' AND ($5 = '' OR content_type = $5)
         ORDER BY seq DESC LIMIT $2 OFFSET $3"
    )
}

/// First who of the friends posted last, no more of them than a page has posts: nobody else can be on it. Then of each of those no
/// more than a page, by the index of authors, and the newest of these.
fn of_friends() -> Sql {
    sql!(
        sqlite: "SELECT p.seq FROM
               (SELECT f.friend_id, (SELECT q.seq FROM plaza_posts q
                    WHERE q.author_id = f.friend_id AND q.seq < $1 AND q.state = 'visible' AND ($5 = '' OR q.content_type = $5)
                    ORDER BY q.seq DESC LIMIT 1) AS latest
                FROM friendships f WHERE f.user_id = $4 AND NOT f.blocked_by_me
                ORDER BY latest DESC NULLS LAST LIMIT $2 + $3) a
             CROSS JOIN plaza_posts p WHERE p.seq IN
               (SELECT q.seq FROM plaza_posts q
                WHERE q.author_id = a.friend_id AND q.seq < $1 AND q.state = 'visible' AND ($5 = '' OR q.content_type = $5)
                ORDER BY q.seq DESC LIMIT $2 + $3)
             ORDER BY p.seq DESC LIMIT $2 OFFSET $3",
        postgres: "SELECT p.seq FROM
               (SELECT f.friend_id, (SELECT q.seq FROM plaza_posts q
                    WHERE q.author_id = f.friend_id AND q.seq < $1 AND q.state = 'visible' AND ($5 = '' OR q.content_type = $5)
                    ORDER BY q.seq DESC LIMIT 1) AS latest
                FROM friendships f WHERE f.user_id = $4 AND NOT f.blocked_by_me
                ORDER BY latest DESC NULLS LAST LIMIT CAST($2 AS BIGINT) + CAST($3 AS BIGINT)) a
             CROSS JOIN LATERAL
               (SELECT q.seq FROM plaza_posts q
                WHERE q.author_id = a.friend_id AND q.seq < $1 AND q.state = 'visible' AND ($5 = '' OR q.content_type = $5)
                ORDER BY q.seq DESC LIMIT CAST($2 AS BIGINT) + CAST($3 AS BIGINT)) p
             ORDER BY p.seq DESC LIMIT $2 OFFSET $3",
    )
}

fn found() -> Sql {
    sql!(
        sqlite: "SELECT p.seq FROM plaza_words w CROSS JOIN plaza_posts p ON p.seq = w.rowid
             WHERE w.words MATCH $4 AND w.rowid < $1 AND p.state = 'visible'
               AND (CAST($5 AS BIGINT) = 0 OR p.author_id = $5) AND ($6 = '' OR p.content_type = $6)
             ORDER BY w.rowid DESC LIMIT $2 OFFSET $3",
        postgres: "SELECT p.seq FROM plaza_words w JOIN plaza_posts p ON p.seq = w.post_seq
             WHERE w.words @@ plainto_tsquery('simple', $4) AND w.post_seq < $1 AND p.state = 'visible'
               AND (CAST($5 AS BIGINT) = 0 OR p.author_id = $5) AND ($6 = '' OR p.content_type = $6)
             ORDER BY w.post_seq DESC LIMIT $2 OFFSET $3",
    )
}

/// Positions and places of a ranking.
pub(super) async fn ranked(
    tx: &mut Tx,
    source: &Source,
    kind: &str,
    (after, limit, skip): Window,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let Source::Ranking { id, keys, author } = source else { return Ok(Vec::new()) };
    let author = author.unwrap_or(0);
    let rows = if keys.is_empty() {
        let sql = sql!(
            "SELECT r.position, r.post_seq FROM plaza_ranked r JOIN plaza_posts p ON p.seq = r.post_seq
             WHERE r.ranking_id = $4 AND r.position > $1 AND p.state = 'visible'
               AND (CAST($5 AS BIGINT) = 0 OR p.author_id = $5) AND ($6 = '' OR p.content_type = $6)
             ORDER BY r.position LIMIT $2 OFFSET $3"
        );
        tx.all(sql, params![after, limit, skip, *id, author, kind]).await?
    } else {
        // SQLite: the matches of the time of the ranking once, not each ranked post's words one by one.
        let sql = sql!(
            sqlite: "SELECT r.position, r.post_seq FROM plaza_ranked r JOIN plaza_posts p ON p.seq = r.post_seq
                 WHERE r.ranking_id = $4 AND r.position > $1 AND p.state = 'visible'
                   AND (CAST($5 AS BIGINT) = 0 OR p.author_id = $5) AND ($6 = '' OR p.content_type = $6)
                   AND r.post_seq IN (SELECT w.rowid FROM plaza_words w WHERE w.words MATCH $7
                     AND w.rowid >= (SELECT MIN(post_seq) FROM plaza_ranked WHERE ranking_id = $4))
                 ORDER BY r.position LIMIT $2 OFFSET $3",
            postgres: "SELECT r.position, r.post_seq FROM plaza_ranked r JOIN plaza_posts p ON p.seq = r.post_seq
                 JOIN plaza_words w ON w.post_seq = r.post_seq
                 WHERE r.ranking_id = $4 AND r.position > $1 AND p.state = 'visible'
                   AND (CAST($5 AS BIGINT) = 0 OR p.author_id = $5) AND ($6 = '' OR p.content_type = $6)
                   AND w.words @@ plainto_tsquery('simple', $7)
                 ORDER BY r.position LIMIT $2 OFFSET $3",
        );
        let query = keys.join(" ");
        tx.all(sql, params![after, limit, skip, *id, author, kind, query]).await?
    };
    rows.iter().map(|row| Ok((row.get("position")?, row.get("post_seq")?))).collect()
}

/// How many posts a feed has, by kind of content. Of a search at most `max` are counted, the newest.
pub(super) async fn counts(
    tx: &mut Tx,
    reader: i64,
    source: &Source,
    max: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = match source {
        Source::Posts { author: Some(NOBODY) } => Vec::new(),
        Source::Posts { author } => tx.all(kept_counts(), params![author.unwrap_or(0)]).await?,
        Source::Friends => {
            let sql = sql!(
                "SELECT c.content_type, CAST(SUM(c.posts) AS BIGINT) AS posts FROM friendships f
                 JOIN plaza_post_counts c ON c.author_id = f.friend_id
                 WHERE f.user_id = $1 AND NOT f.blocked_by_me GROUP BY c.content_type"
            );
            tx.all(sql, params![reader]).await?
        }
        Source::Search { keys, author } => {
            let query = keys.join(" ");
            tx.all(found_counts(), params![max, query, author.unwrap_or(0)]).await?
        }
        Source::Ranking { .. } => return ranked_counts(tx, source).await,
    };
    rows.iter().map(count).collect()
}

fn kept_counts() -> Sql {
    sql!("SELECT content_type, posts FROM plaza_post_counts WHERE author_id = $1")
}

fn found_counts() -> Sql {
    sql!(
        sqlite: "SELECT content_type, COUNT(*) AS posts FROM
               (SELECT p.content_type FROM plaza_words w CROSS JOIN plaza_posts p ON p.seq = w.rowid
                WHERE w.words MATCH $2 AND p.state = 'visible' AND (CAST($3 AS BIGINT) = 0 OR p.author_id = $3)
                ORDER BY w.rowid DESC LIMIT $1) m GROUP BY content_type",
        postgres: "SELECT content_type, COUNT(*) AS posts FROM
               (SELECT p.content_type FROM plaza_words w JOIN plaza_posts p ON p.seq = w.post_seq
                WHERE w.words @@ plainto_tsquery('simple', $2) AND p.state = 'visible' AND (CAST($3 AS BIGINT) = 0 OR p.author_id = $3)
                ORDER BY w.post_seq DESC LIMIT $1) m GROUP BY content_type",
    )
}

async fn ranked_counts(tx: &mut Tx, source: &Source) -> Result<Vec<(String, i64)>, StoreError> {
    let Source::Ranking { id, keys, author } = source else { return Ok(Vec::new()) };
    let author = author.unwrap_or(0);
    let rows = if keys.is_empty() {
        let sql = sql!(
            "SELECT p.content_type, COUNT(*) AS posts FROM plaza_ranked r JOIN plaza_posts p ON p.seq = r.post_seq
             WHERE r.ranking_id = $1 AND p.state = 'visible' AND (CAST($2 AS BIGINT) = 0 OR p.author_id = $2) GROUP BY p.content_type"
        );
        tx.all(sql, params![*id, author]).await?
    } else {
        let sql = sql!(
            sqlite: "SELECT p.content_type, COUNT(*) AS posts FROM plaza_ranked r JOIN plaza_posts p ON p.seq = r.post_seq
                 WHERE r.ranking_id = $1 AND p.state = 'visible' AND (CAST($2 AS BIGINT) = 0 OR p.author_id = $2)
                   AND r.post_seq IN (SELECT w.rowid FROM plaza_words w WHERE w.words MATCH $3
                     AND w.rowid >= (SELECT MIN(post_seq) FROM plaza_ranked WHERE ranking_id = $1))
                 GROUP BY p.content_type",
            postgres: "SELECT p.content_type, COUNT(*) AS posts FROM plaza_ranked r
                 JOIN plaza_posts p ON p.seq = r.post_seq JOIN plaza_words w ON w.post_seq = r.post_seq
                 WHERE r.ranking_id = $1 AND p.state = 'visible' AND (CAST($2 AS BIGINT) = 0 OR p.author_id = $2)
                   AND w.words @@ plainto_tsquery('simple', $3)
                 GROUP BY p.content_type",
        );
        let query = keys.join(" ");
        tx.all(sql, params![*id, author, query]).await?
    };
    rows.iter().map(count).collect()
}

fn count(row: &Row) -> Result<(String, i64), StoreError> {
    Ok((row.get("content_type")?, row.get("posts")?))
}

pub(super) async fn has_friends(tx: &mut Tx, reader: i64) -> Result<bool, StoreError> {
    let sql = sql!("SELECT friend_id FROM friendships WHERE user_id = $1 LIMIT 1");
    Ok(tx.opt(sql, params![reader]).await?.is_some())
}

/// Who has this home page.
pub(super) async fn author_at(tx: &mut Tx, route: &str) -> Result<Option<i64>, StoreError> {
    tx.opt(sql!("SELECT id FROM users WHERE route = $1"), params![route]).await?.map(|row| row.get("id")).transpose()
}

pub(super) async fn has_ranking(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    Ok(tx.opt(sql!("SELECT id FROM plaza_rankings WHERE id = $1"), params![id]).await?.is_some())
}

/// The newest ranking, and when it was made.
pub(super) async fn latest_ranking(store: &Store) -> Result<Option<(i64, Millis)>, StoreError> {
    let row = store.opt(sql!("SELECT id, made_at FROM plaza_rankings ORDER BY id DESC LIMIT 1"), params![]).await?;
    row.map(|row| Ok((row.get("id")?, row.get("made_at")?))).transpose()
}

/// Places and authors of the posts that rank highest.
pub(super) async fn hottest(store: &Store, limit: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql =
        sql!("SELECT seq, author_id FROM plaza_posts WHERE state = 'visible' ORDER BY hot DESC, seq DESC LIMIT $1");
    let rows = store.all(sql, params![limit]).await?;
    rows.iter().map(|row| Ok((row.get("seq")?, row.get("author_id")?))).collect()
}

pub(super) async fn insert_ranking(tx: &mut Tx, seqs: &[i64], now: Millis) -> Result<i64, StoreError> {
    let ranking = sql!("INSERT INTO plaza_rankings (made_at) VALUES ($1) RETURNING id");
    let id: i64 = tx.opt(ranking, params![now]).await?.map_or(Ok(0), |row| row.get("id"))?;
    let rows = sql!(
        sqlite: "INSERT INTO plaza_ranked (ranking_id, position, post_seq) SELECT $1, key, value FROM json_each($2)",
        postgres: "INSERT INTO plaza_ranked (ranking_id, position, post_seq)
             SELECT CAST($1 AS BIGINT), ordinality - 1, value::bigint
             FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS json)) WITH ORDINALITY",
    );
    tx.run(rows, params![id, Value::from(seqs.to_vec()).to_string()]).await?;
    Ok(id)
}

pub(super) async fn forget_rankings(tx: &mut Tx, before: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM plaza_rankings WHERE made_at < $1"), params![before]).await
}
