//! `avatar/api-key/create|list|update|delete` (contract 17.17).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiKey;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::avatars::center::http::{AvatarRef, required};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Query, Reply};

/// The routes of avatar keys, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(list)).routes(routes!(update)).routes(routes!(delete))
}

/// A key without its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyObject {
    key_id: i64,
    avatar_id: i64,
    /// Need not be unique.
    name: String,
    enabled: bool,
}

impl From<ApiKey> for KeyObject {
    fn from(key: ApiKey) -> Self {
        Self { key_id: key.id, avatar_id: key.avatar_id, name: key.name, enabled: key.enabled }
    }
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey {
    #[serde(flatten)]
    key: KeyObject,
    /// `sk-` and 32 hex digits: shown here only.
    secret_key: String,
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateKey {
    #[serde(flatten)]
    avatar: AvatarRef,
    /// 1 to 100 characters.
    #[schema(value_type = String)]
    name: Option<String>,
}

/// Makes a key. The others of the avatar stay.
#[utoipa::path(post, path = "/secondme/avatar/api-key/create", tag = "Avatar", request_body = CreateKey,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<CreatedKey>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<CreateKey>,
) -> Reply<CreatedKey> {
    let (avatar_id, name) = (body.avatar.id()?, required(body.name, "name")?);
    let (key, secret_key) = super::create(&app, auth.caller.user_id, avatar_id, &name).await?;
    Ok(Data(CreatedKey { key: key.into(), secret_key }))
}

/// The keys of an avatar.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    list: Vec<KeyObject>,
}

/// The keys of an avatar, without their texts.
#[utoipa::path(get, path = "/secondme/avatar/api-key/list", tag = "Avatar", params(AvatarRef),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<KeyList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<AvatarRef>,
) -> Reply<KeyList> {
    let keys = super::list(&app, auth.caller.user_id, query.id()?).await?;
    Ok(Data(KeyList { list: keys.into_iter().map(Into::into).collect() }))
}

/// Which key, and what to change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateKey {
    #[serde(default, deserialize_with = "lenient")]
    #[schema(value_type = i64)]
    key_id: Option<i64>,
    name: Option<String>,
    enabled: Option<bool>,
}

/// Renames a key, or switches it on or off.
#[utoipa::path(post, path = "/secondme/avatar/api-key/update", tag = "Avatar", request_body = UpdateKey,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<bool>>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<UpdateKey>,
) -> Reply<Option<bool>> {
    let key_id = required(body.key_id, "keyId")?;
    super::update(&app, auth.caller.user_id, key_id, body.name.as_deref(), body.enabled).await?;
    Ok(Data(None))
}

/// Which key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    #[serde(default, deserialize_with = "lenient")]
    #[schema(value_type = i64)]
    key_id: Option<i64>,
}

/// Deletes a key.
#[utoipa::path(post, path = "/secondme/avatar/api-key/delete", tag = "Avatar", request_body = KeyRef,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<bool>>)))]
async fn delete(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<KeyRef>,
) -> Reply<Option<bool>> {
    super::delete(&app, auth.caller.user_id, required(body.key_id, "keyId")?).await?;
    Ok(Data(None))
}
