//! Rows 14–20 of the contract: a developer's applications.

use axum::extract::State;
use secondme_kit::Secret;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Details, Draft, Saved};
use crate::access::{Auth, Requested, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Path, Query, Reply};
use crate::oauth::apps::http::PageQuery;
use crate::oauth::apps::{self, ClientType, Listing};
use crate::oauth::webhooks;
use crate::oauth::webhooks::http::Delivery;
use crate::oauth::webhooks::sign::standard_form;

/// The routes of applications, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(detail))
        .routes(routes!(create))
        .routes(routes!(update))
        .routes(routes!(regenerate_secret))
        .routes(routes!(delete))
        .routes(routes!(apply_listing))
}

/// An application to make or to change. In a change, what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppBody {
    /// 1 to 100 characters; required when it is made.
    app_name: Option<String>,
    /// At most 1000 characters.
    app_description: Option<String>,
    /// Where codes may be sent, exactly; required when it is made.
    redirect_uris: Option<Vec<String>>,
    /// What it may ask for; required when it is made.
    allowed_scopes: Option<Vec<String>>,
    /// `confidential` (default) or `public`: a program in its user's hands, without a secret. Only when it is made.
    client_type: Option<String>,
    /// Where `authorization.revoked` goes; empty takes it away.
    authorization_revoked_webhook_url: Option<String>,
    authorization_revoked_webhook_enabled: Option<bool>,
    /// A signing secret of your own; one is made when there is none.
    authorization_revoked_webhook_secret: Option<String>,
    #[serde(flatten)]
    listing: Listing,
}

impl AppBody {
    fn draft(self) -> Result<Draft> {
        let expected = Problem::Expected("`confidential` or `public`", " `confidential` 或 `public`");
        let client_type = match self.client_type.as_deref() {
            None => ClientType::default(),
            Some(word) => ClientType::from_word(word).ok_or_else(|| ApiError::invalid("clientType", &expected))?,
        };
        let allowed = self.allowed_scopes.map(|names| {
            Requested::from_names(
                names.iter().map(String::as_str).flat_map(|name| name.split([' ', ',', '+'])).filter(|n| !n.is_empty()),
            )
        });
        Ok(Draft {
            app: apps::Change {
                name: self.app_name,
                description: self.app_description,
                redirect_uris: self.redirect_uris,
                allowed: allowed.transpose()?,
                listing: self.listing,
            },
            client_type,
            webhook: webhooks::Change {
                url: self.authorization_revoked_webhook_url,
                enabled: self.authorization_revoked_webhook_enabled,
                secret: self.authorization_revoked_webhook_secret.filter(|text| !text.is_empty()).map(Secret::new),
            },
        })
    }
}

/// An application as its developer sees it. Secrets appear only in the answer of the call that made or set them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppAnswer {
    app_id: String,
    client_id: String,
    /// `confidential` or `public`.
    client_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    app_name: String,
    app_description: String,
    redirect_uris: Vec<String>,
    allowed_scopes: Vec<String>,
    /// `approved`, `pending_review`, `rejected` or `suspended`.
    status: String,
    /// `none`, `pending_review`, `listed` or `rejected`.
    listing_status: String,
    authorization_revoked_webhook_url: Option<String>,
    authorization_revoked_webhook_enabled: bool,
    /// Why the server switched it off, if it did.
    authorization_revoked_webhook_disabled_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_revoked_webhook_secret: Option<String>,
    /// The same secret as Standard Webhooks libraries take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_revoked_webhook_standard_secret: Option<String>,
    /// The last event, and how its delivery goes.
    recent_delivery: Option<Delivery>,
    created_at: String,
    updated_at: String,
    #[serde(flatten)]
    listing: Listing,
}

impl From<Details> for AppAnswer {
    fn from(details: Details) -> Self {
        let Details { app, webhook, recent } = details;
        let enabled = webhook.as_ref().is_some_and(|webhook| webhook.enabled);
        let (url, reason) = webhook.map(|webhook| (webhook.url, webhook.disabled_reason)).unwrap_or_default();
        Self {
            app_id: app.app_id,
            client_id: app.client_id,
            client_type: app.client_type.word(),
            client_secret: None,
            app_name: app.name,
            app_description: app.description,
            redirect_uris: app.redirect_uris,
            allowed_scopes: app.allowed.names,
            status: app.status,
            listing_status: app.listing_status,
            authorization_revoked_webhook_url: Some(url).filter(|url| !url.is_empty()),
            authorization_revoked_webhook_enabled: enabled,
            authorization_revoked_webhook_disabled_reason: reason,
            authorization_revoked_webhook_secret: None,
            authorization_revoked_webhook_standard_secret: None,
            recent_delivery: recent.map(Delivery::from),
            created_at: iso(app.created_at),
            updated_at: iso(app.updated_at),
            listing: app.listing,
        }
    }
}

impl From<Saved> for AppAnswer {
    fn from(saved: Saved) -> Self {
        let standard = saved.webhook_secret.as_ref().map(standard_form);
        Self {
            client_secret: saved.client_secret,
            authorization_revoked_webhook_secret: saved.webhook_secret.map(|secret| secret.expose().to_owned()),
            authorization_revoked_webhook_standard_secret: standard.map(|secret| secret.expose().to_owned()),
            ..Self::from(saved.details)
        }
    }
}

/// A page of applications.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppList {
    list: Vec<AppAnswer>,
    total: i64,
    page: i64,
    page_size: i64,
    has_more: bool,
}

/// The caller's applications, the newest first.
#[utoipa::path(get, path = "/applications/external/list", tag = "Applications",
    params(("page" = Option<i64>, Query, description = "From 1."),
        ("page_size" = Option<i64>, Query, description = "At most 100; 20 by default.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<AppList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Query(query): Query<PageQuery>,
) -> Reply<AppList> {
    let page = query.page();
    let (found, total) = super::list(&app, auth.caller.user_id, page).await?;
    let list = found.into_iter().map(AppAnswer::from).collect();
    Ok(Data(AppList { list, total, page: page.number, page_size: page.size, has_more: page.has_more(total) }))
}

/// One of the caller's applications.
#[utoipa::path(get, path = "/applications/external/{appId}", tag = "Applications",
    params(("appId" = String, Path, description = "The app.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<AppAnswer>)))]
async fn detail(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
) -> Reply<AppAnswer> {
    Ok(Data(super::details(&app, auth.caller.user_id, &app_id).await?.into()))
}

/// Registers an application. `clientSecret` is shown here and never again.
#[utoipa::path(post, path = "/applications/external/create", tag = "Applications", request_body = AppBody,
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<AppAnswer>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Body(body): Body<AppBody>,
) -> Reply<AppAnswer> {
    Ok(Data(super::create(&app, auth.caller.user_id, body.draft()?).await?.into()))
}

/// Changes an application; what is absent stays. `clientType` is ignored.
#[utoipa::path(post, path = "/applications/external/{appId}/update", tag = "Applications", request_body = AppBody,
    params(("appId" = String, Path, description = "The app.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<AppAnswer>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
    Body(body): Body<AppBody>,
) -> Reply<AppAnswer> {
    Ok(Data(super::update(&app, auth.caller.user_id, &app_id, body.draft()?).await?.into()))
}

/// How long the old secret stays valid.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OverlapBody {
    /// In seconds; absent: not at all.
    overlap_seconds: i64,
}

/// A new client secret, shown once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSecret {
    app_id: String,
    client_id: String,
    client_secret: String,
}

/// Makes a new client secret. The old one ends at once, or after the overlap.
#[utoipa::path(post, path = "/applications/external/{appId}/regenerate-secret", tag = "Applications", request_body = OverlapBody,
    params(("appId" = String, Path, description = "The app.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<NewSecret>)))]
async fn regenerate_secret(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
    Body(body): Body<OverlapBody>,
) -> Reply<NewSecret> {
    let overlap_ms = apps::checked_overlap(&app, body.overlap_seconds)?;
    let made = apps::regenerate_secret(&app, auth.caller.user_id, &app_id, overlap_ms).await?;
    Ok(Data(NewSecret { app_id: made.app_id, client_id: made.client_id, client_secret: made.client_secret }))
}

/// Deletes an application: its tokens stop working at once.
#[utoipa::path(post, path = "/applications/external/{appId}/delete", tag = "Applications",
    params(("appId" = String, Path, description = "The app.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Option<String>>)))]
async fn delete(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
) -> Reply<Option<String>> {
    apps::delete(&app, auth.caller.user_id, &app_id).await?;
    Ok(Data(None))
}

/// Asks for a place in the public catalogue. Every field is optional; what is absent stays.
#[utoipa::path(post, path = "/applications/external/{appId}/apply-listing", tag = "Applications", request_body = Listing,
    params(("appId" = String, Path, description = "The app.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<AppAnswer>)))]
async fn apply_listing(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
    Body(body): Body<Listing>,
) -> Reply<AppAnswer> {
    let owner = auth.caller.user_id;
    apps::apply_listing(&app, owner, &app_id, &body).await?;
    Ok(Data(super::details(&app, owner, &app_id).await?.into()))
}
