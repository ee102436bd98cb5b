//! What the user knows and did: `/memories/key…`, `/notes…`, `/agent/events/day-overview`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::agent::Agent;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::http::{Body, Data, Path, Query, Reply};
use crate::memory::key_memories;
use crate::memory::key_memories::http::{InsertMemory, MemoryList, SearchQuery, UpdateMemory, page as memory_page};
use crate::memory::notes::{self, Material};
use crate::memory::timeline::http::{DayOverview, DayQuery, overview};

const BATCH_MAX: usize = 100;
const SUMMARY_CHARS: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/memories/key", post(insert))
        .route("/memories/key/batch", post(insert_batch))
        .route("/memories/key/search", get(search))
        .route("/memories/key/{memory_id}", put(update).delete(delete))
        .route("/notes", post(add_note))
        .route("/notes/search", get(search_notes))
        .route("/agent/events/day-overview", get(day))
}

async fn insert(
    State(app): State<App>,
    Agent(caller): Agent,
    Body(body): Body<InsertMemory>,
) -> Reply<Map<String, Value>> {
    key_memories::insert(&app, &caller, &body.content.unwrap_or_default(), body.visibility).await?;
    Ok(Data(Map::new()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Batch {
    items: Vec<InsertMemory>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inserted {
    inserted_count: usize,
}

async fn insert_batch(State(app): State<App>, Agent(caller): Agent, Body(body): Body<Batch>) -> Reply<Inserted> {
    if body.items.is_empty() {
        return Err(ApiError::invalid("items", &Problem::Required));
    }
    if body.items.len() > BATCH_MAX {
        return Err(ApiError::invalid("items", &Problem::TooMany(BATCH_MAX)));
    }
    let inserted_count = body.items.len();
    for item in body.items {
        key_memories::insert(&app, &caller, &item.content.unwrap_or_default(), item.visibility).await?;
    }
    Ok(Data(Inserted { inserted_count }))
}

async fn search(State(app): State<App>, Agent(caller): Agent, Query(query): Query<SearchQuery>) -> Reply<MemoryList> {
    memory_page(&app, &caller, &query).await.map(Data)
}

fn id_of(text: &str) -> Result<i64> {
    text.parse().map_err(|_| ApiError::new(Code::MemoryNotFound))
}

async fn update(
    State(app): State<App>,
    Agent(caller): Agent,
    Path(id): Path<String>,
    Body(body): Body<UpdateMemory>,
) -> Reply<Value> {
    key_memories::update(&app, caller.user_id, id_of(&id)?, body.content.as_deref(), body.visibility).await?;
    Ok(Data(Value::Null))
}

async fn delete(State(app): State<App>, Agent(caller): Agent, Path(id): Path<String>) -> Reply<Value> {
    key_memories::delete(&app, caller.user_id, id_of(&id)?).await?;
    Ok(Data(Value::Null))
}

/// `audioLanguage`, `html`, `permission` and `localId` have no effect: notes here are texts and links, and private.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NewNote {
    title: Option<String>,
    content: Option<String>,
    memory_type: Option<String>,
    urls: Option<Vec<String>>,
}

/// `data` is the note's id.
async fn add_note(State(app): State<App>, Agent(caller): Agent, Body(body): Body<NewNote>) -> Reply<i64> {
    let material = match body.memory_type.as_deref().map(str::to_ascii_uppercase).as_deref() {
        None | Some("" | "TEXT" | "DOC") => Material::Text(body.content.unwrap_or_default()),
        Some("LINK") => {
            let urls = body.urls.unwrap_or_default();
            let urls = urls.iter().enumerate().map(|(at, url)| notes::checked_url(&app, at, url));
            Material::Links(urls.collect::<Result<_>>()?)
        }
        Some(_) => {
            return Err(ApiError::invalid("memoryType", &Problem::Expected("TEXT, DOC or LINK", " TEXT、DOC 或 LINK")));
        }
    };
    Ok(Data(notes::add(&app, &caller, body.title.as_deref(), material).await?))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NoteQuery {
    #[serde(alias = "query")]
    keyword: String,
    #[serde(alias = "page", deserialize_with = "crate::http::extract::lenient")]
    page_no: Option<i64>,
    #[serde(alias = "page_size", deserialize_with = "crate::http::extract::lenient")]
    page_size: Option<i64>,
}

#[derive(Serialize)]
struct FoundNotes {
    list: Vec<FoundNote>,
    total: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FoundNote {
    note_id: i64,
    title: String,
    content: String,
    summary: String,
    memory_type: String,
    create_timestamp: i64,
}

async fn search_notes(
    State(app): State<App>,
    Agent(caller): Agent,
    Query(query): Query<NoteQuery>,
) -> Reply<FoundNotes> {
    let page = Page::new(query.page_no, query.page_size, 20);
    let (found, total) = notes::search(&app, caller.user_id, &query.keyword, page).await?;
    let list = found.into_iter().map(|note| FoundNote {
        note_id: note.id,
        title: note.title,
        summary: note.content.chars().take(SUMMARY_CHARS).collect(),
        content: note.content,
        memory_type: note.memory_type,
        create_timestamp: note.created_at,
    });
    Ok(Data(FoundNotes { list: list.collect(), total }))
}

async fn day(
    State(app): State<App>,
    Agent(caller): Agent,
    lang: Lang,
    Query(query): Query<DayQuery>,
) -> Reply<DayOverview> {
    overview(&app, caller.user_id, &query, lang).await.map(Data)
}
