//! SQL of kept portraits.

use secondme_kit::Millis;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};
use serde_json::{Value, json};

use super::{Interest, Method};
use crate::memory::key_memories::KeyMemory;

/// A rewrite of the core, as kept.
#[derive(Clone, Debug)]
pub struct Portrait {
    /// Its id.
    pub id: i64,
    /// The core it wrote.
    pub bio: String,
    /// What changed, line by line.
    pub diff: String,
    /// `model` or `extractive`.
    pub method: String,
    /// The key memories it was made from.
    pub memories: Vec<i64>,
    /// The interest tags it named, with the memories behind each.
    pub interests: Vec<(String, Vec<i64>)>,
    /// When.
    pub created_at: Millis,
}

pub(super) struct NewPortrait<'a> {
    pub(super) bio: &'a str,
    pub(super) diff: &'a str,
    pub(super) method: Method,
    pub(super) memories: &'a [KeyMemory],
    pub(super) interests: &'a [Interest],
}

pub(super) async fn insert(tx: &mut Tx, user_id: i64, new: &NewPortrait<'_>, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO portraits (user_id, bio, diff, method, memories, interests, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    let method = if new.method == Method::Model { "model" } else { "extractive" };
    let memories = Value::from(new.memories.iter().map(|memory| memory.id).collect::<Vec<_>>()).to_string();
    let interests = json!(new.interests.iter().map(|i| (&i.name, &i.memories)).collect::<Vec<_>>()).to_string();
    tx.run(sql, params![user_id, new.bio, new.diff, method, memories, interests, now]).await
}

pub(super) async fn all(store: &Store, user_id: i64) -> Result<Vec<Portrait>, StoreError> {
    let sql = sql!("SELECT * FROM portraits WHERE user_id = $1 ORDER BY id DESC");
    store.all(sql, params![user_id]).await?.iter().map(portrait).collect()
}

pub(super) async fn last(store: &Store, user_id: i64) -> Result<Option<Millis>, StoreError> {
    let sql = sql!("SELECT MAX(created_at) AS last FROM portraits WHERE user_id = $1");
    store.opt(sql, params![user_id]).await?.map_or(Ok(None), |row| row.get("last"))
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM portraits WHERE user_id = $1 AND id = $2"), params![user_id, id]).await
}

/// Deletes all but the last `kept`.
pub(super) async fn reclaim(tx: &mut Tx, user_id: i64, kept: i64) -> Result<u64, StoreError> {
    let sql = sql!(
        "DELETE FROM portraits WHERE user_id = $1 AND id NOT IN (
            SELECT id FROM portraits WHERE user_id = $1 ORDER BY id DESC LIMIT $2)"
    );
    tx.run(sql, params![user_id, kept.max(1)]).await
}

fn portrait(row: &Row) -> Result<Portrait, StoreError> {
    Ok(Portrait {
        id: row.get("id")?,
        bio: row.get("bio")?,
        diff: row.get("diff")?,
        method: row.get("method")?,
        memories: serde_json::from_str(&row.get::<String>("memories")?).unwrap_or_default(),
        interests: serde_json::from_str(&row.get::<String>("interests")?).unwrap_or_default(),
        created_at: row.get("created_at")?,
    })
}
