//! A visitor's conversation with an avatar: opening it, and saying something (contract 15.1, 15.2).
//!
//! Invariant: one conversation per visitor and avatar, for ever the same; what was accepted is stored and will be answered.

pub mod http;
mod standing;
mod store;
pub mod visits;

pub use standing::{Standing, standing, write_acks};
pub(super) use store::session;

use secondme_kit::Millis;
use secondme_store::Tx;
use serde_json::Map;

use super::credential::{self, Addresses, Credential};
use super::log::{self, Draft, News};
use super::meter::{self, Use};
use super::who::{self, Visitor};
use super::{answer, hub, learning};
use crate::access::AppAuth;
use crate::app::App;
use crate::avatars::api_keys;
use crate::avatars::center::Avatar;
use crate::avatars::interactions::{self, Conversation, Sender};
use crate::error::{ApiError, Code, Problem, Result};

/// A conversation as stored.
#[derive(Clone, Debug)]
pub struct Session {
    /// A UUID.
    pub session_id: String,
    /// The avatar's owner.
    pub user_id: i64,
    /// The avatar.
    pub avatar_id: i64,
    /// Where it goes on.
    pub channel: Channel,
    /// Who visits: the same text for the same visitor.
    pub visitor: String,
    /// The visiting user, when they signed in.
    pub visitor_user_id: Option<i64>,
    /// The app they came through last.
    pub app_id: Option<String>,
    /// The avatar key it was opened with last.
    pub key_id: Option<i64>,
    /// As given, or the user's name; may be empty.
    pub visitor_name: String,
    /// The app's name.
    pub app_name: String,
    /// Credentials of an older epoch are over.
    pub epoch: i64,
    /// Whether the owner answers in person.
    pub taken_over: bool,
    /// Whether the owner blocked the visitor.
    pub blocked: bool,
    /// When something was last said, or it was opened.
    pub active_at: Millis,
}

/// Where a conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `visitor-chat`: replies come over the socket.
    Socket,
    /// `ws-chat`: replies come in the answer.
    Sync,
}

impl Channel {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        if self == Self::Socket { "socket" } else { "sync" }
    }
}

impl Session {
    /// `name(appName)`: what the owner sees (contract 15.1).
    pub fn display_name(&self) -> String {
        let name = if self.visitor_name.is_empty() { "Visitor" } else { &self.visitor_name };
        if self.app_name.is_empty() { name.to_owned() } else { format!("{name}({})", self.app_name) }
    }

    /// The conversation as the avatar's statistics know it.
    pub fn conversation<'a>(&'a self, display_name: &'a str) -> Conversation<'a> {
        Conversation {
            user_id: self.user_id,
            avatar_id: self.avatar_id,
            session_id: &self.session_id,
            visitor: &self.visitor,
            visitor_name: display_name,
        }
    }

    /// Whether the owner is talking to their own avatar, as themselves or as the visitor they play.
    pub fn is_owners(&self) -> bool {
        self.visitor_user_id == Some(self.user_id) || self.visitor.starts_with(super::visits::TEST)
    }
}

/// What `init` answers.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The conversation.
    pub session: Session,
    /// Fresh addresses of its log.
    pub addresses: Addresses,
    /// Whom it is with.
    pub avatar: Avatar,
}

const NAME_MAX_CHARS: usize = 200;

/// Opens the conversation of a visitor with the avatar behind a key, or opens it again.
///
/// # Errors
/// `visitor_chat.visitor_id_required`, `invalid.param`, `open.api.key.not.found`, `open.api.user.not.found`,
/// `visitor_chat.closed`, `visitor_chat.blocked`, `request.rate.limited`.
pub async fn init(
    app: &App,
    caller: &AppAuth,
    api_key: Option<&str>,
    visitor_id: Option<&str>,
    visitor_name: Option<&str>,
) -> Result<Opened> {
    who::require_scope(caller)?;
    let api_key = api_key.filter(|key| !key.trim().is_empty());
    let api_key = api_key.ok_or_else(|| ApiError::invalid("apiKey", &Problem::Required))?;
    if visitor_name.is_some_and(|name| name.chars().count() > NAME_MAX_CHARS) {
        return Err(ApiError::invalid("visitorName", &Problem::TooLong(NAME_MAX_CHARS)));
    }
    let visitor = who::of(app, caller, visitor_id).await?;
    let opened = api_keys::open(app, api_key).await?;
    hub::settings::require_open(app, opened.avatar.id).await?;
    let name = visitor.name(app, visitor_name).await?;
    let session = open(app, &visitor, &opened.avatar, Some(opened.key_id), Channel::Socket, &name).await?;
    let addresses = credential::issue(
        app,
        &Credential {
            session_id: session.session_id.clone(),
            epoch: session.epoch,
            authorization: visitor.authorization,
            app_id: visitor.app_id.unwrap_or_default(),
            demo: visitor.demo,
        },
    );
    Ok(Opened { session, addresses, avatar: opened.avatar })
}

/// Finds or makes the conversation of a visitor with an avatar.
///
/// # Errors
/// `visitor_chat.blocked`, `request.rate.limited`.
pub async fn open(
    app: &App,
    visitor: &Visitor,
    avatar: &Avatar,
    key_id: Option<i64>,
    channel: Channel,
    name: &str,
) -> Result<Session> {
    let fresh = app.entropy().uuid();
    let mut tx = app.store().write().await?;
    if let Some(app_id) = visitor.app_id.as_ref().filter(|_| channel == Channel::Socket) {
        meter::count(app, &mut tx, Use::init(app, app_id).as_slice()).await?;
    }
    store::open(&mut tx, &fresh, visitor, (avatar.user_id, avatar.id), (key_id, channel.word(), name), app.now())
        .await?;
    let session = store::of_visitor(&mut tx, avatar.id, channel.word(), &visitor.key).await?;
    let session = session.ok_or_else(|| ApiError::new(Code::Internal))?;
    if session.blocked {
        return Err(ApiError::new(Code::VisitorBlocked));
    }
    if !session.is_owners() {
        interactions::visit(&mut tx, &session.conversation(&session.display_name()), app.now()).await?;
    }
    tx.commit().await?;
    Ok(session)
}

/// The conversation that a visitor has with an avatar.
///
/// # Errors
/// Storage failures only.
pub async fn of_visitor(app: &App, avatar_id: i64, channel: Channel, visitor: &str) -> Result<Option<Session>> {
    Ok(store::of_visitor(&mut app.store().read().await?, avatar_id, channel.word(), visitor).await?)
}

/// Says something in a conversation that the caller opened. The reply comes through the log.
///
/// # Errors
/// `invalid.param`, `visitor_chat.session_not_found`, `visitor_chat.session_expired`, the errors of the key, of closed avatars and
/// blocked visitors, and those of [`meter`].
pub async fn send(
    app: &App,
    caller: &AppAuth,
    session_id: Option<&str>,
    api_key: Option<&str>,
    message: &str,
) -> Result<()> {
    who::require_scope(caller)?;
    let session_id = session_id.ok_or_else(|| ApiError::invalid("sessionId", &Problem::Required))?;
    check_message(app, message)?;
    let session = admitted(app, caller, session_id).await?;
    let opened = match (api_key.filter(|key| !key.trim().is_empty()), session.key_id) {
        (Some(key), _) => api_keys::open(app, key).await?,
        (None, Some(key_id)) => api_keys::reopen(app, key_id).await?,
        (None, None) => return Err(ApiError::new(Code::OpenKeyUnknown)),
    };
    if opened.avatar.id != session.avatar_id {
        return Err(ApiError::new(Code::OpenKeyUnknown));
    }
    hub::settings::require_open(app, session.avatar_id).await?;
    let app_id = match caller {
        AppAuth::User(caller) => caller.app_id(),
        AppAuth::App(caller) => Some(caller.app_id.as_str()),
    };
    say(app, &session, &opened.avatar, app_id, message).await?;
    Ok(())
}

/// Refuses a message that is blank or too long.
///
/// # Errors
/// `invalid.param`.
pub fn check_message(app: &App, message: &str) -> Result<()> {
    let max = app.config().visitor.message_max_chars;
    if message.trim().is_empty() {
        return Err(ApiError::invalid("message", &Problem::Required));
    }
    if message.chars().count() > max {
        return Err(ApiError::invalid("message", &Problem::TooLong(max)));
    }
    Ok(())
}

/// The conversation, if it is the caller's: the visiting user's own, or one that the app opened for an anonymous visitor.
async fn admitted(app: &App, caller: &AppAuth, session_id: &str) -> Result<Session> {
    let unknown = || ApiError::new(Code::VisitorSessionUnknown);
    let mut tx = app.store().read().await?;
    let session = store::get(&mut tx, session_id).await?.filter(|s| s.channel == Channel::Socket);
    drop(tx);
    let session = session.ok_or_else(unknown)?;
    let theirs = match caller {
        AppAuth::User(caller) => session.visitor_user_id == Some(caller.user_id),
        AppAuth::App(caller) => {
            session.visitor_user_id.is_none() && session.app_id.as_deref() == Some(caller.app_id.as_str())
        }
    };
    if !theirs {
        return Err(unknown());
    }
    if session.active_at + app.config().visitor.session_days * 86_400_000 < app.now() {
        return Err(ApiError::new(Code::VisitorSessionExpired));
    }
    Ok(session)
}

/// What was accepted of a visitor.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its id.
    pub message_id: String,
    /// The log's last number with it: what comes after answers it, or an earlier one.
    pub head: i64,
    /// Whether the avatar will answer; else the owner may.
    pub by_avatar: bool,
}

/// Stores what a visitor says, shows it to those who read along, and has it answered.
///
/// # Errors
/// `visitor_chat.blocked` and the errors of [`meter`].
pub async fn say(
    app: &App,
    session: &Session,
    avatar: &Avatar,
    app_id: Option<&str>,
    message: &str,
) -> Result<Accepted> {
    let message_id = format!("vmsg_{}", app.entropy().alphanumeric(20));
    let mut tx = app.store().write().await?;
    let draft = Draft::whole(log::VISITOR, &message_id, message);
    // The session's row is locked from here on: messages have the order of their frames.
    let news = append(app, &mut tx, &session.session_id, &draft).await?;
    let now =
        store::get(&mut tx, &session.session_id).await?.ok_or_else(|| ApiError::new(Code::VisitorSessionUnknown))?;
    if now.blocked {
        return Err(ApiError::new(Code::VisitorBlocked));
    }
    meter::count(app, &mut tx, &meter::of_message(app, session, avatar, app_id)).await?;
    let by_avatar = !now.taken_over;
    let state = if by_avatar { "waiting" } else { "owner" };
    add_message(app, &mut tx, session, (&message_id, Sender::Visitor, state), message).await?;
    if by_avatar {
        answer::watch_over(app, &mut tx, &session.session_id).await?;
    }
    learning::read_when_quiet(app, &mut tx, session).await?;
    tx.commit().await?;
    let accepted = Accepted { message_id, head: news.head, by_avatar };
    news.publish(app).await;
    if by_avatar {
        answer::wake(app, &session.session_id);
    }
    Ok(accepted)
}

async fn append(app: &App, tx: &mut Tx, session_id: &str, draft: &Draft<'_>) -> Result<News> {
    let news = log::append(app, tx, session_id, None, std::slice::from_ref(draft)).await?;
    news.ok_or_else(|| ApiError::new(Code::VisitorSessionUnknown))
}

/// Stores a message and what the owner's list and statistics show of it, in the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn add_message(
    app: &App,
    tx: &mut Tx,
    session: &Session,
    (message_id, sender, state): (&str, Sender, &str),
    text: &str,
) -> Result<()> {
    let now = app.now();
    store::add_message(tx, session, (message_id, sender.word(), state), text, now).await?;
    let preview: String = text.chars().take(100).collect();
    let unread = i64::from(sender == Sender::Visitor);
    store::touch(tx, &session.session_id, sender.word(), &preview, unread, now).await?;
    if !session.is_owners() {
        interactions::record(tx, &session.conversation(&session.display_name()), sender, text, now).await?;
    }
    Ok(())
}

/// Where the end of credentials is told; the session's id is the last word, the new epoch the payload.
pub const END_SUBJECT: &str = "visitor.end";

/// A conversation by its id, for those who hold its lease or own its avatar.
///
/// # Errors
/// Storage failures only.
pub async fn get(tx: &mut Tx, session_id: &str) -> Result<Option<Session>> {
    Ok(store::get(tx, session_id).await?)
}

/// A frame that tells the sockets of a conversation that something happened, in the caller's transaction.
///
/// # Errors
/// `visitor_chat.session_not_found`; storage failures.
pub async fn tell(app: &App, tx: &mut Tx, session_id: &str, event: &str) -> Result<News> {
    append(app, tx, session_id, &Draft::event("", Map::new(), event)).await
}
