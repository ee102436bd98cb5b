//! `memory/key`, `memory/key/search`, `memory/key/{id}/update`, `memory/key/{id}/delete` (contract 8).

use axum::extract::State;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::KeyMemory;
use crate::access::{Auth, Caller, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};

/// The routes of key memories, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(insert)).routes(routes!(search)).routes(routes!(update)).routes(routes!(delete))
}

/// A memory to insert. `mode` is accepted for older clients: `extract` inserts `content` as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct InsertMemory {
    /// At most 5000 characters.
    pub(crate) content: Option<String>,
    /// 1: the owner's avatars may tell visitors. Default 0: the owner alone.
    #[serde(deserialize_with = "lenient")]
    #[schema(value_type = Option<i64>)]
    pub(crate) visibility: Option<i64>,
}

/// Inserts a key memory. The same words again change nothing.
#[utoipa::path(post, path = "/secondme/memory/key", tag = "Memory", request_body = InsertMemory,
    security(("token" = ["memory.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn insert(
    State(app): State<App>,
    auth: Auth<permissions::MemoryWrite>,
    Body(body): Body<InsertMemory>,
) -> Reply<Map<String, Value>> {
    super::insert(&app, &auth.caller, &body.content.unwrap_or_default(), body.visibility).await?;
    Ok(Data(Map::new()))
}

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words that must all appear; absent: everything. Also `query`.
    #[serde(alias = "query", default)]
    pub(super) keyword: String,
    /// From 1. Also `page`.
    #[serde(alias = "page", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    pub(super) page_no: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    pub(super) page_size: Option<i64>,
}

impl SearchQuery {
    pub(super) fn page(&self) -> Page {
        Page::new(self.page_no, self.page_size, 20)
    }
}

/// A page of key memories.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemoryList {
    list: Vec<MemoryRow>,
    total: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MemoryRow {
    id: i64,
    /// Whom it is about.
    fact_actor: String,
    /// What it is about.
    fact_object: String,
    fact_content: String,
    create_time: i64,
    update_time: i64,
    /// 1: the owner's avatars may tell visitors; 0: the owner alone.
    visibility: i64,
    user_id: i64,
    /// `MANUAL`, `CHAT`, `NOTE` or `EVENT`.
    data_type: String,
    /// `FACT`, `STYLE` or `RELATION`.
    memory_kind: String,
    /// `UNREAD` or `READ`.
    read_status: String,
    /// `ACTIVE` or `SUPERSEDED`.
    memory_state: String,
    /// From 0 to 1 (ours).
    confidence: f64,
    /// Since when it is true, in milliseconds (ours).
    valid_from: i64,
    /// Until when it was true (ours).
    valid_until: Option<i64>,
    /// The memory that took its place (ours).
    superseded_by: Option<i64>,
}

impl MemoryRow {
    fn new(user_id: i64, m: KeyMemory) -> Self {
        Self {
            id: m.id,
            fact_actor: m.actor,
            fact_object: m.object,
            fact_content: m.content,
            create_time: m.created_at,
            update_time: m.updated_at,
            visibility: m.visibility,
            user_id,
            data_type: m.data_type,
            memory_kind: m.kind,
            read_status: m.read_status,
            memory_state: m.state,
            confidence: m.confidence,
            valid_from: m.valid_from,
            valid_until: m.valid_until,
            superseded_by: m.superseded_by,
        }
    }
}

/// The caller's key memories, the last changed first.
#[utoipa::path(get, path = "/secondme/memory/key/search", tag = "Memory", params(SearchQuery),
    security(("token" = ["memory.read"])), responses((status = 200, body = Envelope<MemoryList>)))]
async fn search(
    State(app): State<App>,
    auth: Auth<permissions::MemoryRead>,
    Query(query): Query<SearchQuery>,
) -> Reply<MemoryList> {
    page(&app, &auth.caller, &query).await.map(Data)
}

/// The same for whoever has a token of another kind.
pub(crate) async fn page(app: &App, caller: &Caller, query: &SearchQuery) -> Result<MemoryList> {
    let (memories, total) = super::search(app, caller, &query.keyword, query.page()).await?;
    let list = memories.into_iter().map(|m| MemoryRow::new(caller.user_id, m)).collect();
    Ok(MemoryList { list, total })
}

/// What to change; absent fields stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdateMemory {
    pub(crate) content: Option<String>,
    #[serde(deserialize_with = "lenient")]
    #[schema(value_type = Option<i64>)]
    pub(crate) visibility: Option<i64>,
}

/// An id in a path; what is not a number is nobody's memory.
fn id_of(text: &str) -> Result<i64> {
    text.parse().map_err(|_| ApiError::new(Code::MemoryNotFound))
}

/// Changes a key memory.
#[utoipa::path(post, path = "/secondme/memory/key/{memoryId}/update", tag = "Memory", request_body = UpdateMemory,
    params(("memoryId" = i64, Path)),
    security(("token" = ["memory.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::MemoryWrite>,
    Path(id): Path<String>,
    Body(body): Body<UpdateMemory>,
) -> Reply<Value> {
    super::update(&app, auth.caller.user_id, id_of(&id)?, body.content.as_deref(), body.visibility).await?;
    Ok(Data(Value::Null))
}

/// Deletes a key memory.
#[utoipa::path(post, path = "/secondme/memory/key/{memoryId}/delete", tag = "Memory",
    params(("memoryId" = i64, Path)),
    security(("token" = ["memory.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn delete(State(app): State<App>, auth: Auth<permissions::MemoryWrite>, Path(id): Path<String>) -> Reply<Value> {
    super::delete(&app, auth.caller.user_id, id_of(&id)?).await?;
    Ok(Data(Value::Null))
}
