//! `/home/avatars/…`: what speaks to visitors: the list, the definition with a test beside it, sharing and keys, numbers, evaluations.

mod evaluations;
mod knowledge;
mod numbers;
mod share;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secondme_kit::Page as Slice;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::avatars::center::{self, Avatar, Definition};
use crate::avatars::skills::{self, OFFICIAL, SCENE};
use crate::error::{Code, Lang, Result};
use crate::http::extract::lenient;
use crate::http::page::{Flash, Frame, Page};
use crate::http::{Path, Query};
use crate::pages::file_form::{FileForm, PICTURE_MAX_BYTES};
use crate::pages::pager::Pager;
use crate::pages::picture;
use crate::pages::public::talk::Talk;
use crate::users::accounts::{Member, Posted};
use crate::users::uploads;
use crate::visitor::visits::Guest;

/// A definition of the greatest length fits, whatever its letters.
const FORM_MAX_BYTES: usize = 512 * 1024;
const HERE: &str = "/home/avatars";

pub(super) fn routes() -> Router<App> {
    let pictures = DefaultBodyLimit::max(PICTURE_MAX_BYTES);
    Router::new()
        .route(HERE, get(list).post(create))
        .route("/home/avatars/{avatar}", get(show).post(change))
        .route("/home/avatars/{avatar}/default", post(make_default))
        .route("/home/avatars/{avatar}/delete", post(delete))
        .merge(knowledge::routes())
        .merge(share::routes())
        .merge(numbers::routes())
        .merge(evaluations::routes())
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .merge(Router::new().route("/home/avatars/{avatar}/cover", post(cover)).layer(pictures))
}

#[derive(Template)]
#[template(path = "home/avatars.html")]
struct ListTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatars: &'a [Avatar],
    pager: &'a Pager,
}

/// A skill that can be ticked.
struct Skill {
    key: String,
    name: String,
    about: String,
    on: bool,
}

#[derive(Template)]
#[template(path = "home/avatar.html")]
struct EditTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    avatar: &'a Avatar,
    here: &'static str,
    skills: &'a [Skill],
    talk: &'a Talk,
    /// Its own cover.
    cover: Option<String>,
    problem: Option<String>,
    title_max: usize,
    definition_max: usize,
    greeting_max: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Where {
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

async fn list(State(app): State<App>, me: Member, Query(at): Query<Where>) -> Result<Page> {
    let slice = Slice::new(at.page, None, 30);
    let (total, avatars) = center::list(&app, me.user_id(), slice).await?;
    let pager = Pager::new(&me.frame, slice, total);
    Ok(Page::new(&ListTemplate { lang: me.lang(), frame: &me.frame, avatars: &avatars, pager: &pager }))
}

/// The fields of the editor. Boxes are `skill.<key>`; a box that is not there is off.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    title: String,
    scenario: String,
    opening: String,
    welcome: String,
    api: Option<String>,
    #[serde(flatten)]
    boxes: Map<String, Value>,
}

impl Fields {
    fn definition(&self) -> Definition {
        let keys = self.boxes.keys().filter_map(|name| name.strip_prefix("skill.")).map(str::to_owned).collect();
        Definition {
            title: Some(self.title.clone()),
            scenario_prompt: Some(self.scenario.clone()),
            opening: Some(self.opening.clone()),
            welcome_note: Some(self.welcome.clone()),
            api_enabled: Some(self.api.is_some()),
            skill_keys: Some(keys),
            ..Definition::default()
        }
    }
}

async fn create(State(app): State<App>, Posted { member, form }: Posted<Fields>) -> Result<Response> {
    let definition =
        Definition { title: Some(form.title), scenario_prompt: Some(form.scenario), ..Definition::default() };
    match center::create(&app, member.user_id(), &definition).await {
        Ok(avatar) => Ok(member.done(&app, &place(avatar.id), "Your avatar is there.", "分身已创建。")),
        Err(error) => member.refused(&app, HERE, error),
    }
}

fn place(avatar_id: i64) -> String {
    format!("{HERE}/{avatar_id}")
}

async fn show(State(app): State<App>, me: Member, Path(id): Path<i64>) -> Result<Page> {
    let avatar = center::get(&app, me.user_id(), id).await?;
    edit(&app, &me, avatar, None).await
}

async fn edit(app: &App, me: &Member, avatar: Avatar, problem: Option<String>) -> Result<Page> {
    let limits = &app.config().avatars;
    let talk = Talk::of(app, &me.frame, &avatar, Guest::Test(me.user_id())).await?;
    Ok(Page::new(&EditTemplate {
        lang: me.lang(),
        frame: &me.frame,
        here: "edit",
        skills: &all_skills(app, me, &avatar).await?,
        cover: picture(app, &avatar.cover_url),
        avatar: &avatar,
        talk: &talk,
        problem,
        title_max: limits.title_max_chars,
        definition_max: limits.scenario_prompt_max_chars,
        greeting_max: limits.greeting_max_chars,
    }))
}

async fn all_skills(app: &App, me: &Member, avatar: &Avatar) -> Result<Vec<Skill>> {
    let lang = me.lang();
    let on = |key: &str| avatar.skill_keys.iter().any(|known| known == key);
    let official = OFFICIAL.iter().map(|skill| Skill {
        key: skill.key.to_owned(),
        name: lang.pick(skill.name.0, skill.name.1).to_owned(),
        about: lang.pick(skill.about.0, skill.about.1).to_owned(),
        on: on(skill.key),
    });
    let custom = skills::list(app, me.user_id(), SCENE).await?;
    let custom = custom.into_iter().map(|skill| Skill {
        on: on(&skill.skill_key),
        key: skill.skill_key,
        name: skill.title,
        about: skill.description,
    });
    Ok(official.chain(custom).collect())
}

/// What was typed is not lost when something is wrong with it: the form comes back with it, and says what.
async fn change(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    match center::update(&app, member.user_id(), id, &form.definition()).await {
        Ok(_) => Ok(member.done(&app, &place(id), "Saved.", "已保存。")),
        Err(error) if error.code() == Code::InvalidParam => {
            let mut avatar = center::get(&app, member.user_id(), id).await?;
            avatar.title = form.title;
            avatar.scenario_prompt = form.scenario;
            avatar.opening = form.opening;
            avatar.welcome_note = form.welcome;
            let page = edit(&app, &member, avatar, Some(error.message(member.lang()))).await?;
            Ok(page.status(axum::http::StatusCode::BAD_REQUEST).into_response())
        }
        Err(error) => member.refused(&app, &place(id), error),
    }
}

/// A picture over its page; without a file the one of the owner's profile is shown again.
async fn cover(State(app): State<App>, Path(id): Path<i64>, form: FileForm) -> Result<Response> {
    let FileForm { member, bytes, .. } = form;
    let done = set_cover(&app, member.user_id(), id, bytes).await;
    member.settle(&app, done, &place(id), ("Saved.", "已保存。"))
}

async fn set_cover(app: &App, user_id: i64, id: i64, bytes: Vec<u8>) -> Result<Avatar> {
    center::get(app, user_id, id).await?;
    let url = if bytes.is_empty() { String::new() } else { uploads::store_image(app, user_id, bytes).await?.url };
    center::update(app, user_id, id, &Definition { cover_url: Some(url), ..Definition::default() }).await
}

#[derive(Deserialize)]
struct Nothing {}

async fn make_default(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    let done = center::set_default(&app, member.user_id(), id).await;
    member.settle(&app, done, HERE, ("This avatar is your default now.", "已设为默认分身。"))
}

async fn delete(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    match center::delete(&app, member.user_id(), id).await {
        Ok(()) => Ok(Flash::good(member.lang().pick("The avatar is gone.", "分身已删除。")).on(&app, HERE)),
        Err(error) => member.refused(&app, &place(id), error),
    }
}
