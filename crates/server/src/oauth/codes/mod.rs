//! Authorization codes, `lba_ac_…`: five minutes, single use, also when many exchanges race. Both logins use them.

mod store;

use secondme_kit::Millis;
use secondme_store::Tx;

use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// What a code stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Who approved.
    pub user_id: i64,
    /// The app it was issued to; none for the skills login.
    pub app_id: Option<String>,
    /// The authorization that the approval made.
    pub authorization_id: Option<i64>,
    /// The redirect URI of the authorize request.
    pub redirect_uri: String,
    /// The scopes as they were requested.
    pub scopes: String,
    /// The PKCE challenge of the skills login.
    pub challenge: String,
    /// What the tokens are asked for; empty: SecondMe's own API.
    pub audience: String,
}

/// A code as found, with its fate.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it stands for.
    pub granted: Granted,
    /// End of life.
    pub expires_at: Millis,
    /// When it was exchanged.
    pub used_at: Option<Millis>,
    /// Whether the authorization was revoked since.
    pub revoked: bool,
}

/// Makes a code inside the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn issue(app: &App, tx: &mut Tx, granted: &Granted) -> Result<String> {
    let code = app.entropy().token("lba_ac_");
    let now = app.now();
    let expires_at = now + app.config().oauth.code_seconds * 1_000;
    store::insert(tx, &app.key().digest("code", &code), granted, now, expires_at).await?;
    Ok(code)
}

/// Takes a code inside the caller's transaction: `accept` may still refuse it; after the commit it is used.
///
/// # Errors
/// `oauth2.code.invalid`, `.used`, `.expired`, `.revoked`, or what `accept` says. Only a success marks the code as used.
pub async fn redeem(
    app: &App,
    tx: &mut Tx,
    code: &str,
    accept: impl FnOnce(&Granted) -> Result<()>,
) -> Result<Granted> {
    let hash = app.key().digest("code", code);
    let found = store::find(tx, &hash).await?.ok_or_else(|| ApiError::new(Code::CodeInvalid))?;
    accept(&found.granted)?;
    if found.used_at.is_some() {
        return Err(ApiError::new(Code::CodeUsed));
    }
    if found.revoked {
        return Err(ApiError::new(Code::CodeRevoked));
    }
    let now = app.now();
    if found.expires_at <= now {
        return Err(ApiError::new(Code::CodeExpired));
    }
    // The winner of a race is the one whose update changes the row.
    if store::mark_used(tx, &hash, now).await? == 0 {
        return Err(ApiError::new(Code::CodeUsed));
    }
    Ok(found.granted)
}

/// Deletes at most `limit` codes that ended before `before`; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, before, limit).await?)
}
