//! `POST agent_memory/ingest`, `GET agent_memory/list` (contract 14.1, 14.2).

use axum::extract::State;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Event, Outcome};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Query, Reply};

/// The routes of agent memory, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ingest)).routes(routes!(list))
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// 0 when the event was there already.
    event_id: i64,
    is_duplicate: bool,
}

/// What became of the body: one receipt, or one for each entry of an array.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Receipts {
    /// Of a single event.
    One(Receipt),
    /// Of an array, in its order.
    Many(Vec<Receipt>),
}

impl From<Outcome> for Receipt {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stored(event_id) => Self { event_id, is_duplicate: false },
            Outcome::Duplicate => Self { event_id: 0, is_duplicate: true },
        }
    }
}

impl Receipts {
    fn new(outcomes: Vec<Outcome>, many: bool) -> Self {
        let mut receipts: Vec<Receipt> = outcomes.into_iter().map(Receipt::from).collect();
        match receipts.pop() {
            Some(only) if !many => Self::One(only),
            last => {
                receipts.extend(last);
                Self::Many(receipts)
            }
        }
    }
}

/// The documented fields of an event; also in camelCase. Others are kept as they come.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the shape of the documentation; bodies are read field by field, in both spellings")]
struct EventBody {
    channel: Channel,
    /// What happened: an open vocabulary, such as `post_created` or `reply`.
    action: String,
    /// Evidence, at least one.
    refs: Vec<Ref>,
    /// What the timeline shows; made from label and evidence when absent.
    display_text: Option<String>,
    action_label: Option<String>,
    /// 0.0 to 1.0; from 0.7 on important.
    importance: Option<f64>,
    /// Anything; `jumpUrl` links back from the timeline, `tags` are labels.
    payload: Option<Value>,
    /// Milliseconds; the server's time when absent.
    event_time: Option<i64>,
    event_desc: Option<String>,
    /// Two events of an app with the same key are the same event. Made from the first ref when absent.
    idempotency_key: Option<String>,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the shape of the documentation")]
struct Channel {
    kind: String,
    id: Option<String>,
    url: Option<String>,
    /// Filled in from the app.
    platform: Option<String>,
    meta: Option<Value>,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the shape of the documentation")]
struct Ref {
    object_type: String,
    object_id: String,
    /// Default `external_action`.
    r#type: Option<String>,
    platform: Option<String>,
    url: Option<String>,
    content_preview: Option<String>,
    snapshot: Option<Snapshot>,
}

#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the shape of the documentation")]
struct Snapshot {
    text: String,
    captured_at: Option<i64>,
    hash: Option<String>,
}

/// Reports what the user did, once: an equal event is a success with `eventId` 0. An array of events is answered with an array;
/// all of them are stored or, when one is malformed, none.
#[utoipa::path(post, path = "/secondme/agent_memory/ingest", tag = "Agent memory", request_body = inline(EventBody),
    security(("token" = ["agent_memory"])), responses((status = 200, body = Envelope<Receipts>)))]
async fn ingest(
    State(app): State<App>,
    auth: Auth<permissions::AgentMemory>,
    Body(body): Body<Value>,
) -> Reply<Receipts> {
    let (events, many) = super::parse(body, &auth.caller, &app.config().memory, app.now())?;
    let outcomes = super::ingest(&app, &auth.caller, &events).await?;
    Ok(Data(Receipts::new(outcomes, many)))
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// From 1. Also `page`.
    #[serde(alias = "page", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_no: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
    /// Only events of this platform (an app's Client ID).
    platform: Option<String>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventList {
    /// Every field as it was reported, in camelCase, with `eventId` and `userId`.
    #[schema(value_type = Vec<Value>)]
    items: Vec<Map<String, Value>>,
    total: i64,
    page_no: i64,
    page_size: i64,
    has_more: bool,
}

fn item(user_id: i64, event: Event) -> Map<String, Value> {
    let mut item = Map::new();
    item.insert("eventId".to_owned(), event.id.into());
    item.insert("userId".to_owned(), user_id.into());
    item.insert("eventTime".to_owned(), event.event_time.into());
    item.insert("action".to_owned(), event.action.into());
    item.insert("actionLabel".to_owned(), event.action_label.into());
    item.insert("displayText".to_owned(), event.display_text.into());
    item.insert("importance".to_owned(), event.importance.into());
    item.insert("platform".to_owned(), event.platform.into());
    for (name, value) in event.body {
        item.entry(name).or_insert(value);
    }
    item
}

/// The events that were reported about the caller, newest first: an app sees its own, the user's own tools see all.
#[utoipa::path(get, path = "/secondme/agent_memory/list", tag = "Agent memory", params(ListQuery),
    security(("token" = ["agent_memory"])), responses((status = 200, body = Envelope<EventList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::AgentMemory>,
    Query(query): Query<ListQuery>,
) -> Reply<EventList> {
    let page = Page::new(query.page_no, query.page_size, 20);
    let (events, total) = super::list(&app, &auth.caller, query.platform.as_deref(), page).await?;
    let items = events.into_iter().map(|event| item(auth.caller.user_id, event)).collect();
    Ok(Data(EventList { items, total, page_no: page.number, page_size: page.size, has_more: page.has_more(total) }))
}
