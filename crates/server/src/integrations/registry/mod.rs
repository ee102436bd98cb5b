//! Integrations as their developers see them (contract 5): manifests in versions, validation, release after review.
//!
//! Invariant: a version is never changed; what users meet is the one that `released_version` names.

pub mod http;
mod review;
mod store;

use std::collections::BTreeMap;

use secondme_kit::{Millis, Page};
use serde_json::{Map, Value};

use super::manifest::{Fault, Manifest};
use super::validation::{self, Report};
use crate::app::App;
use crate::error::{ApiError, Code, Result};

pub use review::{Waiting, decide, waiting};

/// What secrets are sealed for.
const PURPOSE: &str = "integration_secrets";

/// An integration with its versions, the newest first.
#[derive(Clone, Debug)]
pub struct Integration {
    /// `int_…`; also the key under which its skill is called.
    pub integration_id: String,
    /// Unique on this server.
    pub skill_key: String,
    /// The version that users meet.
    pub released_version: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it got its last version.
    pub updated_at: Millis,
    /// Never empty.
    pub versions: Vec<Version>,
}

/// One version.
#[derive(Clone, Debug)]
pub struct Version {
    /// `ver_…`.
    pub version_id: String,
    /// From 1.
    pub number: i64,
    /// What it says.
    pub manifest: Manifest,
    /// What its last validation found.
    pub report: Option<Report>,
    /// `draft`, `pending_review`, `approved`, `rejected` or `superseded`.
    pub status: String,
    /// When it was handed in for review.
    pub submitted_at: Option<Millis>,
    /// When the operator decided.
    pub reviewed_at: Option<Millis>,
    /// What the operator said.
    pub review_note: String,
    /// When it was made.
    pub created_at: Millis,
    secrets: Vec<u8>,
}

/// A skill as users meet it.
#[derive(Clone, Debug)]
pub struct Released {
    /// `int_…`.
    pub integration_id: String,
    /// Of the version.
    pub number: i64,
    /// What it says.
    pub manifest: Manifest,
    /// The JSON Schemas of its tools' arguments, from the last validation.
    pub schemas: Map<String, Value>,
    secrets: Vec<u8>,
}

fn open(app: &App, sealed: &[u8]) -> BTreeMap<String, String> {
    let bytes = app.key().unseal(PURPOSE, sealed).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

impl Version {
    /// The developer's secrets, for headers.
    pub fn secrets(&self, app: &App) -> BTreeMap<String, String> {
        open(app, &self.secrets)
    }
}

impl Released {
    /// The developer's secrets, for headers.
    pub fn secrets(&self, app: &App) -> BTreeMap<String, String> {
        open(app, &self.secrets)
    }
}

impl Integration {
    /// The newest version.
    pub fn latest(&self) -> Option<&Version> {
        self.versions.first()
    }

    /// The version that waits for the operator.
    pub fn pending(&self) -> Option<&Version> {
        self.versions.iter().find(|version| version.status == "pending_review")
    }

    /// `pending_review`, `approved`, `rejected` or `draft`.
    pub fn release_status(&self) -> &str {
        match (self.pending(), &self.released_version, self.latest()) {
            (Some(_), ..) => "pending_review",
            (None, Some(_), _) => "approved",
            (None, None, Some(latest)) => &latest.status,
            (None, None, None) => "draft",
        }
    }
}

/// What a developer sends.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The manifest as it came.
    pub manifest: Value,
    /// Secrets by name; none: those of the version before, as far as they are still used.
    pub secrets: Option<BTreeMap<String, String>>,
}

/// A developer's integrations, the newest first, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64, page: Page) -> Result<(Vec<Integration>, i64)> {
    let mut tx = app.store().read().await?;
    let total = store::count(&mut tx, user_id).await?;
    Ok((store::list(&mut tx, user_id, page).await?, total))
}

/// One of them.
///
/// # Errors
/// `integration.not_found`.
pub async fn get(app: &App, user_id: i64, integration_id: &str) -> Result<Integration> {
    let mut tx = app.store().read().await?;
    let found = store::find(&mut tx, user_id, integration_id).await?;
    found.ok_or_else(|| ApiError::new(Code::IntegrationUnknown))
}

/// Registers a skill.
///
/// # Errors
/// `integration.manifest.invalid` with every fault; `integration.skill_key.taken`; `integration.limit` when there are too many.
pub async fn create(app: &App, user_id: i64, draft: &Draft) -> Result<Integration> {
    let secrets = draft.secrets.clone().unwrap_or_default();
    let manifest = checked(app, user_id, draft, &secrets).await?;
    let integration_id = format!("int_{}", app.entropy().alphanumeric(16));
    let new = new_version(app, &manifest, &secrets);
    let mut tx = app.store().write().await?;
    if store::count(&mut tx, user_id).await? >= app.config().integrations.per_user_max {
        return Err(ApiError::new(Code::IntegrationLimit).arg(app.config().integrations.per_user_max));
    }
    if store::insert(&mut tx, user_id, &integration_id, &manifest.skill.key, app.now()).await? == 0 {
        return Err(ApiError::new(Code::SkillKeyTaken).arg(&manifest.skill.key));
    }
    store::insert_version(&mut tx, user_id, &integration_id, &new, app.now()).await?;
    tx.commit().await?;
    get(app, user_id, &integration_id).await
}

/// Adds a version.
///
/// # Errors
/// As [`create`]; `integration.not_found`. The skill's key stays what it is.
pub async fn update(app: &App, user_id: i64, integration_id: &str, draft: &Draft) -> Result<Integration> {
    let known = get(app, user_id, integration_id).await?;
    let secrets = match &draft.secrets {
        Some(secrets) => secrets.clone(),
        None => still_used(app, &known, &draft.manifest),
    };
    let manifest = checked(app, user_id, draft, &secrets).await?;
    if manifest.skill.key != known.skill_key {
        let message = format!("must stay `{}`", known.skill_key);
        return Err(invalid(&[Fault { path: "skill.key".into(), message }]));
    }
    let new = new_version(app, &manifest, &secrets);
    let mut tx = app.store().write().await?;
    if store::touch(&mut tx, user_id, integration_id, app.now()).await? == 0 {
        return Err(ApiError::new(Code::IntegrationUnknown));
    }
    store::insert_version(&mut tx, user_id, integration_id, &new, app.now()).await?;
    store::prune(&mut tx, user_id, integration_id, app.config().integrations.versions_max.max(1)).await?;
    tx.commit().await?;
    get(app, user_id, integration_id).await
}

/// Deletes an integration: its skill is gone for everybody.
///
/// # Errors
/// `integration.not_found`.
pub async fn delete(app: &App, user_id: i64, integration_id: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::delete(&mut tx, user_id, integration_id).await? == 0 {
        return Err(ApiError::new(Code::IntegrationUnknown));
    }
    tx.commit().await?;
    Ok(())
}

/// Validates the named version, or the newest, by really asking its endpoint; the version and what was found.
///
/// # Errors
/// `integration.not_found`, also for an unknown version.
pub async fn validate(app: &App, user_id: i64, integration_id: &str, named: Option<&str>) -> Result<(Version, Report)> {
    let known = get(app, user_id, integration_id).await?;
    let version = version_of(&known, named)?.clone();
    let report = validation::validate(app, user_id, &version).await?;
    let mut tx = app.store().write().await?;
    store::set_report(&mut tx, user_id, &version.version_id, &validation::to_json(&report)).await?;
    tx.commit().await?;
    Ok((version, report))
}

/// Hands the named version, or the newest, to the operator; where the operator does not review, it is released at once.
///
/// # Errors
/// `integration.not_found`; `integration.release.pending` when one waits already; `integration.not_validated`.
pub async fn release(app: &App, user_id: i64, integration_id: &str, named: Option<&str>) -> Result<Integration> {
    let mut tx = app.store().write().await?;
    // Writing first makes two submissions at a time one after the other.
    if store::touch(&mut tx, user_id, integration_id, app.now()).await? == 0 {
        return Err(ApiError::new(Code::IntegrationUnknown));
    }
    let known = store::find(&mut tx, user_id, integration_id).await?;
    let known = known.ok_or_else(|| ApiError::new(Code::IntegrationUnknown))?;
    if known.pending().is_some() {
        return Err(ApiError::new(Code::ReleasePending));
    }
    let version = version_of(&known, named)?;
    if !version.report.as_ref().is_some_and(|report| report.valid) {
        return Err(ApiError::new(Code::NotValidated));
    }
    store::submit(&mut tx, user_id, &version.version_id, app.now()).await?;
    if !app.config().integrations.review {
        review::approve_in(&mut tx, integration_id, &version.version_id, "", app.now()).await?;
    }
    tx.commit().await?;
    get(app, user_id, integration_id).await
}

/// The skill behind a key (of skill or integration), as users meet it.
///
/// # Errors
/// `skill.not_found`.
pub async fn released(app: &App, key: &str) -> Result<Released> {
    store::released(app.store(), key).await?.ok_or_else(|| ApiError::new(Code::SkillUnknown))
}

/// Every released skill of these apps.
///
/// # Errors
/// Storage failures only.
pub async fn released_of(app: &App, app_ids: &[String]) -> Result<Vec<Released>> {
    let mut skills = Vec::new();
    for app_id in app_ids {
        skills.extend(store::released_of(app.store(), app_id).await?);
    }
    Ok(skills)
}

/// A page of the apps that have released skills or stand in the catalogue (those with skills first), and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn apps(app: &App, page: Page) -> Result<(Vec<String>, i64)> {
    Ok((store::apps(app.store(), page).await?, store::count_apps(app.store()).await?))
}

fn version_of<'i>(known: &'i Integration, named: Option<&str>) -> Result<&'i Version> {
    let found = match named {
        None => known.latest(),
        Some(id) => known.versions.iter().find(|version| version.version_id == id),
    };
    found.ok_or_else(|| ApiError::new(Code::IntegrationUnknown))
}

fn still_used(app: &App, known: &Integration, manifest: &Value) -> BTreeMap<String, String> {
    let template = manifest.pointer("/mcp/headersTemplate").map(Value::to_string).unwrap_or_default();
    let used = super::headers::placeholders(&template);
    let mut secrets = known.latest().map(|latest| latest.secrets(app)).unwrap_or_default();
    secrets.retain(|name, _| used.contains(&name.as_str()));
    secrets
}

async fn checked(app: &App, user_id: i64, draft: &Draft, secrets: &BTreeMap<String, String>) -> Result<Manifest> {
    let limits = &app.config().integrations;
    let fault = |path: &str, message: String| invalid(&[Fault { path: path.to_owned(), message }]);
    if draft.manifest.to_string().len() > limits.manifest_max_bytes {
        return Err(fault("manifest", format!("is larger than {} bytes", limits.manifest_max_bytes)));
    }
    let manifest = Manifest::read(&draft.manifest).map_err(|fault| invalid(&[fault]))?;
    let names: Vec<&str> = secrets.keys().map(String::as_str).collect();
    let mut faults = manifest.faults(limits, &names);
    for (name, value) in secrets {
        if value.len() > 4_096 {
            let message = "is longer than 4096 bytes".to_owned();
            faults.push(Fault { path: format!("envSecrets.release.values.{name}"), message });
        }
    }
    faults.extend(validation::registered(app, user_id, &manifest).await?);
    if faults.is_empty() { Ok(manifest) } else { Err(invalid(&faults)) }
}

fn invalid(faults: &[Fault]) -> ApiError {
    let first = faults.first().map(|fault| format!("`{}` {}", fault.path, fault.message)).unwrap_or_default();
    // Plain texts; serialising them does not fail.
    let issues = serde_json::to_value(faults).unwrap_or_default();
    ApiError::new(Code::ManifestInvalid).arg(first).with("issues", issues)
}

/// A version to store.
struct NewVersion {
    version_id: String,
    app_id: String,
    manifest: String,
    secrets: Vec<u8>,
}

fn new_version(app: &App, manifest: &Manifest, secrets: &BTreeMap<String, String>) -> NewVersion {
    // Plain data; serialising it does not fail.
    let bytes = serde_json::to_vec(secrets).unwrap_or_default();
    NewVersion {
        version_id: format!("ver_{}", app.entropy().alphanumeric(16)),
        app_id: manifest.oauth.app_id.clone(),
        manifest: serde_json::to_value(manifest).unwrap_or_default().to_string(),
        secrets: app.key().seal(app.entropy(), PURPOSE, &bytes),
    }
}
