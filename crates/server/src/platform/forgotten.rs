//! Proof of what was forgotten: the receipts of a user who ended an app's access and had its contributions deleted. Ours.

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Data, Reply};
use crate::memory::forgetting::{self, Receipt};
use crate::oauth::authorizations::owner::Owner;

/// The route, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(receipts))
}

/// What was forgotten, and what is being forgotten.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgetReceipts {
    list: Vec<ForgetReceipt>,
    total: usize,
}

/// What was deleted of an app's contributions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgetReceipt {
    /// From `authorizations/{appId}/revoke`.
    receipt_id: String,
    app_id: String,
    requested_at: String,
    /// `null` while it goes on.
    finished_at: Option<String>,
    /// Agent-memory events that were deleted.
    events: i64,
    /// Notes that were deleted.
    notes: i64,
    /// Key memories that were deleted: nobody but this app had said them.
    key_memories: i64,
    /// Key memories that others said too: they stay without the app among their sources.
    kept_key_memories: i64,
}

impl From<Receipt> for ForgetReceipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            receipt_id: receipt.id,
            app_id: receipt.app_id,
            requested_at: iso(receipt.requested_at),
            finished_at: receipt.finished_at.map(iso),
            events: receipt.counts.events,
            notes: receipt.counts.notes,
            key_memories: receipt.counts.key_memories,
            kept_key_memories: receipt.counts.kept_key_memories,
        }
    }
}

/// What the caller had forgotten of ended apps, the newest first.
#[utoipa::path(get, path = "/authorizations/forgotten", tag = "Authorizations",
    security(("token" = [])), responses((status = 200, body = Envelope<ForgetReceipts>)))]
async fn receipts(State(app): State<App>, owner: Owner) -> Reply<ForgetReceipts> {
    let list: Vec<_> = forgetting::receipts(&app, owner.user_id).await?.into_iter().map(ForgetReceipt::from).collect();
    Ok(Data(ForgetReceipts { total: list.len(), list }))
}
