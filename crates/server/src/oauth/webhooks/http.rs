//! The developer's view of deliveries: the log, send again, a test delivery, a new signing secret. Rows 21 of the contract, and ours.

use axum::extract::State;
use secondme_kit::clock::iso;
use secondme_kit::{Page, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Event, LoggedAttempt, REVOKED, sign};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::Result;
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};
use crate::oauth::apps;

/// The routes of deliveries, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(delivery))
        .routes(routes!(resend))
        .routes(routes!(rotate))
}

/// What a test delivery uses in place of the saved settings.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestBody {
    webhook_url: Option<String>,
    webhook_secret: Option<String>,
}

/// How a test delivery went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// `evt_test_…`.
    event_id: String,
    event_type: &'static str,
    occurred_at: String,
    webhook_url: String,
    /// Whether the receiver answered with a 2xx.
    success: bool,
    status_code: Option<i64>,
    /// The beginning of the answer.
    response_body: Option<String>,
    error_message: Option<String>,
    duration_ms: i64,
    /// Exactly what was delivered.
    #[schema(value_type = Object)]
    payload: Value,
}

/// Sends a test event at once: `appScopedUserId` is `asu_test_delivery`, `reason` is `test_delivery`. No authorization is touched.
#[utoipa::path(post, path = "/applications/external/{appId}/test-revocation-webhook", tag = "Applications",
    params(("appId" = String, Path, description = "The app.")), request_body = TestBody,
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<TestResult>)))]
async fn test(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
    Body(body): Body<TestBody>,
) -> Reply<TestResult> {
    apps::owned(app.store(), auth.caller.user_id, &app_id).await?;
    let secret = body.webhook_secret.filter(|secret| !secret.is_empty()).map(Secret::new);
    let tested = super::test(&app, &app_id, body.webhook_url.as_deref(), secret.as_ref()).await?;
    let status = tested.attempt.status();
    Ok(Data(TestResult {
        event_id: tested.event_id,
        event_type: REVOKED,
        occurred_at: iso(tested.at),
        webhook_url: tested.attempt.url.clone(),
        success: status.is_some_and(|status| (200..300).contains(&status)),
        status_code: status,
        response_body: status.map(|_| tested.attempt.response()),
        error_message: Some(tested.attempt.error()).filter(|text| !text.is_empty()),
        duration_ms: tested.attempt.duration_ms,
        payload: tested.payload,
    }))
}

/// Which page of the log.
#[derive(Debug, Default, Deserialize)]
struct PageQuery {
    #[serde(default, deserialize_with = "lenient", alias = "pageNo")]
    page: Option<i64>,
    #[serde(default, deserialize_with = "lenient", alias = "pageSize")]
    page_size: Option<i64>,
}

/// The events of an app, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deliveries {
    list: Vec<Delivery>,
    total: i64,
    page: i64,
    page_size: i64,
}

/// An event with its fate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    event_id: String,
    event_type: String,
    /// Whether it was a test delivery.
    test: bool,
    /// `pending`, `delivered` or `failed`.
    status: String,
    /// How often it was tried.
    attempts: u32,
    occurred_at: String,
    /// When it is tried next, while it is pending.
    next_attempt_at: Option<String>,
    /// What is delivered.
    #[schema(value_type = Object)]
    payload: Value,
}

impl From<Event> for Delivery {
    fn from(event: Event) -> Self {
        let pending = event.state == "pending";
        Self {
            payload: serde_json::from_str(&event.payload).unwrap_or_default(),
            event_id: event.event_id,
            event_type: event.event_type,
            test: event.test,
            status: event.state,
            attempts: event.attempts,
            occurred_at: iso(event.created_at),
            next_attempt_at: pending.then(|| iso(event.next_at)),
        }
    }
}

/// The delivery log of an app.
#[utoipa::path(get, path = "/applications/external/{appId}/webhook-deliveries", tag = "Applications",
    params(("appId" = String, Path, description = "The app."), ("page" = Option<i64>, Query, description = "From 1."),
        ("page_size" = Option<i64>, Query, description = "At most 100; 20 by default.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Deliveries>)))]
async fn deliveries(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Reply<Deliveries> {
    apps::owned(app.store(), auth.caller.user_id, &app_id).await?;
    let page = Page::new(query.page, query.page_size, 20);
    let (events, total) = super::events(app.store(), &app_id, page.size, page.offset()).await?;
    let list = events.into_iter().map(Delivery::from).collect();
    Ok(Data(Deliveries { list, total, page: page.number, page_size: page.size }))
}

/// Every attempt of an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempts {
    event_id: String,
    list: Vec<AttemptRow>,
}

/// One attempt: what was sent, what was answered, how long it took.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRow {
    attempt: u32,
    attempted_at: String,
    url: String,
    /// What was sent above the body.
    #[schema(value_type = Object)]
    request_headers: Value,
    status_code: Option<i64>,
    /// The beginning of the answer.
    response_body: String,
    /// What went wrong on the way; empty when there was an answer.
    error_message: String,
    duration_ms: i64,
}

impl From<LoggedAttempt> for AttemptRow {
    fn from(logged: LoggedAttempt) -> Self {
        Self {
            attempt: logged.attempt,
            attempted_at: iso(logged.at),
            url: logged.url,
            request_headers: serde_json::from_str(&logged.headers).unwrap_or_default(),
            status_code: logged.status,
            response_body: logged.response,
            error_message: logged.error,
            duration_ms: logged.duration_ms,
        }
    }
}

/// The attempts of one event, in order. An unknown event has none.
#[utoipa::path(get, path = "/applications/external/{appId}/webhook-deliveries/{eventId}", tag = "Applications",
    params(("appId" = String, Path, description = "The app."), ("eventId" = String, Path, description = "The event.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Attempts>)))]
async fn delivery(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path((app_id, event_id)): Path<(String, String)>,
) -> Reply<Attempts> {
    apps::owned(app.store(), auth.caller.user_id, &app_id).await?;
    let attempts = super::attempts(app.store(), &app_id, &event_id).await?;
    Ok(Data(Attempts { event_id, list: attempts.into_iter().map(AttemptRow::from).collect() }))
}

/// Sends an event again, at once, with all its attempts anew and under the same id.
#[utoipa::path(post, path = "/applications/external/{appId}/webhook-deliveries/{eventId}/resend", tag = "Applications",
    params(("appId" = String, Path, description = "The app."), ("eventId" = String, Path, description = "The event.")),
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Option<String>>)))]
async fn resend(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path((app_id, event_id)): Path<(String, String)>,
) -> Reply<Option<String>> {
    apps::owned(app.store(), auth.caller.user_id, &app_id).await?;
    super::send_again(&app, &app_id, &event_id).await?;
    Ok(Data(None))
}

/// How long the old secret goes on signing beside the new one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateBody {
    /// In seconds; absent: `webhooks.secret_overlap_seconds`.
    overlap_seconds: Option<i64>,
}

/// A new signing secret, shown once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    authorization_revoked_webhook_secret: String,
    /// The same secret as Standard Webhooks libraries take it.
    authorization_revoked_webhook_standard_secret: String,
}

/// Makes a new signing secret. Until the overlap ends, deliveries carry signatures of both.
#[utoipa::path(post, path = "/applications/external/{appId}/rotate-webhook-secret", tag = "Applications",
    params(("appId" = String, Path, description = "The app.")), request_body = RotateBody,
    security(("token" = ["developer"])), responses((status = 200, body = Envelope<Rotated>)))]
async fn rotate(
    State(app): State<App>,
    auth: Auth<permissions::Developer>,
    Path(app_id): Path<String>,
    Body(body): Body<RotateBody>,
) -> Reply<Rotated> {
    apps::owned(app.store(), auth.caller.user_id, &app_id).await?;
    let overlap_ms = overlap_ms(&app, body.overlap_seconds)?;
    let secret = super::rotate_secret(&app, &app_id, overlap_ms).await?;
    Ok(Data(Rotated {
        authorization_revoked_webhook_standard_secret: sign::standard_form(&secret).expose().to_owned(),
        authorization_revoked_webhook_secret: secret.expose().to_owned(),
    }))
}

fn overlap_ms(app: &App, seconds: Option<i64>) -> Result<i64> {
    let seconds = seconds.unwrap_or(app.config().webhooks.secret_overlap_seconds);
    apps::checked_overlap(app, seconds)
}
