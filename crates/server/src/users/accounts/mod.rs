//! Accounts: register, log in, the browser session.
//!
//! Invariant: a user always has exactly one `primary` avatar, made in the transaction that makes the user.

mod browser;
mod login;
pub mod member;
mod next;
pub mod pages;
mod password;
pub mod people;
mod registration;
pub mod session;
mod store;

use secondme_kit::Millis;
use secondme_store::Tx;

pub use browser::{FormRefused, OwnOrigin, Refused};
pub use login::{Refusal, authenticate, log_in};
pub use member::{Member, Posted};
pub use next::{local_path, login_url};
pub use password::hash_password;
pub use registration::{Flaw, NewUser, check, slug};
pub use session::{MaybeSession, Session};

use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// A user to store whose password is hashed already: the demo world and registration.
#[derive(Clone, Copy, Debug)]
pub struct Seed<'a> {
    /// A fixed id (below 1000); none: the next one.
    pub id: Option<i64>,
    /// A fixed id of the primary avatar (below 1000); none: the next one.
    pub avatar_id: Option<i64>,
    /// A fixed share code of the primary avatar; none: a random one.
    pub share_code: Option<&'a str>,
    /// Whether the user belongs to the demo world.
    pub demo: bool,
    /// As [`registration::email`] leaves it: trimmed, lower case.
    pub email: &'a str,
    /// From [`hash_password`].
    pub password_hash: &'a str,
    /// 1 to 50 characters.
    pub name: &'a str,
    /// The route of the home page; none, or taken: made from the name.
    pub route: Option<&'a str>,
}

/// A line of `secondme user list`.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The user's id.
    pub id: i64,
    /// The address that they log in with.
    pub email: String,
    /// The name that others see.
    pub name: String,
    /// The route of the home page.
    pub route: String,
    /// Whether they belong to the demo world.
    pub demo: bool,
    /// When they registered, in milliseconds since the Unix epoch.
    pub created_at: Millis,
}

/// Registers a user; their id.
///
/// # Errors
/// `invalid.param` on a field that breaks its rule, `account.email.taken`, `connection.error` when too many passwords wait.
pub async fn create(app: &App, new: &NewUser<'_>) -> Result<i64> {
    let new = check(&app.config().accounts, new)?;
    if store::by_email(app.store(), &new.email).await?.is_some() {
        return Err(ApiError::new(Code::EmailTaken));
    }
    let password_hash = hash_password(app, new.password).await?;
    let seed = plain(&new, &password_hash);
    let mut tx = app.store().write().await?;
    let id = create_in(app, &mut tx, &seed).await?.ok_or_else(|| ApiError::new(Code::EmailTaken))?;
    tx.commit().await?;
    Ok(id)
}

/// Registers the first user of a server, who operates it; their id.
///
/// # Errors
/// `server.setup.done` when there is a user already; else as [`create`].
pub async fn create_first(app: &App, new: &NewUser<'_>) -> Result<i64> {
    let new = check(&app.config().accounts, new)?;
    if !people::is_empty(app).await? {
        return Err(ApiError::new(Code::SetupDone));
    }
    let password_hash = hash_password(app, new.password).await?;
    let mut tx = app.store().write().await?;
    let id = create_in(app, &mut tx, &plain(&new, &password_hash)).await?;
    let id = id.ok_or_else(|| ApiError::new(Code::EmailTaken))?;
    people::claim_first_in(app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(id)
}

/// A user with nothing fixed.
fn plain<'a>(new: &'a registration::Checked<'_>, password_hash: &'a str) -> Seed<'a> {
    Seed {
        id: None,
        avatar_id: None,
        share_code: None,
        demo: false,
        email: &new.email,
        password_hash,
        name: &new.name,
        route: None,
    }
}

/// Stores a user and their primary avatar in the caller's transaction; nothing when the address has an account already.
///
/// # Errors
/// Storage failures only.
pub async fn create_in(app: &App, tx: &mut Tx, seed: &Seed<'_>) -> Result<Option<i64>> {
    let Some(user_id) = insert_user(app, tx, seed).await? else { return Ok(None) };
    let random = app.entropy().hex(12);
    let code = seed.share_code.unwrap_or(&random);
    if !store::insert_avatar(tx, seed.avatar_id, user_id, seed.name, code, app.now()).await? {
        // A fixed id or share code that somebody else has: the avatar matters more than its number.
        store::insert_avatar(tx, None, user_id, seed.name, &app.entropy().hex(12), app.now()).await?;
    }
    Ok(Some(user_id))
}

/// Tries the wanted route, then ones with a random end; another node may take one at the same moment.
async fn insert_user(app: &App, tx: &mut Tx, seed: &Seed<'_>) -> Result<Option<i64>> {
    let now = app.now();
    let slug = slug(seed.name, seed.email);
    let wanted = seed.route.unwrap_or(&slug);
    for attempt in 0..8 {
        let route = match attempt {
            0 if !wanted.is_empty() => wanted.to_owned(),
            1..4 if !slug.is_empty() => format!("{slug}-{}", app.entropy().alphanumeric(4)),
            _ => format!("u{}", app.entropy().alphanumeric(11)),
        };
        let id = if attempt == 0 { seed.id } else { None };
        if let Some(id) = store::insert_user(tx, id, seed, &route, now).await? {
            return Ok(Some(id));
        }
        if store::has_email(tx, seed.email).await? {
            return Ok(None);
        }
    }
    Err(ApiError::new(Code::Internal))
}

/// Sets a new password, ends the user's browser sessions and forgets failed logins.
///
/// # Errors
/// `resource.fetch.not_found` for an unknown address, `invalid.param` for a password of the wrong length.
pub async fn reset_password(app: &App, email: &str, new_password: &str) -> Result<()> {
    let email = registration::email(email).unwrap_or_default();
    registration::password(&app.config().accounts, new_password)?;
    let password_hash = hash_password(app, new_password).await?;
    let mut tx = app.store().write().await?;
    let user_id = store::set_password(&mut tx, &email, &password_hash, app.now()).await?;
    let user_id = user_id.ok_or_else(|| ApiError::new(Code::NotFound).arg("user"))?;
    store::end_sessions_of(&mut tx, user_id).await?;
    store::forget_failures(&mut tx, &login::address_hash(app, &email)).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets the failed logins of a user's address, in the caller's transaction; whether there is such a user.
///
/// # Errors
/// Storage failures only.
pub async fn forget_login_failures(app: &App, tx: &mut Tx, user_id: i64) -> Result<bool> {
    let Some(email) = store::email_of(tx, user_id).await? else { return Ok(false) };
    store::forget_failures(tx, &login::address_hash(app, &email)).await?;
    Ok(true)
}

/// Everybody, by id.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App) -> Result<Vec<UserRow>> {
    Ok(store::list(app.store()).await?)
}

/// Whether the demo world is here.
///
/// # Errors
/// Storage failures only.
pub async fn has_demo(app: &App) -> Result<bool> {
    Ok(store::has_demo(app.store()).await?)
}

/// Deletes at most `limit` browser sessions that ended before `now`, and as many failed logins that no longer count.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64> {
    let sessions = store::reclaim_sessions(tx, now, limit).await?;
    Ok(sessions + store::reclaim_failures(tx, now - login::FORGET_AFTER_MS, limit).await?)
}
