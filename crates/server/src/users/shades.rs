//! Shades: a user's interest tags, each with a private and a public face (contract 7.2).

use axum::extract::State;
use secondme_kit::Millis;
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::Result;
use crate::http::envelope::Envelope;
use crate::http::{Data, Reply};

/// The routes of shades, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_public))
}

/// One interest tag. Fields ending in `Public` are what others may see.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of contract 7.2")]
pub struct Shade {
    pub id: i64,
    pub shade_name: String,
    pub shade_icon: String,
    /// `VERY_HIGH`, `HIGH`, `MEDIUM`, `LOW` or `VERY_LOW`.
    pub confidence_level: String,
    pub shade_description: String,
    pub shade_description_third_view: String,
    pub shade_content: String,
    pub shade_content_third_view: String,
    pub source_topics: Vec<String>,
    pub shade_name_public: String,
    pub shade_icon_public: String,
    pub confidence_level_public: String,
    pub shade_description_public: String,
    pub shade_description_third_view_public: String,
    pub shade_content_public: String,
    pub shade_content_third_view_public: String,
    pub source_topics_public: Vec<String>,
    pub has_public_content: bool,
}

/// The shades of `user/shades`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShadeList {
    shades: Vec<Shade>,
}

/// The caller's interest tags that have public content.
#[utoipa::path(get, path = "/secondme/user/shades", tag = "User",
    security(("token" = ["userinfo"])), responses((status = 200, body = Envelope<ShadeList>)))]
async fn list_public(State(app): State<App>, auth: Auth<permissions::UserInfo>) -> Reply<ShadeList> {
    let mut shades = list(app.store(), auth.caller.user_id).await?;
    shades.retain(|s| s.has_public_content);
    Ok(Data(ShadeList { shades }))
}

fn select() -> Sql {
    sql!("SELECT * FROM shades WHERE user_id = $1 ORDER BY id")
}

/// All shades of a user.
///
/// # Errors
/// Storage failures only.
pub async fn list(store: &Store, user_id: i64) -> Result<Vec<Shade>> {
    let rows = store.all(select(), params![user_id]).await?;
    Ok(rows.iter().map(shade).collect::<std::result::Result<_, _>>()?)
}

/// The same inside a transaction.
///
/// # Errors
/// Storage failures only.
pub async fn list_in(tx: &mut Tx, user_id: i64) -> Result<Vec<Shade>> {
    let rows = tx.all(select(), params![user_id]).await?;
    Ok(rows.iter().map(shade).collect::<std::result::Result<_, _>>()?)
}

/// Stores a shade under a fixed id, once; a shade that is there already stays as it is.
///
/// # Errors
/// Storage failures only.
pub async fn put(tx: &mut Tx, user_id: i64, shade: &Shade, now: Millis) -> std::result::Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO shades (id, user_id, name, icon, confidence_level, description, description_third_view, content,
                content_third_view, source_topics, public_name, public_icon, public_confidence_level, public_description,
                public_description_third_view, public_content, public_content_third_view, public_source_topics,
                has_public_content, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             ON CONFLICT (id) DO NOTHING"
        ),
        params![
            shade.id,
            user_id,
            &shade.shade_name,
            &shade.shade_icon,
            &shade.confidence_level,
            &shade.shade_description,
            &shade.shade_description_third_view,
            &shade.shade_content,
            &shade.shade_content_third_view,
            topics_text(&shade.source_topics),
            &shade.shade_name_public,
            &shade.shade_icon_public,
            &shade.confidence_level_public,
            &shade.shade_description_public,
            &shade.shade_description_third_view_public,
            &shade.shade_content_public,
            &shade.shade_content_third_view_public,
            topics_text(&shade.source_topics_public),
            shade.has_public_content,
            now
        ],
    )
    .await
}

/// An interest that was learned. It has a private face only, until the user gives it a public one.
#[derive(Clone, Debug)]
pub struct Learned<'a> {
    /// The tag.
    pub name: &'a str,
    /// What there is to say about it.
    pub description: &'a str,
    /// `VERY_HIGH` to `VERY_LOW`.
    pub confidence_level: &'a str,
}

/// Adds a learned interest, or changes the private face of the one with that name; whether anything changed.
///
/// # Errors
/// Storage failures only.
pub async fn learn(tx: &mut Tx, user_id: i64, learned: &Learned<'_>, now: Millis) -> Result<bool> {
    let name = learned.name.trim();
    let shades = list_in(tx, user_id).await?;
    let Some(old) = shades.iter().find(|shade| shade.shade_name.to_lowercase() == name.to_lowercase()) else {
        let insert = sql!(
            "INSERT INTO shades (user_id, name, confidence_level, description, content, source_topics, created_at)
             VALUES ($1, $2, $3, $4, $4, $5, $6)"
        );
        let topics = topics_text(&[name.to_owned()]);
        tx.run(insert, params![user_id, name, learned.confidence_level, learned.description, topics, now]).await?;
        return Ok(true);
    };
    // What the user shows to others was theirs to word.
    if old.has_public_content || old.shade_content == learned.description {
        return Ok(false);
    }
    let update =
        sql!("UPDATE shades SET confidence_level = $3, description = $4, content = $4 WHERE user_id = $1 AND id = $2");
    tx.run(update, params![user_id, old.id, learned.confidence_level, learned.description]).await?;
    Ok(true)
}

/// Takes back a learned interest; one with a public face stays.
///
/// # Errors
/// Storage failures only.
pub async fn unlearn(tx: &mut Tx, user_id: i64, name: &str) -> Result<()> {
    let delete = sql!("DELETE FROM shades WHERE user_id = $1 AND name = $2 AND NOT has_public_content");
    tx.run(delete, params![user_id, name]).await?;
    Ok(())
}

fn shade(row: &Row) -> std::result::Result<Shade, StoreError> {
    Ok(Shade {
        id: row.get("id")?,
        shade_name: row.get("name")?,
        shade_icon: row.get("icon")?,
        confidence_level: row.get("confidence_level")?,
        shade_description: row.get("description")?,
        shade_description_third_view: row.get("description_third_view")?,
        shade_content: row.get("content")?,
        shade_content_third_view: row.get("content_third_view")?,
        source_topics: topics(&row.get::<String>("source_topics")?),
        shade_name_public: row.get("public_name")?,
        shade_icon_public: row.get("public_icon")?,
        confidence_level_public: row.get("public_confidence_level")?,
        shade_description_public: row.get("public_description")?,
        shade_description_third_view_public: row.get("public_description_third_view")?,
        shade_content_public: row.get("public_content")?,
        shade_content_third_view_public: row.get("public_content_third_view")?,
        source_topics_public: topics(&row.get::<String>("public_source_topics")?),
        has_public_content: row.get("has_public_content")?,
    })
}

fn topics(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn topics_text(topics: &[String]) -> String {
    serde_json::Value::from(topics.to_vec()).to_string()
}
