//! SQL of profiles.

use secondme_kit::Millis;
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};

use super::{Change, Profile};

fn select() -> Sql {
    sql!(
        "SELECT u.id, u.email, u.name, u.avatar, u.cover, u.video, u.layout, u.bio, u.self_introduction, u.route,
                u.voice_id <> '' AS has_voice, u.account_status,
                (SELECT COUNT(*) FROM shades s WHERE s.user_id = u.id) AS shade_count
         FROM users u WHERE u.id = $1"
    )
}

fn profile(row: &Row) -> Result<Profile, StoreError> {
    Ok(Profile {
        user_id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        avatar: row.get("avatar")?,
        cover: row.get("cover")?,
        video: row.get("video")?,
        layout: row.get("layout")?,
        bio: row.get("bio")?,
        self_introduction: row.get("self_introduction")?,
        route: row.get("route")?,
        has_voice: row.get("has_voice")?,
        account_status: row.get("account_status")?,
        shade_count: row.get("shade_count")?,
    })
}

pub(super) async fn get(store: &Store, user_id: i64) -> Result<Option<Profile>, StoreError> {
    store.opt(select(), params![user_id]).await?.as_ref().map(profile).transpose()
}

pub(super) async fn get_in(tx: &mut Tx, user_id: i64) -> Result<Option<Profile>, StoreError> {
    tx.opt(select(), params![user_id]).await?.as_ref().map(profile).transpose()
}

pub(super) async fn voice(store: &Store, user_id: i64) -> Result<Option<String>, StoreError> {
    let row = store.opt(sql!("SELECT voice_id FROM users WHERE id = $1"), params![user_id]).await?;
    row.map(|row| row.get("voice_id")).transpose()
}

pub(super) async fn set_voice(tx: &mut Tx, user_id: i64, voice: &str, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!("UPDATE users SET voice_id = $2, updated_at = $3 WHERE id = $1");
    tx.run(sql, params![user_id, voice, now]).await
}

pub(super) async fn route_owner(tx: &mut Tx, route: &str) -> Result<Option<i64>, StoreError> {
    let row = tx.opt(sql!("SELECT id FROM users WHERE route = $1"), params![route]).await?;
    row.map(|row| row.get("id")).transpose()
}

pub(super) async fn update(tx: &mut Tx, user_id: i64, change: &Change, now: Millis) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE users SET name = COALESCE($2, name), avatar = COALESCE($3, avatar), cover = COALESCE($4, cover),
                    self_introduction = COALESCE($5, self_introduction), route = COALESCE($6, route), updated_at = $7
             WHERE id = $1"
        ),
        params![
            user_id,
            change.name.as_deref(),
            change.avatar.as_deref(),
            change.cover.as_deref(),
            change.self_introduction.as_deref(),
            change.route.as_deref(),
            now
        ],
    )
    .await
}

pub(super) async fn set_bio(tx: &mut Tx, user_id: i64, bio: &str, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE users SET bio = $2, updated_at = $3 WHERE id = $1"), params![user_id, bio, now]).await
}
