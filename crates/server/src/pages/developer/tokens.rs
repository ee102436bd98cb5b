//! The token debugger: what a token stands for, and why it does not work.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::stamp;
use crate::access::Scope;
use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::oauth::console::tokens::{self, Explained};
use crate::oauth::inspector::advice;
use crate::users::accounts::{Member, Posted};

#[derive(Template)]
#[template(path = "developer/tokens.html")]
struct TokensTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    asked: bool,
    told: Option<Told>,
}

/// What there is to say about a token.
struct Told {
    kind: &'static str,
    app_name: Option<String>,
    client_id: Option<String>,
    user: Option<String>,
    scopes: Vec<(String, &'static str)>,
    created: String,
    expires: Option<String>,
    works: bool,
    problem: String,
    todo: &'static str,
}

impl Told {
    fn of(lang: Lang, explained: Explained) -> Self {
        let Explained { grant, app_name, app_scoped_user_id, refusal } = explained;
        let words = |name: &String| {
            let words = Scope::parse(name).first().map(|scope| scope.words()).unwrap_or_default();
            (name.clone(), lang.pick(words.0, words.1))
        };
        let sub_code = refusal.as_ref().map_or("", |error| error.code().row().sub_code);
        Self {
            kind: grant.kind.word(),
            app_name,
            client_id: grant.client_id.clone(),
            user: app_scoped_user_id,
            scopes: grant.scope_names.iter().map(words).collect(),
            created: stamp(grant.created_at),
            expires: grant.expires_at.map(stamp),
            works: refusal.is_none(),
            problem: refusal.as_ref().map(|error| error.message(lang)).unwrap_or_default(),
            todo: advice::of(sub_code, lang).map(|advice| advice.todo).unwrap_or_default(),
        }
    }
}

pub(super) async fn page(me: Member) -> Page {
    Page::new(&TokensTemplate { lang: me.lang(), frame: &me.frame, asked: false, told: None })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    token: String,
}

pub(super) async fn explain(State(app): State<App>, Posted { member, form }: Posted<Asked>) -> Result<Page> {
    let lang = member.lang();
    let told = tokens::explain(&app, member.user_id(), &form.token).await?.map(|explained| Told::of(lang, explained));
    Ok(Page::new(&TokensTemplate { lang, frame: &member.frame, asked: true, told }))
}
