//! What operators see of accounts and do with them: find, suspend, let back in, make operators.
//!
//! Invariant: suspending ends all access of an account at once: sessions in the transaction, tokens and everything open after
//! its commit, on every node. The account's own data stays as it is.

mod store;

use secondme_kit::{Millis, Page};
use secondme_store::Tx;

use super::registration;
use crate::access::revocations;
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// The facts that say that the first operator is there.
const FIRST: &str = "first_operator";

/// An account as operators see it.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub id: i64,
    /// The address that they log in with.
    pub email: String,
    /// The name that others see.
    pub name: String,
    /// The route of the home page.
    pub route: String,
    /// Whether the operator suspended the account.
    pub suspended: bool,
    /// Whether they operate this server.
    pub operator: bool,
    /// Whether they belong to the demo world.
    pub demo: bool,
    /// When they registered.
    pub created_at: Millis,
    /// When a browser of theirs was last seen, to the hour.
    pub last_seen_at: Option<Millis>,
    /// Apps that they let in.
    pub apps: i64,
    /// Avatars that they have.
    pub avatars: i64,
}

/// How many accounts there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub all: i64,
    /// Suspended ones.
    pub suspended: i64,
    /// Operators.
    pub operators: i64,
}

/// A page of accounts whose address, name, route or id has `query` in it, the newest first, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn find(app: &App, query: &str, page: Page) -> Result<(Vec<Person>, i64)> {
    let pattern = pattern(query);
    Ok((store::find(app.store(), &pattern, page).await?, store::count(app.store(), &pattern).await?))
}

/// For `LIKE … ESCAPE '!'`.
fn pattern(query: &str) -> String {
    let plain = query.trim().to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{plain}%")
}

/// One account.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn get(app: &App, user_id: i64) -> Result<Person> {
    store::get(app.store(), user_id).await?.ok_or_else(unknown)
}

/// How many accounts there are.
///
/// # Errors
/// Storage failures only.
pub async fn totals(app: &App) -> Result<Totals> {
    Ok(store::totals(app.store()).await?)
}

/// Whether there is no account yet.
///
/// # Errors
/// Storage failures only.
pub async fn is_empty(app: &App) -> Result<bool> {
    Ok(store::is_empty(app.store()).await?)
}

/// Ends an account's access: its sessions, its tokens, whatever it has open; nobody can log in to it.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn suspend_in(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    if store::set_status(tx, user_id, "suspended", app.now()).await? == 0 {
        return Err(unknown());
    }
    super::store::end_sessions_of(tx, user_id).await?;
    announce(app, tx, user_id);
    Ok(())
}

/// Lets an account back in; its tokens work again where they have not ended meanwhile.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn reinstate_in(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    if store::set_status(tx, user_id, "normal", app.now()).await? == 0 {
        return Err(unknown());
    }
    announce(app, tx, user_id);
    Ok(())
}

fn announce(app: &App, tx: &mut Tx, user_id: i64) {
    let announcing = app.clone();
    tx.after_commit(move || revocations::announce_user(&announcing, user_id));
}

/// Makes somebody an operator of this server, or takes that back.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn set_operator_in(app: &App, tx: &mut Tx, user_id: i64, operator: bool) -> Result<()> {
    if store::set_operator(tx, user_id, operator, app.now()).await? == 0 {
        return Err(unknown());
    }
    Ok(())
}

/// Marks a new account as the operator's, when it is the first that asks for that.
///
/// # Errors
/// `server.setup.done` when there was one before.
pub async fn claim_first_in(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    if store::insert_fact(tx, FIRST, &user_id.to_string(), app.now()).await? == 0 {
        return Err(ApiError::new(Code::SetupDone));
    }
    set_operator_in(app, tx, user_id, true).await
}

/// The id of the account with this address.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn id_of(app: &App, email: &str) -> Result<i64> {
    let email = registration::email(email).unwrap_or_default();
    super::store::by_email(app.store(), &email).await?.map(|account| account.id).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(Code::NotFound).arg("user")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_no_pattern() {
        assert_eq!(pattern(" Ada_50%! "), "%ada!_50!%!!%");
    }
}
