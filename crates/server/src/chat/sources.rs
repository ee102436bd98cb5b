//! The manifest of an answer: which memories were in its prompt. `GET chat/messages/{messageId}/sources` (ours).

use axum::extract::State;
use secondme_kit::clock::iso;
use secondme_store::{Sql, Store, StoreError, Tx, params, sql};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::calls::{self, Made};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::envelope::Envelope;
use crate::http::{Data, Path, Reply};
use crate::memory::retrieval::Hit;

/// The routes of sources, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sources))
}

/// The memories that were in the prompt of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerSources {
    message_id: String,
    sources: Vec<Source>,
    /// What the avatar called for this answer, in order.
    tool_calls: Vec<ToolCallRow>,
}

/// A call to an app.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolCallRow {
    skill_key: String,
    /// The action.
    action: String,
    /// The parameters that the model filled in, as JSON.
    arguments: String,
    /// What the model read of the answer.
    result: String,
    failed: bool,
    /// ISO 8601, UTC.
    called_at: String,
}

impl From<Made> for ToolCallRow {
    fn from(made: Made) -> Self {
        Self {
            skill_key: made.skill_key,
            action: made.action,
            arguments: made.arguments,
            result: made.result,
            failed: made.failed,
            called_at: iso(made.at),
        }
    }
}

/// One memory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The id in the index at that time.
    pub memory_id: i64,
    /// `message`, `note`, `note_part`, `event`, `key_memory` or `post`.
    pub kind: String,
    /// The id of that message, note, event, key memory or post.
    pub item_id: String,
    /// What it says now; `null` when it has been deleted.
    pub text: Option<String>,
    /// Who said it.
    pub speaker: Option<String>,
    /// The session, note or page it belongs to.
    pub conversation: Option<String>,
    /// ISO 8601, UTC.
    pub happened_at: Option<String>,
    /// Whether it has been rewritten or deleted since.
    pub changed: bool,
}

/// The memories that an answer of the caller's avatar had in its prompt, the best match first: an answer to the caller, or to a
/// visitor of one of their avatars. Answers without any, and what others said, have none.
#[utoipa::path(get, path = "/secondme/chat/messages/{messageId}/sources", tag = "Chat",
    params(("messageId" = String, Path, description = "`msg_…`, from `chat/session/messages`, or `vmsg_…`, from the conversations of visitors.")),
    security(("token" = ["chat.read"])), responses((status = 200, body = Envelope<AnswerSources>)))]
async fn sources(
    State(app): State<App>,
    auth: Auth<permissions::ChatRead>,
    Path(message_id): Path<String>,
) -> Reply<AnswerSources> {
    let sources = list(app.store(), auth.caller.user_id, &message_id).await?;
    let mut tx = app.store().read().await?;
    let tool_calls = calls::list(&mut tx, auth.caller.user_id, &message_id).await?;
    let tool_calls = tool_calls.into_iter().map(ToolCallRow::from).collect();
    Ok(Data(AnswerSources { message_id, sources, tool_calls }))
}

/// Stores the manifest of a message, in the transaction that stores the message.
///
/// # Errors
/// Storage failures only.
pub(super) async fn put(
    tx: &mut Tx,
    user_id: i64,
    message_id: &str,
    hits: &[Hit],
) -> std::result::Result<(), StoreError> {
    let sql = sql!(
        "INSERT INTO chat_sources (message_id, position, user_id, entry_id, kind, item_id)
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    write(tx, sql, user_id, message_id, hits).await
}

/// The same for an answer to a visitor; `user_id` is the owner of the avatar, who alone may see it.
///
/// # Errors
/// Storage failures only.
pub async fn put_of_visitor(
    tx: &mut Tx,
    user_id: i64,
    message_id: &str,
    hits: &[Hit],
) -> std::result::Result<(), StoreError> {
    let sql = sql!(
        "INSERT INTO visitor_sources (message_id, position, user_id, entry_id, kind, item_id)
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    write(tx, sql, user_id, message_id, hits).await
}

async fn write(
    tx: &mut Tx,
    sql: Sql,
    user_id: i64,
    message_id: &str,
    hits: &[Hit],
) -> std::result::Result<(), StoreError> {
    for (position, hit) in (0i64..).zip(hits) {
        let (kind, item_id) = (hit.kind.as_str(), &hit.item_id);
        tx.run(sql, params![message_id, position, user_id, hit.entry_id, kind, item_id]).await?;
    }
    Ok(())
}

/// The manifest of a message.
///
/// # Errors
/// `resource.fetch.not_found` when the message is not there or not the user's.
pub async fn list(store: &Store, user_id: i64, message_id: &str) -> Result<Vec<Source>> {
    let mut tx = store.read().await?;
    let known = tx
        .opt(
            sql!(
                "SELECT message_id FROM chat_messages WHERE user_id = $1 AND message_id = $2
                 UNION ALL SELECT message_id FROM visitor_messages WHERE user_id = $1 AND message_id = $2"
            ),
            params![user_id, message_id],
        )
        .await?;
    if known.is_none() {
        return Err(ApiError::new(Code::NotFound).arg("message"));
    }
    let rows = tx
        .all(
            sql!(
                "SELECT s.entry_id, s.kind, s.item_id, e.id AS now_id, e.content, e.speaker, e.conversation, e.happened_at
                 FROM (SELECT * FROM chat_sources WHERE user_id = $1 AND message_id = $2
                       UNION ALL SELECT * FROM visitor_sources WHERE user_id = $1 AND message_id = $2) s
                 LEFT JOIN memory_entries e ON e.user_id = s.user_id AND e.kind = s.kind AND e.item_id = s.item_id
                 ORDER BY s.position"
            ),
            params![user_id, message_id],
        )
        .await?;
    let source = |row: &secondme_store::Row| -> std::result::Result<Source, StoreError> {
        let (memory_id, now_id): (i64, Option<i64>) = (row.get("entry_id")?, row.get("now_id")?);
        Ok(Source {
            memory_id,
            kind: row.get("kind")?,
            item_id: row.get("item_id")?,
            text: row.get("content")?,
            speaker: row.get("speaker")?,
            conversation: row.get("conversation")?,
            happened_at: row.get::<Option<i64>>("happened_at")?.map(iso),
            changed: now_id != Some(memory_id),
        })
    };
    Ok(rows.iter().map(source).collect::<std::result::Result<_, _>>()?)
}
