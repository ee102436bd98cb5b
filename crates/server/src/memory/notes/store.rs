//! SQL of notes and their pages.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::{Filter, Link, Note};

pub(super) struct NewNote<'a> {
    pub(super) app_id: &'a str,
    pub(super) memory_type: &'static str,
    pub(super) data_type: &'static str,
    pub(super) title: &'a str,
    pub(super) content: &'a str,
    pub(super) state: &'static str,
}

fn search_text(title: &str, content: &str) -> String {
    format!("{title}\n{content}").to_lowercase()
}

pub(super) async fn insert(tx: &mut Tx, user_id: i64, new: &NewNote<'_>, now: Millis) -> Result<i64, StoreError> {
    let sql = sql!(
        "INSERT INTO notes (user_id, app_id, memory_type, data_type, title, content, search_text, state, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id"
    );
    let search = search_text(new.title, new.content);
    let params =
        params![user_id, new.app_id, new.memory_type, new.data_type, new.title, new.content, search, new.state, now];
    tx.opt(sql, params).await?.map_or(Ok(0), |row| row.get("id"))
}

pub(super) async fn insert_link(
    tx: &mut Tx,
    user_id: i64,
    note_id: i64,
    position: i64,
    url: &str,
) -> Result<u64, StoreError> {
    let sql =
        sql!("INSERT INTO note_links (note_id, user_id, position, url, state) VALUES ($2, $1, $3, $4, 'PENDING')");
    tx.run(sql, params![user_id, note_id, position, url]).await
}

pub(super) async fn note(tx: &mut Tx, user_id: i64, id: i64) -> Result<Option<Note>, StoreError> {
    let sql = sql!("SELECT * FROM notes WHERE user_id = $1 AND id = $2");
    tx.opt(sql, params![user_id, id]).await?.as_ref().map(read).transpose()
}

pub(super) async fn count(
    tx: &mut Tx,
    user_id: i64,
    patterns: &[String; 4],
    filter: Filter,
) -> Result<i64, StoreError> {
    let sql = sql!(
        "SELECT COUNT(*) AS total FROM notes WHERE user_id = $1 AND search_text LIKE $2 ESCAPE '\\'
            AND search_text LIKE $3 ESCAPE '\\' AND search_text LIKE $4 ESCAPE '\\' AND search_text LIKE $5 ESCAPE '\\'
            AND (($6 AND data_type = 'Memo') OR ($7 AND data_type = 'Link'))"
    );
    let [a, b, c, d] = patterns;
    let row = tx.opt(sql, params![user_id, a, b, c, d, filter.memos, filter.links]).await?;
    row.map_or(Ok(0), |row| row.get("total"))
}

pub(super) async fn search(
    tx: &mut Tx,
    user_id: i64,
    patterns: &[String; 4],
    filter: Filter,
    (from, size): (i64, i64),
) -> Result<Vec<Note>, StoreError> {
    let sql = sql!(
        "SELECT * FROM notes WHERE user_id = $1 AND search_text LIKE $2 ESCAPE '\\'
            AND search_text LIKE $3 ESCAPE '\\' AND search_text LIKE $4 ESCAPE '\\' AND search_text LIKE $5 ESCAPE '\\'
            AND (($6 AND data_type = 'Memo') OR ($7 AND data_type = 'Link'))
         ORDER BY created_at DESC, id DESC LIMIT $8 OFFSET $9"
    );
    let [a, b, c, d] = patterns;
    let params = params![user_id, a, b, c, d, filter.memos, filter.links, size, from];
    tx.all(sql, params).await?.iter().map(read).collect()
}

pub(super) async fn update(
    tx: &mut Tx,
    user_id: i64,
    id: i64,
    title: &str,
    content: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE notes SET title = $3, content = $4, search_text = $5, updated_at = $6 WHERE user_id = $1 AND id = $2"
    );
    tx.run(sql, params![user_id, id, title, content, search_text(title, content), now]).await
}

pub(super) async fn set_parts(tx: &mut Tx, user_id: i64, id: i64, parts: i64) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE notes SET parts = $3 WHERE user_id = $1 AND id = $2"), params![user_id, id, parts]).await
}

pub(super) async fn set_state(tx: &mut Tx, user_id: i64, id: i64, state: &str) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE notes SET state = $3 WHERE user_id = $1 AND id = $2"), params![user_id, id, state]).await
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM notes WHERE user_id = $1 AND id = $2"), params![user_id, id]).await
}

/// Deletes at most `limit` notes that an app added; their ids and how many index entries each had beside the first.
pub(in crate::memory) async fn delete_of_app(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    limit: i64,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = sql!(
        "DELETE FROM notes WHERE user_id = $1 AND id IN (
            SELECT id FROM notes WHERE user_id = $1 AND app_id = $2 ORDER BY id LIMIT $3) RETURNING id, parts"
    );
    let rows = tx.all(sql, params![user_id, app_id, limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("parts")?))).collect()
}

pub(super) async fn links(tx: &mut Tx, user_id: i64, note_id: i64) -> Result<Vec<Link>, StoreError> {
    let sql = sql!("SELECT * FROM note_links WHERE user_id = $1 AND note_id = $2 ORDER BY position");
    let rows = tx.all(sql, params![user_id, note_id]).await?;
    let links = rows.iter().map(|row| {
        Ok(Link {
            url: row.get("url")?,
            state: row.get("state")?,
            title: row.get("title")?,
            content: row.get("content")?,
            failure: row.get("failure")?,
        })
    });
    links.collect()
}

/// Keeps what became of a page.
pub(super) async fn set_link(
    tx: &mut Tx,
    user_id: i64,
    note_id: i64,
    position: i64,
    link: &Link,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE note_links SET state = $4, title = $5, content = $6, failure = $7, fetched_at = $8
         WHERE user_id = $1 AND note_id = $2 AND position = $3"
    );
    let params = params![user_id, note_id, position, &link.state, &link.title, &link.content, &link.failure, now];
    tx.run(sql, params).await
}

fn read(row: &Row) -> Result<Note, StoreError> {
    Ok(Note {
        id: row.get("id")?,
        memory_type: row.get("memory_type")?,
        title: row.get("title")?,
        content: row.get("content")?,
        state: row.get("state")?,
        parts: row.get("parts")?,
        app_id: row.get("app_id")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
