//! The chat of a visitor with an avatar, as a part of several pages: the avatar's own, the widget, the owner's test. What is said
//! goes to `/talk/{shareCode}`; replies come over the socket that apps use.

use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::avatars::center::{self, Avatar};
use crate::error::{ApiError, Code, Result};
use crate::http::page::{Flash, Frame, flash};
use crate::http::{Form, Path};
use crate::pages::is_from_script;
use crate::users::accounts::{MaybeSession, OwnOrigin, local_path};
use crate::visitor::hub::Message;
use crate::visitor::visits::{self, Guest, Visit};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/talk/{share_code}", post(say)).route("/talk/{share_code}/open", post(open))
}

/// What the part needs.
#[derive(Debug)]
pub(in crate::pages) struct Talk {
    /// Where it is said.
    pub action: String,
    /// The page that shows it.
    pub back: String,
    /// Known by this; empty: by the session.
    pub token: String,
    /// `test` where the owner plays a visitor.
    pub role: &'static str,
    /// The socket, when there is a conversation already.
    pub socket: String,
    /// The avatar's name.
    pub name: String,
    /// Its first message.
    pub opening: Option<String>,
    /// What was said so far.
    pub messages: Vec<Message>,
    /// Whether a message waits for its reply.
    pub waits: bool,
    /// Whether the owner answers in person.
    pub taken_over: bool,
}

impl Talk {
    /// The conversation of a guest with an avatar, as it stands.
    ///
    /// # Errors
    /// Storage failures only.
    pub(in crate::pages) async fn of(app: &App, frame: &Frame, avatar: &Avatar, guest: Guest) -> Result<Self> {
        let visit = visits::look(app, avatar, &guest).await?;
        let (socket, messages, taken_over) = match visit {
            Some(Visit { session, socket, messages }) => (socket, messages, session.taken_over),
            None => (String::new(), Vec::new(), false),
        };
        Ok(Self {
            action: format!("/talk/{}", avatar.share_code),
            back: frame.here.clone(),
            token: guest.token(app),
            role: if matches!(guest, Guest::Test(_)) { "test" } else { "" },
            socket,
            name: avatar.title.clone(),
            opening: avatar.opening().map(str::to_owned),
            waits: messages.iter().any(|message| message.state == "waiting"),
            messages,
            taken_over,
        })
    }
}

/// The fields of the form. `token` says who an unknown visitor is; without it the session does, and its `csrf` must be right.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    csrf: Option<String>,
    token: Option<String>,
    role: String,
    back: String,
    message: String,
}

/// What scripts get: where the replies come.
#[derive(Serialize)]
struct Opened {
    socket: String,
    messages: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    author: String,
    text: String,
}

impl From<Visit> for Opened {
    fn from(visit: Visit) -> Self {
        let shown = |m: Message| Shown { id: m.message_id, author: m.author, text: m.content };
        Self { socket: visit.socket, messages: visit.messages.into_iter().map(shown).collect() }
    }
}

/// Says something. A plain form goes back to its page.
async fn say(State(app): State<App>, Path(share_code): Path<String>, request: Request) -> Result<Response> {
    let script = is_from_script(request.headers());
    let (said, guest, frame) = match read(&app, request).await {
        Ok(read) => read,
        Err(refused) => return Ok(refused),
    };
    let avatar = found(&app, &share_code).await?;
    check_role(&guest, &avatar)?;
    let back = local_path(&said.back).unwrap_or("/");
    match visits::say(&app, &avatar, &guest, &said.message).await {
        Ok(visit) if script => Ok(Json(Opened::from(visit)).into_response()),
        Ok(_) => Ok(flash::see_other(&format!("{back}#talk-end"))),
        Err(error) if script || error.code() == Code::Internal => Err(error),
        Err(error) => Ok(Flash::bad(error.message(frame.lang)).on(&app, back)),
    }
}

/// The conversation of a visitor whose browser kept its token: the widget's, which has no cookies.
async fn open(State(app): State<App>, Path(share_code): Path<String>, request: Request) -> Result<Response> {
    let (_, guest, _) = match read(&app, request).await {
        Ok(read) => read,
        Err(refused) => return Ok(refused),
    };
    let avatar = found(&app, &share_code).await?;
    let visit = visits::look(&app, &avatar, &guest).await?;
    Ok(Json(visit.map(Opened::from)).into_response())
}

async fn found(app: &App, share_code: &str) -> Result<Avatar> {
    center::by_share_code(app, share_code).await?.ok_or_else(|| ApiError::new(Code::AvatarUnknown))
}

/// Only its owner tests an avatar.
fn check_role(guest: &Guest, avatar: &Avatar) -> Result<()> {
    match guest {
        Guest::Test(user_id) if *user_id != avatar.user_id => Err(ApiError::new(Code::AvatarUnknown)),
        _ => Ok(()),
    }
}

/// Who says what; or the answer to a form that is not ours.
async fn read(app: &App, request: Request) -> std::result::Result<(Said, Guest, Frame), Response> {
    use axum::extract::FromRequest;
    let (mut parts, body) = request.into_parts();
    OwnOrigin::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
    let frame = Frame::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
    let session = MaybeSession::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
    let form = Form::<Said>::from_request(Request::from_parts(parts, body), app).await;
    let Form(said) = form.map_err(IntoResponse::into_response)?;
    if let Some(guest) = said.token.as_deref().and_then(|token| Guest::of_token(app, token)) {
        return Ok((said, guest, frame));
    }
    let Some(session) = session.0 else { return Err(ApiError::new(Code::Unauthorized).into_response()) };
    session.check_form(frame.lang, said.csrf.as_deref()).map_err(IntoResponse::into_response)?;
    let guest = if said.role == "test" { Guest::Test(session.user_id) } else { Guest::User(session.user_id) };
    Ok((said, guest, frame))
}
