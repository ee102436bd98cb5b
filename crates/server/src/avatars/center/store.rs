//! SQL of avatars.

use secondme_kit::{Millis, paging::Page};
use secondme_store::{Row, StoreError, Tx, params, sql};
use serde_json::Value;

use super::{Avatar, Definition, Kind};

fn avatar(row: &Row) -> Result<Avatar, StoreError> {
    let json = |column| row.get::<String>(column).map(|text| serde_json::from_str(&text).unwrap_or(Value::Null));
    Ok(Avatar {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        kind: if row.get::<String>("kind")? == Kind::Primary.word() { Kind::Primary } else { Kind::Custom },
        title: row.get("title")?,
        scenario_prompt: row.get("scenario_prompt")?,
        opening: row.get("opening")?,
        cover_url: row.get("cover_url")?,
        welcome_note: row.get("welcome_note")?,
        api_enabled: row.get("api_enabled")?,
        wxapp_enabled: row.get("wxapp_enabled")?,
        skill_keys: serde_json::from_value(json("skill_keys")?).unwrap_or_default(),
        monetization: json("monetization")?,
        material: json("material")?,
        related_note_ids: serde_json::from_value(json("related_note_ids")?).unwrap_or_default(),
        share_code: row.get("share_code")?,
        is_default: row.get("is_default")?,
        usage_count: row.get("usage_count")?,
        view_count: row.get("view_count")?,
        created_at: row.get("created_at")?,
        owner_name: row.get("owner_name")?,
        owner_route: row.get("owner_route")?,
        owner_picture: row.get("owner_picture")?,
        owner_cover: row.get("owner_cover")?,
        owner_status: row.get("owner_status")?,
        owner_demo: row.get("owner_demo")?,
    })
}

pub(super) async fn get(tx: &mut Tx, user_id: i64, id: i64) -> Result<Option<Avatar>, StoreError> {
    let text = sql!(
        "SELECT a.*, u.name AS owner_name, u.route AS owner_route, u.avatar AS owner_picture, u.cover AS owner_cover,
                u.account_status AS owner_status, u.demo AS owner_demo
         FROM avatars a JOIN users u ON u.id = a.user_id WHERE a.id = $2 AND a.user_id = $1"
    );
    tx.opt(text, params![user_id, id]).await?.as_ref().map(avatar).transpose()
}

pub(super) async fn primary(tx: &mut Tx, user_id: i64) -> Result<Option<Avatar>, StoreError> {
    let text = sql!(
        "SELECT a.*, u.name AS owner_name, u.route AS owner_route, u.avatar AS owner_picture, u.cover AS owner_cover,
                u.account_status AS owner_status, u.demo AS owner_demo
         FROM avatars a JOIN users u ON u.id = a.user_id WHERE a.user_id = $1 AND a.kind = 'primary'"
    );
    tx.opt(text, params![user_id]).await?.as_ref().map(avatar).transpose()
}

pub(super) async fn by_share_code(tx: &mut Tx, share_code: &str) -> Result<Option<Avatar>, StoreError> {
    let text = sql!(
        "SELECT a.*, u.name AS owner_name, u.route AS owner_route, u.avatar AS owner_picture, u.cover AS owner_cover,
                u.account_status AS owner_status, u.demo AS owner_demo
         FROM avatars a JOIN users u ON u.id = a.user_id WHERE a.share_code = $1"
    );
    tx.opt(text, params![share_code]).await?.as_ref().map(avatar).transpose()
}

pub(super) async fn by_id(tx: &mut Tx, id: i64) -> Result<Option<Avatar>, StoreError> {
    let text = sql!(
        "SELECT a.*, u.name AS owner_name, u.route AS owner_route, u.avatar AS owner_picture, u.cover AS owner_cover,
                u.account_status AS owner_status, u.demo AS owner_demo
         FROM avatars a JOIN users u ON u.id = a.user_id WHERE a.id = $1"
    );
    tx.opt(text, params![id]).await?.as_ref().map(avatar).transpose()
}

pub(super) async fn count(tx: &mut Tx, user_id: i64) -> Result<i64, StoreError> {
    let text = sql!("SELECT COUNT(*) AS total FROM avatars WHERE user_id = $1");
    tx.opt(text, params![user_id]).await?.map_or(Ok(0), |row| row.get("total"))
}

pub(super) async fn list(tx: &mut Tx, user_id: i64, page: Page) -> Result<Vec<Avatar>, StoreError> {
    let text = sql!(
        "SELECT a.*, u.name AS owner_name, u.route AS owner_route, u.avatar AS owner_picture, u.cover AS owner_cover,
                u.account_status AS owner_status, u.demo AS owner_demo
         FROM avatars a JOIN users u ON u.id = a.user_id WHERE a.user_id = $1
         ORDER BY CASE WHEN a.kind = 'primary' THEN 0 ELSE 1 END, a.id DESC LIMIT $2 OFFSET $3"
    );
    tx.all(text, params![user_id, page.size, page.offset()]).await?.iter().map(avatar).collect()
}

/// The new id; none when the share code is taken.
pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    title: &str,
    share_code: &str,
    now: Millis,
) -> Result<Option<i64>, StoreError> {
    let text = sql!(
        "INSERT INTO avatars (user_id, kind, title, share_code, created_at, updated_at)
         VALUES ($1, 'custom', $2, $3, $4, $4) ON CONFLICT DO NOTHING RETURNING id"
    );
    tx.opt(text, params![user_id, title, share_code, now]).await?.map(|row| row.get("id")).transpose()
}

pub(super) async fn update(
    tx: &mut Tx,
    user_id: i64,
    id: i64,
    new: &Definition,
    now: Millis,
) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatars SET title = COALESCE($3, title), scenario_prompt = COALESCE($4, scenario_prompt),
                opening = COALESCE($5, opening), cover_url = COALESCE($6, cover_url),
                welcome_note = COALESCE($7, welcome_note), api_enabled = COALESCE($8, api_enabled),
                wxapp_enabled = COALESCE($9, wxapp_enabled), skill_keys = COALESCE($10, skill_keys),
                monetization = COALESCE($11, monetization), material = COALESCE($12, material),
                related_note_ids = COALESCE($13, related_note_ids), updated_at = $14
         WHERE id = $2 AND user_id = $1"
    );
    tx.run(
        text,
        params![
            user_id,
            id,
            new.title.as_deref().map(str::trim),
            new.scenario_prompt.as_deref(),
            new.opening.as_deref(),
            new.cover_url.as_deref(),
            new.welcome_note.as_deref(),
            new.api_enabled,
            new.wxapp_enabled,
            new.skill_keys.as_ref().map(|keys| Value::from(keys.clone()).to_string()),
            new.monetization.as_ref().map(Value::to_string),
            new.material.as_ref().map(Value::to_string),
            new.related_note_ids.as_ref().map(|ids| Value::from(ids.clone()).to_string()),
            now
        ],
    )
    .await
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM avatars WHERE id = $2 AND user_id = $1 AND kind <> 'primary'"), params![user_id, id]).await
}

pub(super) async fn set_default(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE avatars SET is_default = (id = $2) WHERE user_id = $1"), params![user_id, id]).await
}

pub(super) async fn count_view(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    let text = sql!("UPDATE avatars SET view_count = view_count + 1 WHERE id = $2 AND user_id = $1");
    tx.run(text, params![user_id, id]).await
}

pub(super) async fn count_use(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    let text = sql!("UPDATE avatars SET usage_count = usage_count + 1 WHERE id = $2 AND user_id = $1");
    tx.run(text, params![user_id, id]).await
}
