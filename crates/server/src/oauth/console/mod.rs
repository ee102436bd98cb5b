//! The developer's side (contract 4.2–4.8): applications together with their webhooks, in one transaction.

pub mod http;
pub mod tokens;

use secondme_kit::{Page, Secret};

use super::apps::{self, Application, ClientType, Credentials, Listing, NewApplication};
use super::webhooks::{self, Event, Settings};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};

/// What a developer sends; in a change, what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Name, description, redirect URIs, scopes, listing.
    pub app: apps::Change,
    /// Whether it can keep a secret; only when it is made.
    pub client_type: ClientType,
    /// Where it wants its events.
    pub webhook: webhooks::Change,
}

/// What was made, with the secrets that are shown now and never again.
#[derive(Debug)]
pub struct Saved {
    /// The application.
    pub details: Details,
    /// The client secret; none for public clients and changes.
    pub client_secret: Option<String>,
    /// The signing secret, when this call set or made it.
    pub webhook_secret: Option<Secret>,
}

/// An application with its webhook.
#[derive(Debug)]
pub struct Details {
    /// The application.
    pub app: Application,
    /// Where it wants its events.
    pub webhook: Option<Settings>,
    /// The last of them.
    pub recent: Option<Event>,
}

/// Registers an application of a developer.
///
/// # Errors
/// What [`apps::create`] and [`webhooks::configure_in`] refuse; nothing is made then.
pub async fn create(app: &App, owner: i64, draft: Draft) -> Result<Saved> {
    let missing = |field| ApiError::invalid(field, &Problem::Required);
    let change = draft.app;
    let new = NewApplication {
        owner: Some(owner),
        name: &change.name.ok_or_else(|| missing("appName"))?,
        description: &change.description.unwrap_or_default(),
        redirect_uris: &change.redirect_uris.ok_or_else(|| missing("redirectUris"))?,
        allowed: change.allowed.unwrap_or_default(),
        client_type: draft.client_type,
    };
    let mut tx = app.store().write().await?;
    let Credentials { app_id, client_secret, .. } = apps::create_in(app, &mut tx, &new).await?;
    if change.listing != Listing::default() {
        let listing = apps::Change { listing: change.listing, ..apps::Change::default() };
        apps::update_in(app, &mut tx, owner, &app_id, &listing).await?;
    }
    let webhook_secret = webhooks::configure_in(app, &mut tx, &app_id, &draft.webhook).await?;
    tx.commit().await?;
    let confidential = draft.client_type == ClientType::Confidential;
    let details = details(app, owner, &app_id).await?;
    Ok(Saved { details, client_secret: confidential.then_some(client_secret), webhook_secret })
}

/// Changes an application of a developer.
///
/// # Errors
/// What [`apps::update_in`] and [`webhooks::configure_in`] refuse; nothing is changed then.
pub async fn update(app: &App, owner: i64, app_id: &str, draft: Draft) -> Result<Saved> {
    let mut tx = app.store().write().await?;
    apps::update_in(app, &mut tx, owner, app_id, &draft.app).await?;
    let webhook_secret = webhooks::configure_in(app, &mut tx, app_id, &draft.webhook).await?;
    tx.commit().await?;
    Ok(Saved { details: details(app, owner, app_id).await?, client_secret: None, webhook_secret })
}

/// An application of a developer, with its webhook and the last event of it.
///
/// # Errors
/// As [`apps::owned`].
pub async fn details(app: &App, owner: i64, app_id: &str) -> Result<Details> {
    with_webhook(app, apps::owned(app.store(), owner, app_id).await?).await
}

/// A page of a developer's applications, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, owner: i64, page: Page) -> Result<(Vec<Details>, i64)> {
    let (found, total) = apps::of_owner(app.store(), owner, page).await?;
    let mut list = Vec::with_capacity(found.len());
    for found in found {
        list.push(with_webhook(app, found).await?);
    }
    Ok((list, total))
}

async fn with_webhook(app: &App, found: Application) -> Result<Details> {
    let webhook = webhooks::settings(app.store(), &found.app_id).await?;
    let (recent, _) = webhooks::events(app.store(), &found.app_id, 1, 0).await?;
    Ok(Details { app: found, webhook, recent: recent.into_iter().next() })
}
