//! `avatar/list|detail|create|update|delete|{avatarId}/set-default` (contract 17.2 to 17.8).

use axum::extract::State;
use secondme_kit::clock::plain;
use secondme_kit::paging::Page;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Avatar, Definition};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};

/// The routes of avatars, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(detail))
        .routes(routes!(create))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(set_default))
}

/// How visitors can talk to an avatar.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Modes {
    /// Always true.
    text_chat: bool,
    /// Always false: this server carries no calls.
    voice_call: bool,
}

/// What this server offers.
pub(in crate::avatars) const MODES: Modes = Modes { text_chat: true, voice_call: false };

/// Where an avatar can be reached.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    /// Whether `sk-` keys open it.
    api_enabled: bool,
    /// Whether its QR code is meant to be shown.
    wxapp_enabled: bool,
}

/// An avatar of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvatarObject {
    avatar_id: i64,
    /// `primary` or `custom`.
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    /// The definition that rules what the avatar is and does towards visitors.
    scenario_prompt: Option<String>,
    /// The first message for visitors.
    opening: Option<String>,
    /// Its own cover, or that of the profile.
    cover_url: Option<String>,
    /// What everybody sees before they talk to it.
    welcome_note: Option<String>,
    modes: Modes,
    distribution: Distribution,
    skill_keys: Vec<String>,
    monetization: Value,
    /// What the owner gave it to know.
    material: Value,
    related_note_ids: Vec<i64>,
    share_code: String,
    /// The link to share.
    share_url: String,
    /// Whether it stands for its owner where none is named.
    is_default: bool,
    /// Answers given to visitors.
    usage_count: i64,
    /// Looks of others at its public face.
    view_count: i64,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    created_at: String,
}

/// An empty text is none.
pub(in crate::avatars) fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl AvatarObject {
    /// The object as list, detail, create and update answer it.
    pub(in crate::avatars) fn new(app: &App, avatar: Avatar) -> Self {
        Self {
            avatar_id: avatar.id,
            kind: avatar.kind.word(),
            scenario_prompt: some(&avatar.scenario_prompt),
            opening: some(&avatar.opening),
            cover_url: some(avatar.cover()),
            welcome_note: some(&avatar.welcome_note),
            modes: MODES,
            distribution: Distribution { api_enabled: avatar.api_enabled, wxapp_enabled: avatar.wxapp_enabled },
            share_url: avatar.share_url(app),
            title: avatar.title,
            skill_keys: avatar.skill_keys,
            monetization: avatar.monetization,
            material: avatar.material,
            related_note_ids: avatar.related_note_ids,
            share_code: avatar.share_code,
            is_default: avatar.is_default,
            usage_count: avatar.usage_count,
            view_count: avatar.view_count,
            created_at: plain(avatar.created_at),
        }
    }
}

/// What can be set of `distribution`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetDistribution {
    api_enabled: Option<bool>,
    wxapp_enabled: Option<bool>,
}

/// What can be set of an avatar. Absent and `null` leave a field as it is, `""` clears a text.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvatarFields {
    /// 1 to 100 characters; required to create one.
    title: Option<String>,
    /// The definition, at most 40,000 characters.
    scenario_prompt: Option<String>,
    opening: Option<String>,
    /// An http or https URL.
    cover_url: Option<String>,
    welcome_note: Option<String>,
    distribution: Option<SetDistribution>,
    /// `accessType` `FREE`, `SPONSORED` or `PAID`, and what belongs to it (contract 17.4); replaces the whole object.
    #[schema(value_type = Option<Object>)]
    monetization: Option<Value>,
    /// Replaces the whole set.
    skill_keys: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    material: Option<Value>,
    related_note_ids: Option<Vec<i64>>,
}

impl From<AvatarFields> for Definition {
    fn from(fields: AvatarFields) -> Self {
        let distribution = fields.distribution.unwrap_or_default();
        Self {
            title: fields.title,
            scenario_prompt: fields.scenario_prompt,
            opening: fields.opening,
            cover_url: fields.cover_url,
            welcome_note: fields.welcome_note,
            api_enabled: distribution.api_enabled,
            wxapp_enabled: distribution.wxapp_enabled,
            skill_keys: fields.skill_keys,
            monetization: fields.monetization,
            material: fields.material,
            related_note_ids: fields.related_note_ids,
        }
    }
}

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// From 1.
    #[serde(default, alias = "page", deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_no: Option<i64>,
    /// 1 to 100, default 20.
    #[serde(default, alias = "page_size", deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
}

impl PageQuery {
    /// The page, with the default size of its route.
    pub(in crate::avatars) fn page(&self, default_size: i64) -> Page {
        Page::new(self.page_no, self.page_size, default_size)
    }
}

/// Which avatar is meant.
#[derive(Debug, Deserialize, ToSchema, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AvatarRef {
    /// Required.
    #[serde(default, deserialize_with = "lenient")]
    #[schema(value_type = i64)]
    #[param(value_type = i64)]
    avatar_id: Option<i64>,
}

impl AvatarRef {
    /// The id.
    pub(in crate::avatars) fn id(&self) -> Result<i64> {
        required(self.avatar_id, "avatarId")
    }
}

/// A field that has to be there.
pub(in crate::avatars) fn required<T>(value: Option<T>, field: &str) -> Result<T> {
    value.ok_or_else(|| ApiError::invalid(field, &Problem::Required))
}

/// The caller's avatars.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvatarList {
    total: i64,
    list: Vec<AvatarObject>,
}

/// The caller's avatars, the primary one first, then the newest.
#[utoipa::path(get, path = "/secondme/avatar/list", tag = "Avatar", params(PageQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<AvatarList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<PageQuery>,
) -> Reply<AvatarList> {
    let (total, avatars) = super::list(&app, auth.caller.user_id, query.page(20)).await?;
    Ok(Data(AvatarList { total, list: avatars.into_iter().map(|a| AvatarObject::new(&app, a)).collect() }))
}

/// One of the caller's avatars.
#[utoipa::path(get, path = "/secondme/avatar/detail", tag = "Avatar", params(AvatarRef),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<AvatarObject>)))]
async fn detail(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<AvatarRef>,
) -> Reply<AvatarObject> {
    Ok(Data(AvatarObject::new(&app, super::get(&app, auth.caller.user_id, query.id()?).await?)))
}

/// Makes an avatar.
#[utoipa::path(post, path = "/secondme/avatar/create", tag = "Avatar", request_body = AvatarFields,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<AvatarObject>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<AvatarFields>,
) -> Reply<AvatarObject> {
    Ok(Data(AvatarObject::new(&app, super::create(&app, auth.caller.user_id, &body.into()).await?)))
}

/// An avatar and what to set of it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateAvatar {
    #[serde(flatten)]
    avatar: AvatarRef,
    #[serde(flatten)]
    fields: AvatarFields,
}

/// Changes an avatar; also the primary one.
#[utoipa::path(post, path = "/secondme/avatar/update", tag = "Avatar", request_body = UpdateAvatar,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<AvatarObject>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<UpdateAvatar>,
) -> Reply<AvatarObject> {
    let avatar = super::update(&app, auth.caller.user_id, body.avatar.id()?, &body.fields.into()).await?;
    Ok(Data(AvatarObject::new(&app, avatar)))
}

/// Deletes an avatar with its keys and conversations; the primary one stays.
#[utoipa::path(post, path = "/secondme/avatar/delete", tag = "Avatar", request_body = AvatarRef,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<bool>>)))]
async fn delete(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<AvatarRef>,
) -> Reply<Option<bool>> {
    super::delete(&app, auth.caller.user_id, body.id()?).await?;
    Ok(Data(None))
}

/// Makes an avatar the caller's default one.
#[utoipa::path(post, path = "/secondme/avatar/{avatarId}/set-default", tag = "Avatar",
    params(("avatarId" = i64, Path)), security(("token" = ["avatar.write"])),
    responses((status = 200, body = Envelope<Option<bool>>)))]
async fn set_default(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Path(avatar_id): Path<i64>,
) -> Reply<Option<bool>> {
    super::set_default(&app, auth.caller.user_id, avatar_id).await?;
    Ok(Data(None))
}
