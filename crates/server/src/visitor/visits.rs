//! Visits in a browser: on the public page of an avatar, in the widget on another site, and the owner's own test.
//!
//! Invariant: the same conversations, limits and sockets as those of apps; only who visits is known in another way.

use secondme_kit::secret::same;

use super::credential::{self, Credential, WS_PATH};
use super::hub::{self, Message};
use super::log;
use super::sessions::{self, Channel, Session};
use super::who::Visitor;
use crate::app::App;
use crate::avatars::center::Avatar;
use crate::error::Result;

/// Who visits in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Somebody who signed in.
    User(i64),
    /// Somebody who did not: known by a random id that we gave their browser.
    Unknown(String),
    /// The owner, who wants to see what others see: hears what a visitor hears, and is not counted as one.
    Test(i64),
}

/// What marks the owner's test conversation.
pub(super) const TEST: &str = "t:";
const PURPOSE: &str = "visitor.browser";

impl Guest {
    /// Somebody new.
    pub fn fresh(app: &App) -> Self {
        Self::Unknown(app.entropy().hex(32))
    }

    /// What an unknown visitor's browser keeps, so that they are the same one next time; empty for the others.
    pub fn token(&self, app: &App) -> String {
        match self {
            Self::Unknown(id) => format!("{id}.{}", app.key().sign(PURPOSE, id)),
            Self::User(_) | Self::Test(_) => String::new(),
        }
    }

    /// The unknown visitor of a token, when it is one of ours.
    pub fn of_token(app: &App, token: &str) -> Option<Self> {
        let (id, signature) = token.split_once('.')?;
        let expected = app.key().sign(PURPOSE, id);
        same(expected.as_bytes(), signature.as_bytes()).then(|| Self::Unknown(id.to_owned()))
    }

    fn visitor(&self) -> Visitor {
        let (key, user_id) = match self {
            Self::User(id) => (format!("u:{id}"), Some(*id)),
            Self::Unknown(id) => (format!("g:{id}"), None),
            Self::Test(id) => (format!("{TEST}{id}"), None),
        };
        Visitor { key, user_id, app_id: None, app_name: String::new(), authorization: None, demo: false }
    }
}

/// A visit: what was said so far, and where the rest comes.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The conversation.
    pub session: Session,
    /// The path of the socket, from this server's root, with its credential and the cursor behind `messages`.
    pub socket: String,
    /// The last messages, oldest first.
    pub messages: Vec<Message>,
}

/// Messages that a page shows at first.
const SHOWN: i64 = 50;

/// The conversation of a visitor with an avatar, if there is one already.
///
/// # Errors
/// Storage failures only.
pub async fn look(app: &App, avatar: &Avatar, guest: &Guest) -> Result<Option<Visit>> {
    match sessions::of_visitor(app, avatar.id, Channel::Socket, &guest.visitor().key).await? {
        Some(session) => visit(app, session).await.map(Some),
        None => Ok(None),
    }
}

async fn visit(app: &App, session: Session) -> Result<Visit> {
    let (head, messages) = hub::messages(app, session.user_id, &session.session_id, None, SHOWN).await?;
    // A reply that is being written has no message yet: the socket begins before it.
    let cursor = log::unfinished(app, &session.session_id).await?.map_or(head, |first| first - 1);
    let opened = Credential {
        session_id: session.session_id.clone(),
        epoch: session.epoch,
        authorization: None,
        app_id: String::new(),
        demo: false,
    };
    let address = credential::issue(app, &opened).ws;
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let socket = format!("{WS_PATH}?{query}&cursor={cursor}");
    Ok(Visit { session, socket, messages })
}

/// Says something to an avatar, and opens the conversation if this is the first word.
///
/// # Errors
/// `invalid.param`, `visitor_chat.closed`, `visitor_chat.blocked`, and those of the limits.
pub async fn say(app: &App, avatar: &Avatar, guest: &Guest, message: &str) -> Result<Visit> {
    sessions::check_message(app, message)?;
    let visitor = guest.visitor();
    if visitor.user_id != Some(avatar.user_id) && !matches!(guest, Guest::Test(_)) {
        hub::settings::require_open(app, avatar.id).await?;
    }
    let name = match guest {
        Guest::Test(_) => "Test".to_owned(),
        _ => visitor.name(app, None).await?,
    };
    let session = sessions::open(app, &visitor, avatar, None, Channel::Socket, &name).await?;
    let before = visit(app, session).await?;
    sessions::say(app, &before.session, avatar, None, message).await?;
    Ok(before)
}
