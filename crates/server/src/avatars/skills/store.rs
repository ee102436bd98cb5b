//! SQL of custom skills.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};
use serde_json::Value;

use super::{CustomSkill, NewSkill};

fn skill(row: &Row) -> Result<CustomSkill, StoreError> {
    Ok(CustomSkill {
        id: row.get("id")?,
        skill_key: row.get("skill_key")?,
        title: row.get("title")?,
        description: row.get("description")?,
        when_to_use: row.get("when_to_use")?,
        version: row.get("version")?,
        scene_modes: serde_json::from_str(&row.get::<String>("scene_modes")?).unwrap_or_default(),
        content: row.get("content")?,
    })
}

pub(super) async fn list(tx: &mut Tx, user_id: i64) -> Result<Vec<CustomSkill>, StoreError> {
    let text = sql!("SELECT * FROM avatar_custom_skills WHERE user_id = $1 ORDER BY id");
    tx.all(text, params![user_id]).await?.iter().map(skill).collect()
}

pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    key: &str,
    new: &NewSkill,
    now: Millis,
) -> Result<CustomSkill, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_custom_skills
            (user_id, skill_key, title, description, when_to_use, version, scene_modes, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *"
    );
    let scenes = Value::from(new.scene_modes.clone()).to_string();
    let values =
        params![user_id, key, &new.title, &new.description, &new.when_to_use, &new.version, scenes, &new.content, now];
    // `RETURNING` of an insert without a conflict clause always gives its row.
    tx.opt(text, values).await?.as_ref().map_or(Err(StoreError::Conflict), skill)
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, key: &str) -> Result<u64, StoreError> {
    let text = sql!("DELETE FROM avatar_custom_skills WHERE user_id = $1 AND skill_key = $2");
    tx.run(text, params![user_id, key]).await
}
