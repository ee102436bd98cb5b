//! Reports by readers, and what the operator does about them.
//!
//! Invariant: everything an operator does is a row of the trail, with who, what, when and why, written in the transaction that
//! does it; the trail is never changed.

pub mod http;
mod store;

use secondme_kit::Millis;
use secondme_store::Tx;

use super::{certificates, comments, posts};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// What can be reported and moderated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A post.
    Post,
    /// A comment.
    Comment,
    /// A user's certificate; its id is the user's.
    Certificate,
}

impl Target {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Certificate => "certificate",
        }
    }

    /// What an id stands for, by its form.
    pub fn of(id: &str) -> Option<Self> {
        match id {
            id if id.starts_with("post_") => Some(Self::Post),
            id if id.starts_with("comment_") => Some(Self::Comment),
            id => id.parse::<i64>().ok().map(|_| Self::Certificate),
        }
    }
}

/// What an operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nobody sees it, but it is kept.
    Hide,
    /// It is seen again.
    Restore,
    /// It is deleted for good.
    Remove,
    /// The reports were looked at, and nothing was done.
    Dismiss,
}

impl Action {
    /// The word in the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hide => "hide",
            Self::Restore => "restore",
            Self::Remove => "remove",
            Self::Dismiss => "dismiss",
        }
    }
}

/// Something that readers reported and nobody has dealt with.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Post or comment.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// How many readers reported it.
    pub reports: i64,
    /// What the last of them said.
    pub reason: String,
    /// When the first of them said so.
    pub since: Millis,
}

/// A line of the trail.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Trace {
    pub at: Millis,
    pub operator: String,
    pub action: String,
    pub kind: String,
    pub id: String,
    pub reason: String,
}

/// Reports a post or comment to the operator. A second report of the same reader changes nothing.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`, `resource.fetch.not_found`, `invalid.param` without a reason.
pub async fn report(app: &App, reporter: i64, target: Target, id: &str, reason: &str) -> Result<()> {
    let reason = checked(app, reason)?;
    let mut tx = app.store().write().await?;
    certificates::require(&mut tx, reporter).await?;
    if author(&mut tx, target, id).await?.is_none() {
        return Err(not_found(target));
    }
    store::insert_report(&mut tx, (target.word(), id), reporter, reason, app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Does what an operator decided, closes the reports about it, and writes the trail.
///
/// # Errors
/// `resource.fetch.not_found`, `invalid.param` without a reason.
pub async fn act(app: &App, operator: &str, action: Action, id: &str, reason: &str) -> Result<()> {
    let reason = checked(app, reason)?;
    let target = Target::of(id).ok_or_else(|| not_found(Target::Post))?;
    let mut tx = app.store().write().await?;
    let author = author(&mut tx, target, id).await?.ok_or_else(|| not_found(target))?;
    apply(&mut tx, action, target, id, author).await?;
    let now = app.now();
    if action != Action::Restore {
        store::resolve(&mut tx, (target.word(), id), action.word(), now).await?;
    }
    store::insert_trace(&mut tx, operator, action.word(), (target.word(), id), reason, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn apply(tx: &mut Tx, action: Action, target: Target, id: &str, author: i64) -> Result<()> {
    match (action, target) {
        (Action::Dismiss, _) => {}
        (Action::Remove, Target::Post) => drop(posts::delete_in(tx, author, id).await?),
        (Action::Remove, Target::Comment) => drop(comments::delete_in(tx, author, id).await?),
        (Action::Hide, Target::Post) => drop(posts::set_state(tx, id, "hidden").await?),
        (Action::Restore, Target::Post) => drop(posts::set_state(tx, id, "visible").await?),
        (Action::Hide, Target::Comment) => drop(comments::moderate(tx, id, "hidden").await?),
        (Action::Restore, Target::Comment) => drop(comments::moderate(tx, id, "visible").await?),
        (Action::Hide | Action::Remove, Target::Certificate) => {
            certificates::set_status(tx, author, "revoked").await?;
        }
        (Action::Restore, Target::Certificate) => {
            certificates::set_status(tx, author, "active").await?;
        }
    }
    Ok(())
}

/// Whose it is, when it is there in any state.
async fn author(tx: &mut Tx, target: Target, id: &str) -> Result<Option<i64>> {
    match target {
        Target::Post => posts::author_of(tx, id).await,
        Target::Comment => comments::author_of(tx, id).await,
        Target::Certificate => {
            let holder = certificates::of_in(tx, id.parse().unwrap_or(0)).await?;
            Ok(holder.map(|certificate| certificate.user_id))
        }
    }
}

fn not_found(target: Target) -> ApiError {
    ApiError::new(Code::NotFound).arg(target.word())
}

fn checked<'r>(app: &App, reason: &'r str) -> Result<&'r str> {
    let max = app.config().plaza.reason_max_chars;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ApiError::invalid("reason", &Problem::Required));
    }
    if reason.chars().count() > max {
        return Err(ApiError::invalid("reason", &Problem::TooLong(max)));
    }
    Ok(reason)
}

/// What waits for the operator, the longest first.
///
/// # Errors
/// Storage failures only.
pub async fn waiting(app: &App) -> Result<Vec<Reported>> {
    Ok(store::waiting(app.store()).await?)
}

/// The last lines of the trail, newest first.
///
/// # Errors
/// Storage failures only.
pub async fn trail(app: &App, limit: i64) -> Result<Vec<Trace>> {
    Ok(store::trail(app.store(), limit).await?)
}
