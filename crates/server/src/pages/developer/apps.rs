//! Apps of a developer: the list, registering one, its settings, its secret.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use secondme_kit::Page as PageOf;
use serde::Deserialize;
use serde_json::Value;

use super::stamp;
use crate::access::{Requested, Scope};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::page::{Frame, Page};
use crate::oauth::apps::{self, Application, Change, ClientType, Listing};
use crate::oauth::console::{self, Details, Draft};
use crate::oauth::webhooks;
use crate::users::accounts::{Member, Posted};

/// A developer with more apps than this pages through the API.
const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "developer/apps.html")]
struct ListTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    apps: Vec<Details>,
    base_url: String,
}

pub(super) async fn list(State(app): State<App>, me: Member) -> Result<Page> {
    let (apps, _) = console::list(&app, me.user_id(), PageOf::new(None, Some(SHOWN), SHOWN)).await?;
    Ok(Page::new(&ListTemplate { lang: me.lang(), frame: &me.frame, apps, base_url: app.base_url() }))
}

/// What stands in the form of an app.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    name: String,
    description: String,
    /// One on each line.
    redirect_uris: String,
    client_type: String,
    /// Ticked boxes: `scope.userinfo`.
    #[serde(flatten)]
    boxes: BTreeMap<String, Value>,
}

impl Fields {
    fn of(app: &Application) -> Self {
        let boxes = app.allowed.set.iter().map(|scope| (format!("scope.{}", scope.name()), Value::from("on")));
        Self {
            name: app.name.clone(),
            description: app.description.clone(),
            redirect_uris: app.redirect_uris.join("\n"),
            client_type: app.client_type.word().to_owned(),
            boxes: boxes.collect(),
        }
    }

    fn has(&self, scope: Scope) -> bool {
        self.boxes.contains_key(&format!("scope.{}", scope.name()))
    }

    fn uris(&self) -> Vec<String> {
        self.redirect_uris.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn scopes(&self) -> Result<Requested> {
        Requested::from_names(Scope::ALL.iter().filter(|scope| self.has(**scope)).map(|scope| scope.name()))
    }

    /// Everything that the form says. Scopes stay as they are spelled when they are the same.
    fn change(&self, known: Option<&Application>) -> Result<Change> {
        let scopes = self.scopes()?;
        let same = known.is_some_and(|known| known.allowed.set == scopes.set);
        Ok(Change {
            name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            redirect_uris: Some(self.uris()),
            allowed: (!same).then_some(scopes),
            listing: Listing::default(),
        })
    }
}

/// A scope with its box.
struct ScopeBox {
    name: &'static str,
    words: &'static str,
    ticked: bool,
}

fn boxes(lang: Lang, fields: &Fields) -> Vec<ScopeBox> {
    let of = |scope: &Scope| {
        let (en, zh) = scope.words();
        ScopeBox { name: scope.name(), words: lang.pick(en, zh), ticked: fields.has(*scope) }
    };
    Scope::ALL.iter().map(of).collect()
}

#[derive(Template)]
#[template(path = "developer/new.html")]
struct NewTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    fields: &'a Fields,
    scopes: Vec<ScopeBox>,
    problem: Option<String>,
    review: bool,
}

fn new_page(app: &App, me: &Member, fields: &Fields, problem: Option<String>) -> Page {
    Page::new(&NewTemplate {
        lang: me.lang(),
        frame: &me.frame,
        fields,
        scopes: boxes(me.lang(), fields),
        problem,
        review: app.config().policy.app_review,
    })
}

pub(super) async fn draft(State(app): State<App>, me: Member) -> Page {
    let ticked =
        ["scope.userinfo", "scope.chat.read", "scope.chat.write"].map(|name| (name.to_owned(), Value::from("on")));
    let fields = Fields {
        redirect_uris: "http://localhost:3000/api/auth/callback".to_owned(),
        boxes: BTreeMap::from(ticked),
        ..Fields::default()
    };
    new_page(&app, &me, &fields, None)
}

pub(super) async fn create(State(app): State<App>, Posted { member, form }: Posted<Fields>) -> Result<Response> {
    let made = match form.change(None) {
        Ok(change) => {
            let client_type = ClientType::from_word(&form.client_type).unwrap_or_default();
            let draft = Draft { app: change, client_type, webhook: webhooks::Change::default() };
            console::create(&app, member.user_id(), draft).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(saved) => {
            let secret = saved.client_secret;
            Ok(shown_once(&member, &saved.details.app, secret.as_deref(), true).into_response())
        }
        Err(error) => Ok(new_page(&app, &member, &form, Some(words(&member, error)?)).status(BAD).into_response()),
    }
}

const BAD: axum::http::StatusCode = axum::http::StatusCode::BAD_REQUEST;

/// What a rule refused, for the person; failures of ours are errors.
fn words(me: &Member, error: ApiError) -> Result<String> {
    if error.code() == Code::Internal { Err(error) } else { Ok(error.message(me.lang())) }
}

#[derive(Template)]
#[template(path = "developer/secret.html")]
struct SecretTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app: &'a Application,
    /// None: a public client has none.
    secret: Option<&'a str>,
    fresh: bool,
}

fn shown_once(me: &Member, app: &Application, secret: Option<&str>, fresh: bool) -> Page {
    Page::new(&SecretTemplate { lang: me.lang(), frame: &me.frame, app, secret, fresh })
}

#[derive(Template)]
#[template(path = "developer/settings.html")]
struct SettingsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app_id: &'a str,
    app: &'a Application,
    fields: &'a Fields,
    scopes: Vec<ScopeBox>,
    problem: Option<String>,
    created: String,
    overlap_hours: i64,
}

fn settings_page(app: &App, me: &Member, known: &Application, fields: &Fields, problem: Option<String>) -> Page {
    Page::new(&SettingsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        app_id: &known.app_id,
        app: known,
        fields,
        scopes: boxes(me.lang(), fields),
        problem,
        created: stamp(known.created_at),
        overlap_hours: app.config().oauth.secret_overlap_max_seconds / 3_600,
    })
}

pub(super) async fn settings(State(app): State<App>, me: Member, Path(app_id): Path<String>) -> Result<Page> {
    let known = apps::owned(app.store(), me.user_id(), &app_id).await?;
    Ok(settings_page(&app, &me, &known, &Fields::of(&known), None))
}

pub(super) async fn update(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let known = apps::owned(app.store(), member.user_id(), &app_id).await?;
    let changed = match form.change(Some(&known)) {
        Ok(change) => {
            let draft = Draft { app: change, ..Draft::default() };
            console::update(&app, member.user_id(), &app_id, draft).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(member.done(&app, &format!("/developer/apps/{app_id}"), "Saved.", "已保存。")),
        Err(error) => {
            let problem = words(&member, error)?;
            Ok(settings_page(&app, &member, &known, &form, Some(problem)).status(BAD).into_response())
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Overlap {
    #[serde(deserialize_with = "crate::http::extract::lenient")]
    overlap_seconds: Option<i64>,
}

pub(super) async fn secret(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form }: Posted<Overlap>,
) -> Result<Response> {
    let made = async {
        let overlap_ms = apps::checked_overlap(&app, form.overlap_seconds.unwrap_or(0))?;
        apps::regenerate_secret(&app, member.user_id(), &app_id, overlap_ms).await
    };
    match made.await {
        Ok(made) => {
            let known = apps::owned(app.store(), member.user_id(), &app_id).await?;
            Ok(shown_once(&member, &known, Some(&made.client_secret), false).into_response())
        }
        Err(error) => member.refused(&app, &format!("/developer/apps/{app_id}"), error),
    }
}

/// The texts of the catalogue; an empty field takes its text away.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListingFields {
    subtitle: String,
    icon_url: String,
    website_url: String,
    support_url: String,
    privacy_policy_url: String,
}

pub(super) async fn listing(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form }: Posted<ListingFields>,
) -> Result<Response> {
    let change = Listing {
        subtitle: Some(form.subtitle),
        icon_url: Some(form.icon_url),
        website_url: Some(form.website_url),
        support_url: Some(form.support_url),
        privacy_policy_url: Some(form.privacy_policy_url),
        ..Listing::default()
    };
    let asked = apps::apply_listing(&app, member.user_id(), &app_id, &change).await;
    let to = format!("/developer/apps/{app_id}");
    member.settle(&app, asked, &to, ("The catalogue has your texts.", "目录信息已提交。"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn delete(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Posted { member, form: Nothing {} }: Posted<Nothing>,
) -> Result<Response> {
    let deleted = apps::delete(&app, member.user_id(), &app_id).await;
    member.settle(
        &app,
        deleted,
        "/developer",
        ("The app is gone, with everything it could do.", "应用及其访问权限已删除。"),
    )
}
