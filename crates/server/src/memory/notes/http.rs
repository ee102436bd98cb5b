//! `note/add`, `note/search`, `note/list`, `note/{id}/update`, `note/{id}/delete` (contract 9).

use axum::extract::State;
use secondme_kit::Page;
use secondme_kit::paging::MAX_PAGE_SIZE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Filter, Link, Material, Note};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Query, Reply};

/// The routes of notes, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add))
        .routes(routes!(search))
        .routes(routes!(list))
        .routes(routes!(update))
        .routes(routes!(delete))
}

/// A note to add.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AddNote {
    /// At most 50000 characters; required for `TEXT`.
    content: Option<String>,
    /// At most 200 characters.
    title: Option<String>,
    /// At most 10; required for `LINK`. The server fetches the pages itself.
    urls: Option<Vec<String>>,
    /// `TEXT` (default) or `LINK`, also as `URL`, in any case; also named `type`.
    #[serde(alias = "type", alias = "memory_type")]
    memory_type: Option<String>,
}

impl AddNote {
    fn material(self, app: &App) -> Result<Material> {
        match self.memory_type.as_deref().map(str::to_ascii_uppercase).as_deref() {
            None | Some("" | "TEXT") => Ok(Material::Text(self.content.unwrap_or_default())),
            Some("LINK" | "URL") => {
                let urls = self.urls.unwrap_or_default();
                let urls = urls.iter().enumerate().map(|(at, url)| super::checked_url(app, at, url));
                Ok(Material::Links(urls.collect::<Result<_>>()?))
            }
            Some(_) => Err(ApiError::invalid("memoryType", &Problem::Expected("TEXT or LINK", " TEXT 或 LINK"))),
        }
    }
}

/// The id of a new note, under both names that clients read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    note_id: i64,
    id: i64,
}

/// Adds a note. Pages of a `LINK` note are fetched in the background; `note/list` shows how far that is.
#[utoipa::path(post, path = "/secondme/note/add", tag = "Notes", request_body = AddNote,
    security(("token" = ["note.write"])), responses((status = 200, body = Envelope<Added>)))]
async fn add(
    State(app): State<App>,
    auth: Auth<permissions::NoteWrite>,
    Body(mut body): Body<AddNote>,
) -> Reply<Added> {
    let title = body.title.take();
    let id = super::add(&app, &auth.caller, title.as_deref(), body.material(&app)?).await?;
    Ok(Data(Added { note_id: id, id }))
}

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct NoteQuery {
    /// Words that must all appear; absent: everything. Also `query`.
    #[serde(alias = "query", default)]
    keyword: String,
    /// From 1. Also `page`.
    #[serde(alias = "page", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_no: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
}

/// A page of found notes.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundNotes {
    list: Vec<FoundNote>,
    total: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FoundNote {
    id: i64,
    title: String,
    /// A passage around the first word found.
    content: String,
    memory_type: String,
    create_time: i64,
    update_time: i64,
}

impl FoundNote {
    fn new(note: Note, keyword: &str) -> Self {
        Self {
            id: note.id,
            title: note.title,
            content: snippet(&note.content, keyword),
            memory_type: note.memory_type,
            create_time: note.created_at,
            update_time: note.updated_at,
        }
    }
}

/// About 200 characters of a text, from a little before the first word of `keyword` in it.
fn snippet(text: &str, keyword: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lower: Vec<char> = chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let word: Vec<char> = keyword.to_lowercase().split_whitespace().next().unwrap_or_default().chars().collect();
    let found = if word.is_empty() { None } else { lower.windows(word.len()).position(|window| window == word) };
    let from = found.unwrap_or(0).saturating_sub(40);
    let until = (from + 200).min(chars.len());
    let passage: String = chars[from..until].iter().collect();
    let (before, after) = (if from > 0 { "…" } else { "" }, if until < chars.len() { "…" } else { "" });
    format!("{before}{}{after}", passage.trim())
}

/// The caller's notes in which the words appear, newest first.
#[utoipa::path(get, path = "/secondme/note/search", tag = "Notes", params(NoteQuery),
    security(("token" = ["note.write"])), responses((status = 200, body = Envelope<FoundNotes>)))]
async fn search(
    State(app): State<App>,
    auth: Auth<permissions::NoteWrite>,
    Query(query): Query<NoteQuery>,
) -> Reply<FoundNotes> {
    let page = Page::new(query.page_no, query.page_size, 20);
    let (notes, total) = super::search(&app, auth.caller.user_id, &query.keyword, page).await?;
    let list = notes.into_iter().map(|note| FoundNote::new(note, &query.keyword)).collect();
    Ok(Data(FoundNotes { list, total }))
}

/// Which notes to list.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListNotes {
    /// Notes to skip, default 0.
    #[serde(deserialize_with = "lenient")]
    #[schema(value_type = Option<i64>)]
    from: Option<i64>,
    /// At most 100, default 20.
    #[serde(deserialize_with = "lenient")]
    #[schema(value_type = Option<i64>)]
    size: Option<i64>,
    /// Of `Doc`, `Audio`, `Link&Doc`, `Answer`, `Image`, `Memo`, `Link`, `Chat`, `Chat&Answer`. Texts are `Memo`, links `Link`;
    /// absent: all.
    #[serde(alias = "data_types")]
    data_types: Option<Vec<String>>,
    /// Words that must all appear, at most 200 characters.
    query: Option<String>,
}

const DATA_TYPES: [&str; 9] = ["Doc", "Audio", "Link&Doc", "Answer", "Image", "Memo", "Link", "Chat", "Chat&Answer"];

impl ListNotes {
    fn filter(&self) -> Result<Filter> {
        let Some(types) = self.data_types.as_ref().filter(|types| !types.is_empty()) else {
            return Ok(Filter::default());
        };
        if types.iter().any(|name| !DATA_TYPES.contains(&name.as_str())) {
            return Err(ApiError::invalid(
                "dataTypes",
                &Problem::Expected("a list of the documented names", "文档列出的类型"),
            ));
        }
        let has = |names: &[&str]| types.iter().any(|name| names.contains(&name.as_str()));
        Ok(Filter { memos: has(&["Memo"]), links: has(&["Link", "Link&Doc"]) })
    }
}

/// A page of notes.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteList {
    list: Vec<NoteItem>,
    total: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NoteItem {
    id: i64,
    /// `note`.
    r#type: &'static str,
    sort_timestamp: i64,
    note: NoteBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NoteBody {
    title: String,
    /// The whole text; of links what their pages say.
    content: String,
    memory_type: String,
    attachments: Vec<Attachment>,
    /// `READY`, `PENDING`, `PARTIAL` or `FAILED` (ours).
    status: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    url: String,
    /// `Link`.
    data_type: &'static str,
    /// `PENDING`, `READY` or `FAILED` (ours).
    status: String,
    /// Why the page could not be read; empty when it could (ours).
    failure: String,
}

impl NoteItem {
    fn new(note: Note, links: Vec<Link>) -> Self {
        let attachments = links.into_iter().map(|link| Attachment {
            url: link.url,
            data_type: "Link",
            status: link.state,
            failure: link.failure,
        });
        Self {
            id: note.id,
            r#type: "note",
            sort_timestamp: note.created_at,
            note: NoteBody {
                title: note.title,
                content: note.content,
                memory_type: note.memory_type,
                attachments: attachments.collect(),
                status: note.state,
            },
        }
    }
}

/// The caller's notes, newest first.
#[utoipa::path(post, path = "/secondme/note/list", tag = "Notes", request_body = ListNotes,
    security(("token" = ["note.write"])), responses((status = 200, body = Envelope<NoteList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::NoteWrite>,
    Body(body): Body<ListNotes>,
) -> Reply<NoteList> {
    let slice = (body.from.unwrap_or(0).max(0), body.size.unwrap_or(20).clamp(1, MAX_PAGE_SIZE));
    let words = body.query.as_deref().unwrap_or_default();
    let (notes, total) = super::list(&app, &auth.caller, words, body.filter()?, slice).await?;
    let list = notes.into_iter().map(|(note, links)| NoteItem::new(note, links)).collect();
    Ok(Data(NoteList { list, total }))
}

/// What to change; absent fields stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdateNote {
    /// At most 50000 characters.
    content: Option<String>,
    /// At most 200 characters.
    title: Option<String>,
}

/// An id in a path; what is not a number is nobody's note.
fn id_of(text: &str, refusal: Code) -> Result<i64> {
    text.parse().map_err(|_| ApiError::new(refusal))
}

/// Changes a note.
#[utoipa::path(post, path = "/secondme/note/{noteId}/update", tag = "Notes", request_body = UpdateNote,
    params(("noteId" = i64, Path)),
    security(("token" = ["note.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::NoteWrite>,
    Path(id): Path<String>,
    Body(body): Body<UpdateNote>,
) -> Reply<Value> {
    let id = id_of(&id, Code::NoteUpdateFailed)?;
    super::update(&app, auth.caller.user_id, id, body.title.as_deref(), body.content.as_deref()).await?;
    Ok(Data(Value::Null))
}

/// Deletes a note.
#[utoipa::path(post, path = "/secondme/note/{noteId}/delete", tag = "Notes",
    params(("noteId" = i64, Path)),
    security(("token" = ["note.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn delete(State(app): State<App>, auth: Auth<permissions::NoteWrite>, Path(id): Path<String>) -> Reply<Value> {
    super::delete(&app, auth.caller.user_id, id_of(&id, Code::NoteDeleteFailed)?).await?;
    Ok(Data(Value::Null))
}
