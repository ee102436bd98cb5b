//! Rows 25–31 of the contract: a developer's integrations.

use std::collections::BTreeMap;

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Draft, Integration, Version};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Path, Query, Reply};
use crate::integrations::manifest::Manifest;
use crate::integrations::validation::Report;
use crate::oauth::apps::http::PageQuery;

/// The routes of integrations, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(create))
        .routes(routes!(detail))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(validate))
        .routes(routes!(release))
}

/// A manifest and its secrets.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationBody {
    #[serde(default)]
    #[schema(value_type = Manifest)]
    manifest: Value,
    /// Stored sealed, and never shown again. Absent in an update: those of the version before.
    env_secrets: Option<EnvSecrets>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct EnvSecrets {
    release: Option<SecretValues>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct SecretValues {
    /// Name of a placeholder → its value.
    #[serde(default)]
    values: BTreeMap<String, String>,
}

impl IntegrationBody {
    fn draft(self) -> Result<Draft> {
        if !self.manifest.is_object() {
            return Err(ApiError::invalid("manifest", &Problem::Required));
        }
        let secrets = self.env_secrets.and_then(|all| all.release).map(|release| release.values);
        Ok(Draft { manifest: self.manifest, secrets })
    }
}

/// An integration as its developer sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationAnswer {
    integration_id: String,
    /// The same: what its skill is called by.
    integration_key: String,
    skill: SkillName,
    app_id: String,
    /// `draft`, `pending_review`, `approved` or `rejected`.
    release_status: String,
    /// The version that users meet.
    released_version_id: Option<String>,
    /// The newest version.
    version_id: String,
    version: i64,
    pending_release_review: Option<PendingReview>,
    /// Of the newest version.
    manifest: Manifest,
    /// Names of its secrets; the values are not shown.
    secret_names: Vec<String>,
    /// The newest first.
    versions: Vec<VersionRow>,
    created_at: String,
    updated_at: String,
}

/// How a skill is called.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillName {
    key: String,
    display_name: String,
}

/// A version that waits for the operator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingReview {
    version_id: String,
    submitted_at: Option<String>,
}

/// One version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionRow {
    version_id: String,
    version: i64,
    /// `draft`, `pending_review`, `approved`, `rejected` or `superseded`.
    status: String,
    /// What its last validation found; `null` before there was one.
    validation_report: Option<Report>,
    submitted_at: Option<String>,
    reviewed_at: Option<String>,
    /// What the operator said.
    review_note: String,
    created_at: String,
}

impl From<Version> for VersionRow {
    fn from(version: Version) -> Self {
        Self {
            version_id: version.version_id,
            version: version.number,
            status: version.status,
            validation_report: version.report,
            submitted_at: version.submitted_at.map(iso),
            reviewed_at: version.reviewed_at.map(iso),
            review_note: version.review_note,
            created_at: iso(version.created_at),
        }
    }
}

impl IntegrationAnswer {
    fn new(app: &App, known: Integration) -> Self {
        let latest = known.latest().cloned();
        let secret_names = latest.as_ref().map(|latest| latest.secrets(app).into_keys().collect()).unwrap_or_default();
        let (version_id, version, manifest) =
            latest.map(|latest| (latest.version_id, latest.number, latest.manifest)).unwrap_or_default();
        Self {
            integration_key: known.integration_id.clone(),
            skill: SkillName { key: known.skill_key.clone(), display_name: manifest.skill.display_name.clone() },
            app_id: manifest.oauth.app_id.clone(),
            release_status: known.release_status().to_owned(),
            pending_release_review: known.pending().map(|pending| PendingReview {
                version_id: pending.version_id.clone(),
                submitted_at: pending.submitted_at.map(iso),
            }),
            released_version_id: known.released_version,
            version_id,
            version,
            manifest,
            secret_names,
            versions: known.versions.into_iter().map(VersionRow::from).collect(),
            integration_id: known.integration_id,
            created_at: iso(known.created_at),
            updated_at: iso(known.updated_at),
        }
    }
}

/// A page of integrations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationList {
    list: Vec<IntegrationAnswer>,
    total: i64,
    page: i64,
    page_size: i64,
    has_more: bool,
}

/// The caller's integrations, the newest first.
#[utoipa::path(get, path = "/integrations/list", tag = "Integrations",
    params(("page" = Option<i64>, Query, description = "From 1."),
        ("pageSize" = Option<i64>, Query, description = "At most 100; 20 by default.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<IntegrationList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Query(query): Query<PageQuery>,
) -> Reply<IntegrationList> {
    let page = query.page();
    let (found, total) = super::list(&app, auth.caller.user_id, page).await?;
    let list = found.into_iter().map(|known| IntegrationAnswer::new(&app, known)).collect();
    Ok(Data(IntegrationList { list, total, page: page.number, page_size: page.size, has_more: page.has_more(total) }))
}

/// One of the caller's integrations.
#[utoipa::path(get, path = "/integrations/{integrationId}", tag = "Integrations",
    params(("integrationId" = String, Path, description = "`int_…`.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<IntegrationAnswer>)))]
async fn detail(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(id): Path<String>,
) -> Reply<IntegrationAnswer> {
    let known = super::get(&app, auth.caller.user_id, &id).await?;
    Ok(Data(IntegrationAnswer::new(&app, known)))
}

/// Registers a skill of one of the caller's apps. What is wrong with the manifest is all named at once, in `issues`.
#[utoipa::path(post, path = "/integrations/create", tag = "Integrations", request_body = IntegrationBody,
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<IntegrationAnswer>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Body(body): Body<IntegrationBody>,
) -> Reply<IntegrationAnswer> {
    let known = super::create(&app, auth.caller.user_id, &body.draft()?).await?;
    Ok(Data(IntegrationAnswer::new(&app, known)))
}

/// Adds a version. Users meet the released one until the new one is released.
#[utoipa::path(post, path = "/integrations/{integrationId}/update", tag = "Integrations", request_body = IntegrationBody,
    params(("integrationId" = String, Path, description = "`int_…`.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<IntegrationAnswer>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(id): Path<String>,
    Body(body): Body<IntegrationBody>,
) -> Reply<IntegrationAnswer> {
    let known = super::update(&app, auth.caller.user_id, &id, &body.draft()?).await?;
    Ok(Data(IntegrationAnswer::new(&app, known)))
}

/// Deletes an integration: its skill is gone for everybody.
#[utoipa::path(post, path = "/integrations/{integrationId}/delete", tag = "Integrations",
    params(("integrationId" = String, Path, description = "`int_…`.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Option<String>>)))]
async fn delete(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(id): Path<String>,
) -> Reply<Option<String>> {
    super::delete(&app, auth.caller.user_id, &id).await?;
    Ok(Data(None))
}

/// Which version.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VersionBody {
    /// `ver_…`; absent: the newest.
    version_id: Option<String>,
}

/// What a validation found, and of which version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validated {
    integration_id: String,
    version_id: String,
    version: i64,
    validation_report: Report,
}

/// Validates a version: connects to its endpoint, lists its tools, and compares them with the manifest.
#[utoipa::path(post, path = "/integrations/{integrationId}/validate", tag = "Integrations", request_body = VersionBody,
    params(("integrationId" = String, Path, description = "`int_…`.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Validated>)))]
async fn validate(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(integration_id): Path<String>,
    Body(body): Body<VersionBody>,
) -> Reply<Validated> {
    let owner = auth.caller.user_id;
    let (version, report) = super::validate(&app, owner, &integration_id, body.version_id.as_deref()).await?;
    let (version_id, version) = (version.version_id, version.number);
    Ok(Data(Validated { integration_id, version_id, version, validation_report: report }))
}

/// Hands a validated version to the operator. One may wait at a time.
#[utoipa::path(post, path = "/integrations/{integrationId}/release", tag = "Integrations", request_body = VersionBody,
    params(("integrationId" = String, Path, description = "`int_…`.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<IntegrationAnswer>)))]
async fn release(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(id): Path<String>,
    Body(body): Body<VersionBody>,
) -> Reply<IntegrationAnswer> {
    let known = super::release(&app, auth.caller.user_id, &id, body.version_id.as_deref()).await?;
    Ok(Data(IntegrationAnswer::new(&app, known)))
}
