//! From nothing to a first answer, in commands that carry the app's own ids.

use askama::Template;
use axum::extract::{Path, State};

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::oauth::apps::{self, Application};
use crate::oauth::inspector::snippets::{Body, Call, Snippets};
use crate::users::accounts::Member;

#[derive(Template)]
#[template(path = "developer/start.html")]
struct StartTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app_id: &'a str,
    app: &'a Application,
    public: bool,
    authorize: String,
    redirect_uri: &'a str,
    exchange: Snippets,
    me: Snippets,
    chat: Snippets,
    chats: bool,
    environment: String,
}

pub(super) async fn page(State(app): State<App>, me: Member, Path(app_id): Path<String>) -> Result<Page> {
    let known = apps::owned(app.store(), me.user_id(), &app_id).await?;
    let base = format!("{}/api", app.base_url());
    let redirect_uri = known.redirect_uris.first().map_or("", String::as_str);
    let public = known.client_type == apps::ClientType::Public;
    let call = |method: &str, path: &str, body: Body, streams: bool| Call {
        method: method.to_owned(),
        url: format!("{base}/{path}"),
        token: true,
        media: String::new(),
        body,
        streams,
    };
    let exchange = Call { token: false, ..call("POST", "oauth/token/code", exchange(&known, redirect_uri), false) };
    let chat = Body::Json(r#"{"message":"Hello, who are you?","model":"secondme/nano"}"#.to_owned());
    Ok(Page::new(&StartTemplate {
        lang: me.lang(),
        frame: &me.frame,
        app_id: &app_id,
        app: &known,
        public,
        authorize: authorize(&app, &known, redirect_uri),
        redirect_uri,
        exchange: exchange.snippets(),
        me: call("GET", "secondme/user/info", Body::None, false).snippets(),
        chat: call("POST", "secondme/chat/stream", chat, true).snippets(),
        chats: known.allowed.set.has(crate::access::Scope::ChatWrite),
        environment: environment(&app, &known, redirect_uri),
    }))
}

/// The form of the exchange, with what only the developer knows in capitals.
fn exchange(app: &Application, redirect_uri: &str) -> Body {
    let secret = match app.client_type {
        apps::ClientType::Public => ("code_verifier", "THE_VERIFIER_BEHIND_YOUR_CHALLENGE"),
        apps::ClientType::Confidential => ("client_secret", "YOUR_CLIENT_SECRET"),
    };
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", "THE_CODE_FROM_THE_REDIRECT"),
        ("redirect_uri", redirect_uri),
        ("client_id", &app.client_id),
        secret,
    ];
    Body::Form(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// Where people's browsers are sent.
fn authorize(app: &App, known: &Application, redirect_uri: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &known.client_id);
    query.append_pair("redirect_uri", redirect_uri);
    query.append_pair("response_type", "code");
    query.append_pair("scope", &known.allowed.joined());
    query.append_pair("state", "something-you-can-check");
    if known.client_type == apps::ClientType::Public {
        query.append_pair("code_challenge_method", "S256");
        query.append_pair("code_challenge", "BASE64URL_SHA256_OF_YOUR_VERIFIER");
    }
    format!("{}/oauth/?{}", app.public_url(), query.finish())
}

fn environment(app: &App, known: &Application, redirect_uri: &str) -> String {
    let secret = match known.client_type {
        apps::ClientType::Public => "",
        apps::ClientType::Confidential => "SECONDME_CLIENT_SECRET=…\n",
    };
    format!(
        "SECONDME_BASE_URL={}\nSECONDME_OAUTH_URL={}/oauth/\nSECONDME_CLIENT_ID={}\n{secret}SECONDME_REDIRECT_URI={redirect_uri}\n",
        app.base_url(),
        app.public_url(),
        known.client_id
    )
}
