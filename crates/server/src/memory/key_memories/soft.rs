//! `GET user/softmemory` (contract 7.3): key memories as older clients knew them.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::KeyMemory;
use super::http::SearchQuery;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Data, Query, Reply};

/// The routes of soft memory, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A page of soft memories.
#[derive(Debug, Serialize, ToSchema)]
pub struct SoftMemoryList {
    list: Vec<SoftMemory>,
    total: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SoftMemory {
    id: i64,
    /// What it is about.
    fact_object: String,
    fact_content: String,
    /// The same text again, for the Python SDK.
    content: String,
    create_time: i64,
    update_time: i64,
}

impl From<KeyMemory> for SoftMemory {
    fn from(m: KeyMemory) -> Self {
        Self {
            id: m.id,
            fact_object: m.object,
            content: m.content.clone(),
            fact_content: m.content,
            create_time: m.created_at,
            update_time: m.updated_at,
        }
    }
}

/// The caller's key memories in the older form; `memory/key/search` is the newer route.
#[utoipa::path(get, path = "/secondme/user/softmemory", tag = "Memory", params(SearchQuery),
    security(("token" = ["memory.read"])), responses((status = 200, body = Envelope<SoftMemoryList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::MemoryRead>,
    Query(query): Query<SearchQuery>,
) -> Reply<SoftMemoryList> {
    let (memories, total) = super::search(&app, &auth.caller, &query.keyword, query.page()).await?;
    Ok(Data(SoftMemoryList { list: memories.into_iter().map(SoftMemory::from).collect(), total }))
}
