//! Friends (contract 18.1 to 18.4): invite, answer, list, talk.
//!
//! Invariants: a friendship is two rows, made and ended together; an invitation is answered once; a session with a friend is
//! readable by the two and nobody else.

pub mod http;
mod ice;
mod store;

use secondme_kit::{Millis, Page};
use secondme_store::Tx;

pub use ice::break_ice;
pub(super) use store::statuses;

use crate::app::App;
use crate::chat::sessions::between::{self, Said};
use crate::error::{ApiError, Code, Problem, Result};
use crate::users::profile;

/// A friend as the list shows them.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of contract 18.1")]
pub struct Friend {
    pub id: i64,
    pub name: String,
    pub avatar: String,
    pub route: String,
    pub session_id: String,
    pub latest_message: String,
    pub latest_message_time: Millis,
    pub unread_count: i64,
    pub source: String,
    pub source_direction: String,
    pub blocked_by_me: bool,
    pub is_blocked: bool,
}

/// A page of friends and the numbers beside it.
#[derive(Debug)]
pub struct Friends {
    /// The page, the last active first.
    pub friends: Vec<Friend>,
    /// How many friends there are.
    pub total: i64,
    /// Invitations that wait for the user's answer.
    pub pending: i64,
    /// Unread messages of all friends.
    pub unread: i64,
}

/// An invitation that waits for an answer.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Invitation {
    pub from_id: i64,
    pub name: String,
    pub avatar: String,
    pub route: String,
    pub greeting: String,
    pub source: String,
    pub created_at: Millis,
}

/// An invitation to send.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Whom to invite.
    pub target: i64,
    /// A few words; may be empty.
    pub greeting: String,
    /// `DISCOVER`, `PLAZA` or empty.
    pub source: String,
    /// Where exactly, as JSON.
    pub source_data: String,
}

/// One side of a friendship.
#[derive(Clone, Debug)]
struct Bond {
    session_id: String,
    blocked: bool,
}

/// A user's friends.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64, page: Page) -> Result<Friends> {
    let mut tx = app.store().read().await?;
    let (total, unread) = store::totals(&mut tx, user_id).await?;
    Ok(Friends {
        friends: store::page(&mut tx, user_id, page).await?,
        total,
        pending: store::pending_count(&mut tx, user_id).await?,
        unread,
    })
}

/// Invitations that wait for the user's answer, newest first.
///
/// # Errors
/// Storage failures only.
pub async fn invitations(app: &App, user_id: i64) -> Result<Vec<Invitation>> {
    let mut tx = app.store().read().await?;
    Ok(store::pending(&mut tx, user_id).await?)
}

/// Invites somebody. Who was invited by them already becomes their friend. A rejected invitation can be sent again after a week;
/// until then it looks as if it waited.
///
/// # Errors
/// `friend.invite.already_sent`, `friend.invite.already_friend`, `friend.invite.too_many`, `resource.fetch.not_found`,
/// `invalid.param` for oneself.
pub async fn invite(app: &App, user_id: i64, new: &NewInvitation) -> Result<()> {
    if new.target == user_id {
        return Err(ApiError::invalid("targetUserId", &Problem::Expected("somebody else", "其他用户")));
    }
    let now = app.now();
    let mut tx = app.store().write().await?;
    profile::get_in(&mut tx, new.target).await?;
    if store::bond(&mut tx, user_id, new.target).await?.is_some() {
        return Err(ApiError::new(Code::InviteFriend));
    }
    if let Some(theirs) = store::answer(&mut tx, new.target, user_id, "ACCEPTED", now).await? {
        befriend(app, &mut tx, new.target, user_id, &theirs).await?;
        tx.commit().await?;
        return Ok(());
    }
    if store::sent_count(&mut tx, user_id).await? >= app.config().social.pending_invitations_max {
        return Err(ApiError::new(Code::InvitesTooMany));
    }
    let again_before = now - app.config().social.invite_again_seconds * 1_000;
    if store::insert_invitation(&mut tx, user_id, new, now, again_before).await? == 0 {
        return Err(ApiError::new(Code::InviteSent));
    }
    tx.commit().await?;
    Ok(())
}

/// Answers an invitation of `inviter`.
///
/// # Errors
/// `friend.invite.not_found`, `friend.invite.already_handled`.
pub async fn handle(app: &App, user_id: i64, inviter: i64, accept: bool) -> Result<()> {
    let mut tx = app.store().write().await?;
    let word = if accept { "ACCEPTED" } else { "REJECTED" };
    let Some(invitation) = store::answer(&mut tx, inviter, user_id, word, app.now()).await? else {
        let known = store::has_invitation(&mut tx, inviter, user_id).await?;
        return Err(ApiError::new(if known { Code::InviteHandled } else { Code::InviteNotFound }));
    };
    if accept {
        befriend(app, &mut tx, inviter, user_id, &invitation).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Makes the two rows, and puts the greeting at the beginning of their conversation.
async fn befriend(app: &App, tx: &mut Tx, inviter: i64, guest: i64, invitation: &store::Answered) -> Result<()> {
    let now = app.now();
    store::insert_bond(tx, inviter, guest, &invitation.source, "OUTGOING", now).await?;
    store::insert_bond(tx, guest, inviter, &invitation.source, "INCOMING", now).await?;
    if !invitation.greeting.is_empty() {
        tell(app, tx, inviter, guest, &invitation.greeting, false).await?;
        store::mark_read(tx, guest, inviter).await?;
    }
    Ok(())
}

/// Says something to a friend, in their session or a new one; the session's id and the message's.
async fn tell(
    app: &App,
    tx: &mut Tx,
    user_id: i64,
    friend_id: i64,
    content: &str,
    by_avatar: bool,
) -> Result<(String, String)> {
    let mine = store::bond(tx, user_id, friend_id).await?.ok_or_else(not_found)?;
    let theirs = store::bond(tx, friend_id, user_id).await?.ok_or_else(not_found)?;
    if mine.blocked || theirs.blocked {
        return Err(ApiError::new(Code::FriendBlocked));
    }
    let session_id = match mine.session_id {
        id if id.is_empty() => {
            let id = between::open(app, tx, user_id, friend_id).await?;
            store::set_session(tx, user_id, friend_id, &id).await?;
            id
        }
        id => id,
    };
    let owner = between::parties(tx, &session_id).await?.map_or(user_id, |(owner, _)| owner);
    let said = Said { owner, sender: user_id, by_avatar, content };
    let message_id = between::append(app, tx, &session_id, &said).await?;
    let preview: String = content.chars().take(100).collect();
    store::note_message(tx, user_id, friend_id, &preview, app.now()).await?;
    Ok((session_id, message_id))
}

/// Says something to a friend; the session's id and the message's. What the friend said is read by then.
///
/// # Errors
/// `friend.not_found`, `friend.blocked`, `invalid.param`.
pub async fn send(app: &App, user_id: i64, friend_id: i64, content: &str) -> Result<(String, String)> {
    let max = app.config().social.message_max_chars;
    if content.trim().is_empty() {
        return Err(ApiError::invalid("message", &Problem::Required));
    }
    if content.chars().count() > max {
        return Err(ApiError::invalid("message", &Problem::TooLong(max)));
    }
    let mut tx = app.store().write().await?;
    let told = tell(app, &mut tx, user_id, friend_id, content, false).await?;
    store::mark_read(&mut tx, user_id, friend_id).await?;
    tx.commit().await?;
    Ok(told)
}

/// The friend whom the user has this session with.
///
/// # Errors
/// `friend.not_found`.
pub async fn of_session(app: &App, user_id: i64, session_id: &str) -> Result<i64> {
    let mut tx = app.store().read().await?;
    store::friend_in(&mut tx, user_id, session_id).await?.ok_or_else(not_found)
}

/// Notes that the user has read what a friend said.
///
/// # Errors
/// `friend.not_found`.
pub async fn mark_read(app: &App, user_id: i64, friend_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::mark_read(&mut tx, user_id, friend_id).await? == 0 {
        return Err(not_found());
    }
    tx.commit().await?;
    Ok(())
}

/// Blocks a friend's messages and posts, or lets them through again.
///
/// # Errors
/// `friend.not_found`.
pub async fn block(app: &App, user_id: i64, friend_id: i64, blocked: bool) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::set_blocked(&mut tx, user_id, friend_id, blocked).await? == 0 {
        return Err(not_found());
    }
    tx.commit().await?;
    Ok(())
}

/// Ends a friendship on both sides. Their session stays readable for both.
///
/// # Errors
/// `friend.not_found`.
pub async fn remove(app: &App, user_id: i64, friend_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::delete_bonds(&mut tx, user_id, friend_id).await? == 0 {
        return Err(not_found());
    }
    tx.commit().await?;
    Ok(())
}

fn not_found() -> ApiError {
    ApiError::new(Code::FriendNotFound)
}
