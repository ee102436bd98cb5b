//! SQL of discovery.

use secondme_kit::Millis;
use secondme_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use super::{CommonFriend, Place};

/// People with public interests: first those with an interest of the same name, then those whose profile changed last.
pub(super) async fn candidates(
    tx: &mut Tx,
    user_id: i64,
    names: &[String],
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let same = sql!(
        sqlite: "SELECT DISTINCT s.user_id FROM shades s JOIN users u ON u.id = s.user_id AND u.account_status = 'normal'
             WHERE LOWER(s.public_name) IN (SELECT value FROM json_each($2)) AND s.has_public_content AND s.user_id <> $1
             ORDER BY s.user_id DESC LIMIT $3",
        postgres: "SELECT DISTINCT s.user_id FROM shades s JOIN users u ON u.id = s.user_id AND u.account_status = 'normal'
             WHERE LOWER(s.public_name) IN (SELECT value FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS json)))
               AND s.has_public_content AND s.user_id <> $1
             ORDER BY s.user_id DESC LIMIT $3",
    );
    let names = Value::from(names.to_vec()).to_string();
    let rows = tx.all(same, params![user_id, names, limit]).await?;
    let mut ids: Vec<i64> = rows.iter().map(|row| row.get("user_id")).collect::<Result<_, _>>()?;
    let recent = sql!(
        "SELECT u.id FROM users u
         WHERE u.id <> $1 AND u.account_status = 'normal'
           AND EXISTS (SELECT 1 FROM shades s WHERE s.user_id = u.id AND s.has_public_content)
         ORDER BY u.updated_at DESC, u.id DESC LIMIT $2"
    );
    for row in tx.all(recent, params![user_id, limit]).await? {
        let id = row.get("id")?;
        if !ids.contains(&id) && i64::try_from(ids.len()).unwrap_or(limit) < limit {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Where a user said they were after `since`.
pub(super) async fn place(tx: &mut Tx, user_id: i64, since: Millis) -> Result<Option<Place>, StoreError> {
    let sql = sql!("SELECT latitude, longitude FROM discover_places WHERE user_id = $1 AND shared_at >= $2");
    let row = tx.opt(sql, params![user_id, since]).await?;
    row.map(|row| Ok(Place { latitude: row.get("latitude")?, longitude: row.get("longitude")? })).transpose()
}

pub(super) async fn set_place(tx: &mut Tx, user_id: i64, place: Place, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO discover_places (user_id, latitude, longitude, shared_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE SET latitude = $2, longitude = $3, shared_at = $4"
    );
    tx.run(sql, params![user_id, place.latitude, place.longitude, now]).await
}

pub(super) async fn delete_place(tx: &mut Tx, user_id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM discover_places WHERE user_id = $1"), params![user_id]).await
}

/// Friends of both.
pub(super) async fn common_friends(tx: &mut Tx, user_id: i64, other: i64) -> Result<Vec<CommonFriend>, StoreError> {
    let sql = sql!(
        "SELECT u.id, u.name, u.avatar FROM friendships a
         JOIN friendships b ON b.user_id = $2 AND b.friend_id = a.friend_id
         JOIN users u ON u.id = a.friend_id WHERE a.user_id = $1 ORDER BY u.id LIMIT 20"
    );
    let rows = tx.all(sql, params![user_id, other]).await?;
    rows.iter()
        .map(|row| Ok(CommonFriend { id: row.get("id")?, name: row.get("name")?, avatar: row.get("avatar")? }))
        .collect()
}
