//! Every endpoint to try: a form made from the API's own description, and the request as code. With scripts it is sent from the
//! browser; without them it is code to copy. The token never comes here: scripts keep it in the page.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use secondme_kit::Page as PageOf;
use serde::Deserialize;
use serde_json::Value;

use super::pretty;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::page::{Frame, Page};
use crate::oauth::apps;
use crate::oauth::console::tokens;
use crate::oauth::inspector::snippets::{Body, Call, Snippets};
use crate::pages::docs::Reference;
use crate::pages::docs::operation::{self, Access, Operation};
use crate::users::accounts::{Member, Posted};

#[derive(Template)]
#[template(path = "developer/try_list.html")]
struct ListTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    groups: Vec<operation::Group>,
}

pub(super) async fn list(me: Member, Extension(Reference(document)): Extension<Reference>) -> Page {
    Page::new(&ListTemplate { lang: me.lang(), frame: &me.frame, groups: operation::groups(&document) })
}

/// A field of the form.
struct Field {
    /// The name in the form: `p.page`.
    name: String,
    label: String,
    place: String,
    kind: String,
    required: bool,
    description: String,
    value: String,
}

/// What stands in the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    body: Option<String>,
    app_id: String,
    /// `p.<parameter>`, `f.<field of a form>`.
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

impl Filled {
    fn value(&self, name: &str) -> String {
        self.values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

#[derive(Template)]
#[template(path = "developer/try.html")]
struct TryTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    operation: &'a Operation,
    fields: Vec<Field>,
    /// JSON to send; none: no body, or a form.
    body: Option<String>,
    is_upload: bool,
    snippets: Snippets,
    apps: Vec<(String, String)>,
    chosen: &'a str,
    token: &'a str,
    token_ends: &'a str,
    needs_token: bool,
}

fn found(document: &Value, anchor: &str) -> Result<Operation> {
    let operations = operation::groups(document).into_iter().flat_map(|group| group.operations);
    operations
        .into_iter()
        .find(|operation| operation.anchor == anchor)
        .ok_or_else(|| ApiError::new(Code::NotFound).arg("endpoint"))
}

/// The form with what was filled in, and a token when one was just made.
async fn show(
    app: &App,
    me: &Member,
    operation: &Operation,
    filled: &Filled,
    token: Option<&tokens::Trial>,
) -> Result<Page> {
    let fields = fields(operation, filled);
    let body = (operation.media() == "application/json")
        .then(|| filled.body.clone().unwrap_or_else(|| pretty(&operation.example.to_string())));
    let snippets = call(app, operation, &fields, body.as_deref()).snippets();
    let (own, _) = apps::of_owner(app.store(), me.user_id(), PageOf::new(None, Some(100), 100)).await?;
    Ok(Page::new(&TryTemplate {
        lang: me.lang(),
        frame: &me.frame,
        operation,
        is_upload: operation.media() == "multipart/form-data",
        fields,
        body,
        snippets,
        apps: own.into_iter().map(|app| (app.app_id, app.name)).collect(),
        chosen: &filled.app_id,
        token: token.map_or("", |trial| trial.token.expose()),
        token_ends: &token.map(|trial| super::stamp(trial.expires_at)).unwrap_or_default(),
        needs_token: operation.access != Access::Public,
    }))
}

fn fields(operation: &Operation, filled: &Filled) -> Vec<Field> {
    let parameters = operation.parameters.iter().filter(|p| p.place != "header").map(|p| {
        let name = format!("p.{}", p.name);
        Field {
            value: filled.value(&name),
            name,
            label: p.name.clone(),
            place: place(operation, &p.name, &p.place),
            kind: p.kind.clone(),
            required: p.required,
            description: p.description.clone(),
        }
    });
    let form = operation.media() == "application/x-www-form-urlencoded";
    let of_form = operation.body.iter().filter(|_| form).flat_map(|body| body.fields.iter()).map(|f| {
        let name = format!("f.{}", f.name);
        Field {
            value: filled.value(&name),
            name,
            label: f.name.clone(),
            place: "form".to_owned(),
            kind: f.kind.clone(),
            required: f.required,
            description: f.description.clone(),
        }
    });
    parameters.chain(of_form).collect()
}

/// Where a parameter goes. One that is said to stand in the path and does not goes into the query.
fn place(operation: &Operation, name: &str, said: &str) -> String {
    let missing = said == "path" && !operation.path.contains(&format!("{{{name}}}"));
    if missing { "query".to_owned() } else { said.to_owned() }
}

fn call(app: &App, operation: &Operation, fields: &[Field], body: Option<&str>) -> Call {
    let mut path = operation.path.clone();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let mut asked = false;
    let mut form = Vec::new();
    for field in fields {
        match field.place.as_str() {
            "path" if !field.value.is_empty() => {
                let encoded: String = url::form_urlencoded::byte_serialize(field.value.as_bytes()).collect();
                path = path.replace(&format!("{{{}}}", field.label), &encoded.replace('+', "%20"));
            }
            "query" if !field.value.is_empty() => {
                query.append_pair(&field.label, &field.value);
                asked = true;
            }
            "form" if !field.value.is_empty() => form.push((field.label.clone(), field.value.clone())),
            _ => {}
        }
    }
    let query = if asked { format!("?{}", query.finish()) } else { String::new() };
    Call {
        method: operation.method.to_uppercase(),
        url: format!("{}{path}{query}", app.public_url()),
        token: operation.access != Access::Public,
        media: operation.media().to_owned(),
        body: match body {
            Some(text) => Body::Json(text.to_owned()),
            None if !form.is_empty() => Body::Form(form),
            None => Body::None,
        },
        streams: operation.streams,
    }
}

pub(super) async fn page(
    State(app): State<App>,
    me: Member,
    Extension(Reference(document)): Extension<Reference>,
    Path(anchor): Path<String>,
) -> Result<Page> {
    show(&app, &me, &found(&document, &anchor)?, &Filled::default(), None).await
}

pub(super) async fn fill(
    State(app): State<App>,
    Extension(Reference(document)): Extension<Reference>,
    Path(anchor): Path<String>,
    Posted { member, form }: Posted<Filled>,
) -> Result<Page> {
    show(&app, &member, &found(&document, &anchor)?, &form, None).await
}

pub(super) async fn token(
    State(app): State<App>,
    Extension(Reference(document)): Extension<Reference>,
    Path(anchor): Path<String>,
    Posted { member, form }: Posted<Filled>,
) -> Result<Response> {
    let operation = found(&document, &anchor)?;
    match tokens::trial(&app, member.user_id(), &form.app_id).await {
        Ok(trial) => Ok(show(&app, &member, &operation, &form, Some(&trial)).await?.into_response()),
        Err(error) => member.refused(&app, &format!("/developer/try/{anchor}"), error),
    }
}
