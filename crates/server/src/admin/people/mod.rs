//! Accounts in the operator's hands.

use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::users::accounts::people;

use super::trail::{self, Deed};

/// What an operator does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ends all its access.
    Suspend,
    /// Lets it back in.
    Reinstate,
    /// Makes it an operator's.
    Promote,
    /// Takes that back.
    Demote,
}

impl Action {
    const ALL: [Self; 4] = [Self::Suspend, Self::Reinstate, Self::Promote, Self::Demote];

    /// The word in the trail and in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Reinstate => "reinstate",
            Self::Promote => "make operator",
            Self::Demote => "no operator",
        }
    }

    /// The action behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }
}

/// Does it, and writes it down. `operator` is the name in the trail.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn act(app: &App, operator: &str, user_id: i64, action: Action, reason: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    match action {
        Action::Suspend => people::suspend_in(app, &mut tx, user_id).await?,
        Action::Reinstate => people::reinstate_in(app, &mut tx, user_id).await?,
        Action::Promote => people::set_operator_in(app, &mut tx, user_id, true).await?,
        Action::Demote => people::set_operator_in(app, &mut tx, user_id, false).await?,
    }
    let id = user_id.to_string();
    trail::write(app, &mut tx, Deed { operator, action: action.word(), kind: "user", id: &id, reason }).await?;
    tx.commit().await?;
    Ok(())
}

/// The same for an operator at a page, who cannot lock themselves out.
///
/// # Errors
/// As [`act`]; `invalid.param` when it is their own account.
pub async fn act_as(app: &App, (me, name): (i64, &str), user_id: i64, action: Action, reason: &str) -> Result<()> {
    if me == user_id && matches!(action, Action::Suspend | Action::Demote) {
        return Err(ApiError::new(Code::OperatorSelf));
    }
    act(app, name, user_id, action, reason).await
}
