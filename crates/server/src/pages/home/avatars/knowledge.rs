//! `/home/avatars/{avatar}/knowledge`: what an avatar knows beside its owner's memories, and the skills that its owner wrote.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::place;
use crate::app::App;
use crate::avatars::center::{self, Avatar, Definition};
use crate::avatars::skills::{self, CustomSkill, NewSkill, SCENE, Written};
use crate::error::{Lang, Result};
use crate::http::Path;
use crate::http::page::{Frame, Page};
use crate::memory::notes::{self, Filter, Note};
use crate::users::accounts::{Member, Posted};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/home/avatars/{avatar}/knowledge", get(show).post(change))
        .route("/home/avatars/{avatar}/notes", post(choose_notes))
        .route("/home/avatars/{avatar}/skills", post(write_skill))
        .route("/home/avatars/{avatar}/skills/delete", post(delete_skill))
}

/// Empty rows below the facts.
const SPARE_ROWS: usize = 2;
/// The newest notes that can be ticked, beside those that are ticked.
const NOTES: i64 = 50;

/// A fact in the form.
struct Fact {
    name: String,
    text: String,
}

/// A note that can be ticked.
struct Choice {
    id: i64,
    title: String,
    on: bool,
}

#[derive(Template)]
#[template(path = "home/avatar_knowledge.html")]
struct KnowledgeTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatar: &'a Avatar,
    here: &'static str,
    facts: Vec<Fact>,
    notes: Vec<Choice>,
    skills: Vec<(CustomSkill, bool)>,
    draft: &'a Written,
    problem: Option<String>,
    material_max: usize,
    skill_max: usize,
}

async fn show(State(app): State<App>, me: Member, Path(id): Path<i64>) -> Result<Page> {
    page(&app, &me, id, &Written::default(), None).await
}

async fn page(app: &App, me: &Member, id: i64, draft: &Written, problem: Option<String>) -> Result<Page> {
    let avatar = center::get(app, me.user_id(), id).await?;
    let own = skills::list(app, me.user_id(), SCENE).await?;
    let limits = &app.config().avatars;
    Ok(Page::new(&KnowledgeTemplate {
        lang: me.lang(),
        frame: &me.frame,
        here: "knowledge",
        facts: facts(&avatar.material),
        notes: choices(app, me, &avatar).await?,
        skills: own.into_iter().map(|s| (avatar.skill_keys.contains(&s.skill_key), s)).map(|(on, s)| (s, on)).collect(),
        avatar: &avatar,
        draft,
        problem,
        material_max: limits.material_max_chars,
        skill_max: limits.skill_max_chars,
    }))
}

/// The members of the material, and room for more. What is not a text is shown as JSON.
fn facts(material: &Value) -> Vec<Fact> {
    let members = material.as_object().into_iter().flatten();
    let fact = |(name, value): (&String, &Value)| Fact { name: name.clone(), text: shown(value) };
    let spare = std::iter::repeat_with(|| Fact { name: String::new(), text: String::new() });
    members.map(fact).chain(spare.take(SPARE_ROWS)).collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn choices(app: &App, me: &Member, avatar: &Avatar) -> Result<Vec<Choice>> {
    let (newest, _) = notes::list(app, &me.caller(app), "", Filter::default(), (0, NOTES)).await?;
    let mut all: Vec<Note> = Vec::new();
    for id in &avatar.related_note_ids {
        all.extend(notes::get(app, me.user_id(), *id).await?);
    }
    all.extend(newest.into_iter().map(|(note, _)| note).filter(|note| !avatar.related_note_ids.contains(&note.id)));
    let choice = |note: Note| Choice {
        on: avatar.related_note_ids.contains(&note.id),
        id: note.id,
        title: if note.title.is_empty() { note.content.chars().take(80).collect() } else { note.title },
    };
    Ok(all.into_iter().map(choice).collect())
}

/// Fields `name.0`, `text.0`, …; or `note.<id>`.
#[derive(Deserialize)]
struct Rows {
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Rows {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default().trim()
    }

    /// The facts that were typed. One without a name is numbered; what was not a text and was not touched stays what it was.
    fn material(&self, old: &Value) -> Value {
        let mut members = Map::new();
        let mut rows: Vec<usize> =
            self.fields.keys().filter_map(|key| key.strip_prefix("text.")?.parse().ok()).collect();
        rows.sort_unstable();
        for row in rows {
            let (name, text) = (self.text(&format!("name.{row}")), self.text(&format!("text.{row}")));
            if text.is_empty() {
                continue;
            }
            let name = if name.is_empty() { (row + 1).to_string() } else { name.to_owned() };
            let same = old.get(&name).filter(|value| shown(value) == text);
            members.insert(name, same.cloned().unwrap_or_else(|| text.into()));
        }
        Value::Object(members)
    }

    fn notes(&self) -> Vec<i64> {
        self.fields.keys().filter_map(|key| key.strip_prefix("note.")?.parse().ok()).collect()
    }
}

fn here(id: i64) -> String {
    format!("{}/knowledge", place(id))
}

async fn change(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Rows>,
) -> Result<Response> {
    let avatar = center::get(&app, member.user_id(), id).await?;
    let definition = Definition { material: Some(form.material(&avatar.material)), ..Definition::default() };
    let done = center::update(&app, member.user_id(), id, &definition).await;
    member.settle(&app, done, &here(id), ("Saved.", "已保存。"))
}

async fn choose_notes(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Rows>,
) -> Result<Response> {
    let mut ids = Vec::new();
    for note in form.notes() {
        ids.extend(notes::get(&app, member.user_id(), note).await?.map(|note| note.id));
    }
    let definition = Definition { related_note_ids: Some(ids), ..Definition::default() };
    let done = center::update(&app, member.user_id(), id, &definition).await;
    member.settle(&app, done, &here(id), ("Saved.", "已保存。"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Skill {
    title: String,
    description: String,
    when: String,
    content: String,
    key: String,
}

/// What was written is not lost when something is wrong with it: the form comes back with it, and says what.
async fn write_skill(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Skill>,
) -> Result<Response> {
    let Skill { title, description, when: when_to_use, content, .. } = form;
    let written = Written { title, description, when_to_use, content };
    match learn(&app, member.user_id(), id, &written).await {
        Ok(()) => Ok(member.done(&app, &here(id), "The avatar has learned it.", "分身已学会该技能。")),
        Err(error) if error.code() == crate::error::Code::Internal => Err(error),
        Err(error) => {
            let page = page(&app, &member, id, &written, Some(error.message(member.lang()))).await?;
            Ok(page.status(StatusCode::BAD_REQUEST).into_response())
        }
    }
}

async fn learn(app: &App, user_id: i64, id: i64, written: &Written) -> Result<()> {
    let new = NewSkill::written(app, written)?;
    let mut keys = center::get(app, user_id, id).await?.skill_keys;
    keys.push(skills::create(app, user_id, &new).await?.skill_key);
    center::update(app, user_id, id, &Definition { skill_keys: Some(keys), ..Definition::default() }).await?;
    Ok(())
}

async fn delete_skill(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Skill>,
) -> Result<Response> {
    let done = center::delete_skill(&app, member.user_id(), &form.key).await;
    member.settle(&app, done, &here(id), ("The skill is gone.", "技能已删除。"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn facts_are_what_was_typed_and_nothing_else() {
        let old = json!({"hours": {"mon": 9}, "town": "Lisbon"});
        let fields = json!({"name.0": "hours", "text.0": "{\"mon\":9}", "name.1": "town", "text.1": " Porto ",
            "name.2": "", "text.2": "Cash only", "name.10": "empty", "text.10": "  "});
        let rows = Rows { fields: fields.as_object().unwrap().clone() };
        assert_eq!(rows.material(&old), json!({"hours": {"mon": 9}, "town": "Porto", "3": "Cash only"}));
        assert_eq!(facts(&old).len(), 4);
    }
}
