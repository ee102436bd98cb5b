//! What a user decides about their memory: whether apps may write events, and in which time zone their days begin.

use axum::extract::State;
use jiff::tz::TimeZone;
use secondme_store::{Store, StoreError, Tx, params, sql};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes of settings, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change))
}

/// A user's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemorySettings {
    /// Whether apps may report events; off, they are refused with `agent.memory.write.disabled`.
    pub agent_memory_write: bool,
    /// Where the user's days begin and end: an IANA name such as `Europe/Lisbon`.
    pub time_zone: String,
}

/// What to change; absent fields stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeSettings {
    #[serde(alias = "agent_memory_write")]
    agent_memory_write: Option<bool>,
    /// An IANA name; `""` goes back to the server's.
    #[serde(alias = "time_zone")]
    time_zone: Option<String>,
}

impl ChangeSettings {
    /// Whether apps may report events.
    pub fn writes(on: bool) -> Self {
        Self { agent_memory_write: Some(on), time_zone: None }
    }

    /// Where days begin and end; empty: as the server's.
    pub fn zone(name: String) -> Self {
        Self { agent_memory_write: None, time_zone: Some(name) }
    }
}

/// What the caller decided about their memory (ours).
#[utoipa::path(get, path = "/secondme/memory/settings", tag = "Memory",
    security(("token" = ["memory.read"])), responses((status = 200, body = Envelope<MemorySettings>)))]
async fn show(State(app): State<App>, auth: Auth<permissions::MemoryRead>) -> Reply<MemorySettings> {
    Ok(Data(get(&app, auth.caller.user_id).await?))
}

/// Changes what the caller decided about their memory (ours).
#[utoipa::path(post, path = "/secondme/memory/settings", tag = "Memory", request_body = ChangeSettings,
    security(("token" = ["memory.write"])), responses((status = 200, body = Envelope<MemorySettings>)))]
async fn change(
    State(app): State<App>,
    auth: Auth<permissions::MemoryWrite>,
    Body(body): Body<ChangeSettings>,
) -> Reply<MemorySettings> {
    put(&app, auth.caller.user_id, &body).await?;
    Ok(Data(get(&app, auth.caller.user_id).await?))
}

/// A user's settings, with the server's defaults filled in.
///
/// # Errors
/// Storage failures only.
pub async fn get(app: &App, user_id: i64) -> Result<MemorySettings> {
    let (agent_memory_write, mut time_zone) = read(app.store(), user_id).await?.unwrap_or((true, String::new()));
    if time_zone.is_empty() {
        time_zone.clone_from(&app.config().memory.time_zone);
    }
    Ok(MemorySettings { agent_memory_write, time_zone })
}

/// The user's time zone; UTC when the name means nothing here.
///
/// # Errors
/// Storage failures only.
pub async fn zone(app: &App, user_id: i64) -> Result<TimeZone> {
    Ok(TimeZone::get(&get(app, user_id).await?.time_zone).unwrap_or(TimeZone::UTC))
}

/// Changes a user's settings.
///
/// # Errors
/// `invalid.param` for a time zone that means nothing.
pub async fn put(app: &App, user_id: i64, change: &ChangeSettings) -> Result<()> {
    if let Some(zone) = change.time_zone.as_deref().filter(|zone| !zone.is_empty()) {
        TimeZone::get(zone).map_err(|_| {
            ApiError::invalid(
                "timeZone",
                &Problem::Expected("an IANA time zone such as Europe/Lisbon", " IANA 时区名称"),
            )
        })?;
    }
    let mut tx = app.store().write().await?;
    // On PostgreSQL a parameter that is only tested for null needs a type.
    let sql = sql!(
        "INSERT INTO memory_settings (user_id, event_writes, time_zone, updated_at)
         VALUES ($1, COALESCE(CAST($2 AS BOOLEAN), TRUE), COALESCE(CAST($3 AS TEXT), ''), $4)
         ON CONFLICT (user_id) DO UPDATE SET event_writes = COALESCE(CAST($2 AS BOOLEAN), memory_settings.event_writes),
            time_zone = COALESCE(CAST($3 AS TEXT), memory_settings.time_zone), updated_at = $4"
    );
    tx.run(sql, params![user_id, change.agent_memory_write, &change.time_zone, app.now()]).await?;
    tx.commit().await?;
    Ok(())
}

async fn read(store: &Store, user_id: i64) -> std::result::Result<Option<(bool, String)>, StoreError> {
    let sql = sql!("SELECT event_writes, time_zone FROM memory_settings WHERE user_id = $1");
    let row = store.opt(sql, params![user_id]).await?;
    row.map(|row| Ok((row.get("event_writes")?, row.get("time_zone")?))).transpose()
}

/// Whether apps may report events about the user now.
pub(super) async fn may_write(tx: &mut Tx, user_id: i64) -> std::result::Result<bool, StoreError> {
    let sql = sql!("SELECT event_writes FROM memory_settings WHERE user_id = $1");
    tx.opt(sql, params![user_id]).await?.map_or(Ok(true), |row| row.get("event_writes"))
}
