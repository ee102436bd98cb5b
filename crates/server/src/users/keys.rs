//! Personal API keys, `lba_ak_…`: long-lived tokens of a user for their own scripts (contract 1.4).

use crate::access::{Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};

const NAME_MAX_CHARS: usize = 100;

/// Makes a key; the text is shown once.
///
/// # Errors
/// `invalid.param` on a missing or long name.
pub async fn create(app: &App, user_id: i64, name: &str, scopes: &Requested) -> Result<String> {
    if name.trim().is_empty() {
        return Err(ApiError::invalid("name", &Problem::Required));
    }
    if name.chars().count() > NAME_MAX_CHARS {
        return Err(ApiError::invalid("name", &Problem::TooLong(NAME_MAX_CHARS)));
    }
    let key = app.entropy().token(Kind::ApiKey.prefix());
    let new = NewToken {
        kind: Kind::ApiKey,
        user_id: Some(user_id),
        app_id: None,
        authorization_id: None,
        scopes,
        name,
        expires_at: None,
    };
    let mut tx = app.store().write().await?;
    tokens::insert(&mut tx, app.key(), &key, &new, app.now()).await?;
    tx.commit().await?;
    Ok(key)
}

/// Takes back all keys of a user with this name; how many there were.
///
/// # Errors
/// Storage failures only.
pub async fn revoke(app: &App, user_id: i64, name: &str) -> Result<u64> {
    let mut tx = app.store().write().await?;
    let count = tokens::revoke_named(&mut tx, user_id, name, app.now()).await?;
    let grants = app.grants().clone();
    tx.after_commit(move || grants.invalidate_all());
    tx.commit().await?;
    Ok(count)
}
