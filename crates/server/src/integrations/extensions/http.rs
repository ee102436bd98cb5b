//! Rows 32–34 of the contract.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AppSkills, Rpc, files};
use crate::access::{Auth, Kind, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};
use crate::integrations::registry::{self, Released};

/// The routes of extensions, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(apps)).routes(routes!(detail)).routes(routes!(rpc))
}

/// Which page of apps.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AppsQuery {
    #[serde(alias = "page", deserialize_with = "lenient")]
    page_no: Option<i64>,
    #[serde(alias = "page_size", deserialize_with = "lenient")]
    page_size: Option<i64>,
}

/// Apps with their skills.
#[derive(Debug, Serialize, ToSchema)]
pub struct SkillAppList {
    apps: Vec<AppRow>,
    total: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AppRow {
    app_name: String,
    app_description: String,
    /// The app's page, or where it is authorized.
    app_store_url: String,
    /// Where it is authorized (ours).
    authorize_url: String,
    skills: Vec<SkillRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SkillRow {
    integration_key: String,
    skill_key: String,
    display_name: String,
    description: String,
    version: String,
}

impl From<&Released> for SkillRow {
    fn from(skill: &Released) -> Self {
        let about = &skill.manifest.skill;
        Self {
            integration_key: skill.integration_id.clone(),
            skill_key: about.key.clone(),
            display_name: about.display_name.clone(),
            description: about.description.clone(),
            version: skill.number.to_string(),
        }
    }
}

impl From<AppSkills> for AppRow {
    fn from(found: AppSkills) -> Self {
        Self {
            app_name: found.app.name,
            app_description: found.app.description,
            app_store_url: found.place.app_store_url,
            authorize_url: found.place.authorize_url,
            skills: found.skills.iter().map(SkillRow::from).collect(),
        }
    }
}

/// A skill, and the files that an agent is given for it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillDetail {
    #[serde(flatten)]
    skill: SkillRow,
    /// Names.
    actions: Vec<String>,
    /// `skillKey/tool`.
    tool_allow: Vec<String>,
    /// File name → content, to be written as it is.
    generated_skill_files: BTreeMap<&'static str, String>,
}

/// A skill in a flat list (contract 20, row 119).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlatSkill {
    #[serde(flatten)]
    skill: SkillRow,
    actions: Vec<String>,
    tool_allow: Vec<String>,
}

impl From<&Released> for FlatSkill {
    fn from(skill: &Released) -> Self {
        let manifest = &skill.manifest;
        Self {
            actions: manifest.actions.iter().map(|action| action.name.clone()).collect(),
            tool_allow: manifest.mcp.tool_allow.iter().map(|tool| format!("{}/{tool}", manifest.skill.key)).collect(),
            skill: skill.into(),
        }
    }
}

/// The apps that have skills, then those of the catalogue that have none.
#[utoipa::path(get, path = "/secondme/extensions/apps", tag = "Extensions",
    params(("pageNo" = Option<i64>, Query, description = "From 1."),
        ("pageSize" = Option<i64>, Query, description = "At most 100; 20 by default.")),
    security(("token" = [])), responses((status = 200, body = Envelope<SkillAppList>)))]
async fn apps(
    State(app): State<App>,
    _: Auth<permissions::AnyUser>,
    Query(query): Query<AppsQuery>,
) -> Reply<SkillAppList> {
    page(&app, &query).await.map(Data)
}

/// The same for whoever has a token of another kind.
pub(crate) async fn page(app: &App, query: &AppsQuery) -> Result<SkillAppList> {
    let page = Page::new(query.page_no, query.page_size, 20);
    let (found, total) = super::catalogue(app, page).await?;
    Ok(SkillAppList { apps: found.into_iter().map(AppRow::from).collect(), total })
}

/// Every released skill of the first hundred apps, for whoever has a token of another kind.
pub(crate) async fn flat(app: &App) -> Result<Vec<FlatSkill>> {
    let (found, _) = super::catalogue(app, Page::new(None, Some(100), 100)).await?;
    Ok(found.iter().flat_map(|found| found.skills.iter().map(FlatSkill::from)).collect())
}

/// One skill, with the files that an agent on the user's machine needs for it.
#[utoipa::path(get, path = "/secondme/extensions/detail/{skillKey}", tag = "Extensions",
    params(("skillKey" = String, Path, description = "The skill's key.")),
    security(("token" = [])), responses((status = 200, body = Envelope<SkillDetail>)))]
async fn detail(State(app): State<App>, _: Auth<permissions::AnyUser>, Path(key): Path<String>) -> Reply<SkillDetail> {
    show(&app, &key).await.map(Data)
}

/// The same for whoever has a token of another kind.
pub(crate) async fn show(app: &App, key: &str) -> Result<SkillDetail> {
    let skill = registry::released(app, key).await?;
    let FlatSkill { skill: row, actions, tool_allow } = FlatSkill::from(&skill);
    Ok(SkillDetail { skill: row, actions, tool_allow, generated_skill_files: files(app, &skill) })
}

/// A call.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RpcBody {
    /// Echoed.
    #[schema(value_type = Option<String>)]
    id: Value,
    /// An action or tool by its name; `initialize`, `ping`, `tools/list`, `tools/call`.
    method: String,
    /// Its parameters.
    #[schema(value_type = Option<Value>)]
    params: Option<Map<String, Value>>,
}

impl RpcBody {
    /// The call in it.
    pub(crate) fn read(self) -> Result<Rpc> {
        if self.method.is_empty() {
            return Err(ApiError::invalid("method", &Problem::Required));
        }
        Ok(Rpc { id: self.id, method: self.method, params: self.params.unwrap_or_default() })
    }
}

/// Calls a released skill of an app for the caller, who must have authorized the app. The answer is JSON-RPC's, without the
/// envelope: `result`, or `error` with code -32010 (not authorized: `data.appStoreUrl`), -32601, -32602, or the app's own.
#[utoipa::path(post, path = "/secondme/extensions/mcp/{integrationKey}/rpc", tag = "Extensions", request_body = RpcBody,
    params(("integrationKey" = String, Path, description = "`int_…`, or the skill's key.")),
    security(("token" = [])), responses((status = 200, body = Value)))]
async fn rpc(
    State(app): State<App>,
    auth: Auth<permissions::AnyUser>,
    headers: HeaderMap,
    Path(key): Path<String>,
    Body(body): Body<RpcBody>,
) -> Result<Json<Value>> {
    // An app must not reach other apps in its user's name.
    if !matches!(auth.caller.grant.kind, Kind::Personal | Kind::ApiKey) {
        return Err(ApiError::new(Code::OauthTokenInvalid).arg("calling other apps needs the user's own token"));
    }
    let own = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| text.split_once(' '));
    let own = own.map(|(_, token)| token.trim());
    Ok(Json(super::rpc(&app, auth.caller.user_id, &key, own, body.read()?).await?))
}
