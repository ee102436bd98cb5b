//! The tools. A caller is offered those that their token's scopes allow.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use secondme_kit::clock::iso;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::access::log::Action;
use crate::access::{Caller, Scope};
use crate::app::App;
use crate::chat::models::ModelName;
use crate::chat::whole::{self, Question};
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::memory::audience::Listener;
use crate::memory::index::Kind;
use crate::memory::notes::Material;
use crate::memory::retrieval::{self, Query};
use crate::memory::timeline::http::{DayQuery, overview};
use crate::memory::{events, notes};
use crate::users::profile;
use crate::users::profile::http::UserInfo;

/// One tool.
struct Row {
    name: &'static str,
    scope: Scope,
    action: Action,
    about: &'static str,
    schema: fn() -> Value,
}

const TOOLS: [Row; 7] = [
    Row {
        name: "get_profile",
        scope: Scope::UserInfo,
        action: Action::Read,
        about: "Who the user is: name, introduction, portrait, home page.",
        schema: || json!({"type": "object", "properties": {}}),
    },
    Row {
        name: "search_memory",
        scope: Scope::MemoryRead,
        action: Action::Read,
        about: "Finds what the user's second self remembers: facts, and, as far as the token may read them, notes, events and conversations.",
        schema: || {
            json!({"type": "object", "required": ["query"], "properties": {
                "query": {"type": "string", "description": "A question or words, in any language.", "maxLength": 2000},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}}})
        },
    },
    Row {
        name: "add_note",
        scope: Scope::NoteWrite,
        action: Action::Write,
        about: "Writes a note for the user: a text, or the addresses of pages whose text is to be kept.",
        schema: || {
            json!({"type": "object", "properties": {
                "content": {"type": "string"}, "title": {"type": "string", "maxLength": 200},
                "urls": {"type": "array", "items": {"type": "string"}, "maxItems": 10}}})
        },
    },
    Row {
        name: "report_event",
        scope: Scope::AgentMemory,
        action: Action::Write,
        about: "Writes down something that the user did or that was done for them, for their timeline and memory.",
        schema: || {
            json!({"type": "object", "required": ["action", "text"], "properties": {
                "action": {"type": "string", "description": "What kind of thing, such as task_done.", "maxLength": 100},
                "text": {"type": "string", "description": "What happened, in a sentence.", "maxLength": 2000},
                "importance": {"type": "number", "minimum": 0, "maximum": 1},
                "id": {"type": "string", "description": "The same thing reported twice has the same id.", "maxLength": 200},
                "url": {"type": "string"}}})
        },
    },
    Row {
        name: "chat",
        scope: Scope::ChatWrite,
        action: Action::Write,
        about: "Says something to the user's avatar, which answers as the user would. Name the session of an earlier answer to go on with it.",
        schema: || {
            json!({"type": "object", "required": ["message"], "properties": {
                "message": {"type": "string"}, "sessionId": {"type": "string"},
                "model": {"type": "string", "enum": ["secondme/nano", "secondme/pro"]}}})
        },
    },
    Row {
        name: "act",
        scope: Scope::ChatWrite,
        action: Action::Write,
        about: "Asks the user's avatar for a judgement as JSON of the structure that actionControl describes.",
        schema: || {
            json!({"type": "object", "required": ["message", "actionControl"], "properties": {
                "message": {"type": "string", "description": "What is to be judged."},
                "actionControl": {"type": "string", "description": "The JSON structure in braces, the rules, and what to answer when unsure; 20 to 8000 characters."},
                "model": {"type": "string", "enum": ["secondme/nano", "secondme/pro"]}}})
        },
    },
    Row {
        name: "day_overview",
        scope: Scope::Activity,
        action: Action::Read,
        about: "What the user did on a day, by app.",
        schema: || {
            json!({"type": "object", "properties": {
                "date": {"type": "string", "description": "yyyy-MM-dd; today when absent."},
                "timeZone": {"type": "string", "description": "An IANA name."}}})
        },
    },
];

/// The scopes that tools need.
pub(super) fn scopes() -> Vec<&'static str> {
    let mut scopes: Vec<&str> = TOOLS.iter().map(|tool| tool.scope.name()).collect();
    scopes.dedup();
    scopes
}

/// The tools that a caller may call.
pub(super) fn offered(caller: &Caller) -> Vec<Tool> {
    let allowed = TOOLS.iter().filter(|row| caller.scopes().has(row.scope));
    let tool = |row: &Row| {
        let schema = (row.schema)().as_object().cloned().unwrap_or_default();
        let mut annotations = ToolAnnotations::default();
        annotations.read_only_hint = Some(row.action == Action::Read);
        annotations.destructive_hint = Some(false);
        Tool::new(row.name, row.about, Arc::new(schema)).with_annotations(annotations)
    };
    allowed.map(tool).collect()
}

/// Calls a tool; none when there is no such tool.
pub(super) async fn call(app: &App, caller: &Caller, name: &str, arguments: Value) -> Option<Result<Value>> {
    let row = TOOLS.iter().find(|row| row.name == name)?;
    if !caller.scopes().has(row.scope) {
        return Some(Err(ApiError::new(Code::ScopeInsufficient).arg(row.scope.name())));
    }
    app.access_log().note(&caller.grant, Some(row.scope), row.action, app.now());
    Some(match row.name {
        "get_profile" => get_profile(app, caller).await,
        "search_memory" => search_memory(app, caller, arguments).await,
        "add_note" => add_note(app, caller, arguments).await,
        "report_event" => report_event(app, caller, arguments).await,
        "chat" => chat(app, caller, arguments).await,
        "act" => act(app, caller, arguments).await,
        _ => day_overview(app, caller, arguments).await,
    })
}

/// What an agent that reads texts only is shown.
pub(super) fn words(value: &Value) -> String {
    value["answer"].as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn read<T: DeserializeOwned>(arguments: Value) -> Result<T> {
    serde_path_to_error::deserialize(arguments)
        .map_err(|error| ApiError::invalid(&error.path().to_string(), &Problem::Parser(error.inner().to_string())))
}

async fn get_profile(app: &App, caller: &Caller) -> Result<Value> {
    let profile = profile::get(app.store(), caller.user_id).await?;
    Ok(serde_json::to_value(UserInfo::from(profile)).unwrap_or_default())
}

#[derive(Deserialize)]
struct Search {
    query: String,
    limit: Option<usize>,
}

async fn search_memory(app: &App, caller: &Caller, arguments: Value) -> Result<Value> {
    let Search { query, limit } = read(arguments)?;
    if query.trim().is_empty() {
        return Err(ApiError::invalid("query", &Problem::Required));
    }
    let mut kinds = vec![Kind::KeyMemory];
    for (scope, more) in [
        (Scope::NoteWrite, &[Kind::Note, Kind::NotePart][..]),
        (Scope::AgentMemory, &[Kind::Event]),
        (Scope::ChatRead, &[Kind::Message]),
        (Scope::PlazaRead, &[Kind::Post]),
    ] {
        // What apps reported is for the app that reported it, and for the user.
        if caller.scopes().has(scope) && (scope != Scope::AgentMemory || caller.app_id().is_none()) {
            kinds.extend_from_slice(more);
        }
    }
    let asked = Query {
        user_id: caller.user_id,
        listener: &Listener::Owner,
        text: &query,
        now: app.now(),
        limit: limit.unwrap_or(10).clamp(1, 50),
        kinds: &kinds,
        except_conversation: None,
    };
    let hits = retrieval::search(app, &asked).await?;
    let hit = |hit: retrieval::Hit| {
        json!({"kind": hit.kind.as_str(), "id": hit.item_id, "text": hit.text, "speaker": hit.speaker,
               "conversation": hit.conversation, "happenedAt": iso(hit.happened_at)})
    };
    Ok(json!({"memories": hits.into_iter().map(hit).collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
struct Note {
    content: Option<String>,
    title: Option<String>,
    urls: Option<Vec<String>>,
}

async fn add_note(app: &App, caller: &Caller, arguments: Value) -> Result<Value> {
    let Note { content, title, urls } = read(arguments)?;
    let material = match urls.filter(|urls| !urls.is_empty()) {
        Some(urls) => {
            let urls = urls.iter().enumerate().map(|(at, url)| notes::checked_url(app, at, url));
            Material::Links(urls.collect::<Result<_>>()?)
        }
        None => Material::Text(content.unwrap_or_default()),
    };
    let id = notes::add(app, caller, title.as_deref(), material).await?;
    Ok(json!({"noteId": id, "uri": format!("secondme://notes/{id}")}))
}

#[derive(Deserialize)]
struct Reported {
    action: String,
    text: String,
    importance: Option<f64>,
    id: Option<String>,
    url: Option<String>,
}

async fn report_event(app: &App, caller: &Caller, arguments: Value) -> Result<Value> {
    let event: Reported = read(arguments)?;
    let id = event.id.unwrap_or_else(|| app.entropy().alphanumeric(20));
    let mut reference = Map::new();
    reference.insert("objectType".into(), "mcp_event".into());
    reference.insert("objectId".into(), id.clone().into());
    reference.insert("contentPreview".into(), event.text.clone().into());
    if let Some(url) = event.url {
        reference.insert("url".into(), url.into());
    }
    let mut body = json!({"channel": {"kind": "mcp"}, "action": event.action, "displayText": event.text,
                          "refs": [reference], "idempotencyKey": id});
    if let Some(importance) = event.importance {
        body["importance"] = importance.into();
    }
    let (parsed, _) = events::parse(body, caller, &app.config().memory, app.now())?;
    let stored = events::ingest(app, caller, &parsed).await?;
    let event_id = stored.iter().find_map(|outcome| match outcome {
        events::Outcome::Stored(id) => Some(*id),
        events::Outcome::Duplicate => None,
    });
    Ok(json!({"eventId": event_id.unwrap_or(0), "isDuplicate": event_id.is_none()}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    message: String,
    session_id: Option<String>,
    action_control: Option<String>,
    model: Option<Value>,
}

async fn chat(app: &App, caller: &Caller, arguments: Value) -> Result<Value> {
    let Said { message, session_id, model, .. } = read(arguments)?;
    let model = ModelName::parse(model.as_ref(), &app.config().compat)?;
    let question = Question { message, session_id, control: None, model };
    let answer = whole::ask(app, caller, question).await?;
    Ok(json!({"answer": answer.text, "sessionId": answer.session_id}))
}

async fn act(app: &App, caller: &Caller, arguments: Value) -> Result<Value> {
    let Said { message, session_id, action_control, model } = read(arguments)?;
    let model = ModelName::parse(model.as_ref(), &app.config().compat)?;
    let control = Some(action_control.unwrap_or_default());
    let answer = whole::ask(app, caller, Question { message, session_id, control, model }).await?;
    let judgement: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    Ok(json!({"judgement": judgement, "sessionId": answer.session_id}))
}

async fn day_overview(app: &App, caller: &Caller, arguments: Value) -> Result<Value> {
    let query: DayQuery = read(arguments)?;
    let day = overview(app, caller.user_id, &query, Lang::En).await?;
    Ok(serde_json::to_value(day).unwrap_or_default())
}
