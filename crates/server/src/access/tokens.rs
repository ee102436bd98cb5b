//! Tokens: minting, looking up, taking back. Every kind is a row of one table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use secondme_kit::secret::Digest32;
use secondme_kit::{Millis, SecretKey};
use secondme_store::{Store, StoreError, Tx};

use super::{Requested, ScopeSet, store};
use crate::error::{ApiError, Code, Result};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `lba_at_`: a user in an app.
    Access,
    /// `lba_rt_`: makes new access tokens.
    Refresh,
    /// `lba_at_`: an app on its own (client credentials).
    App,
    /// `lba_at_`: the user themselves, in a command-line agent.
    Personal,
    /// `lba_ak_`: a long-lived key of the user.
    ApiKey,
    /// `sm-`: the user themselves, in an agent that speaks to the older gateway (`/gate/in`), and there only.
    Agent,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Access, Self::Refresh, Self::App, Self::Personal, Self::ApiKey, Self::Agent];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::App => "app",
            Self::Personal => "personal",
            Self::ApiKey => "api_key",
            Self::Agent => "agent",
        }
    }

    /// The prefix of such tokens.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Access | Self::App | Self::Personal => "lba_at_",
            Self::Refresh => "lba_rt_",
            Self::ApiKey => "lba_ak_",
            Self::Agent => "sm-",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// What stands behind a token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What the token is for.
    pub kind: Kind,
    /// The user it acts for; none for app tokens.
    pub user_id: Option<i64>,
    /// The app it was issued to; none for personal tokens and keys.
    pub app_id: Option<String>,
    /// The app's Client ID.
    pub client_id: Option<String>,
    /// The user's authorization of that app.
    pub authorization_id: Option<i64>,
    /// The scopes as they were requested.
    pub scope_names: Vec<String>,
    /// What they stand for.
    pub scopes: ScopeSet,
    /// When it was made.
    pub created_at: Millis,
    /// End of life; none: until revoked.
    pub expires_at: Option<Millis>,
    /// The tokens that came from the same approval; none for tokens that no approval made.
    pub family: Option<String>,
    /// When a refresh token gave way to the next one.
    pub replaced_at: Option<Millis>,
    /// When it, or the authorization behind it, was taken back.
    pub revoked: Option<Revoked>,
    /// Whether user or app belong to the demo world: valid on loopback only.
    pub demo: bool,
    /// What it was asked for (RFC 8707); none: SecondMe's own API.
    pub audience: Option<String>,
    /// The app's review status, when there is an app.
    pub app_status: Option<String>,
    /// Whether the operator suspended the user's account.
    pub suspended: bool,
}

/// Why a token no longer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The token itself was taken back.
    Token,
    /// The user ended the app's access.
    Authorization,
}

/// A token to mint.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// What it is for.
    pub kind: Kind,
    /// The user it acts for.
    pub user_id: Option<i64>,
    /// The app it is issued to.
    pub app_id: Option<&'a str>,
    /// The user's authorization of that app.
    pub authorization_id: Option<i64>,
    /// Its scopes.
    pub scopes: &'a Requested,
    /// A name its owner gave it.
    pub name: &'a str,
    /// End of life; none: until revoked.
    pub expires_at: Option<Millis>,
}

/// Looked-up tokens, kept for a few seconds. Cheap to clone.
#[derive(Clone)]
pub struct GrantCache {
    found: Cache<Digest32, Arc<Grant>>,
    /// Counts how often everything was forgotten, so that a look-up that began before does not bring back what it saw.
    emptied: Arc<AtomicU64>,
}

/// An empty cache that keeps grants for `ttl`.
pub fn cache(ttl: Duration) -> GrantCache {
    let found = Cache::builder().max_capacity(100_000).time_to_live(ttl).build();
    GrantCache { found, emptied: Arc::default() }
}

impl GrantCache {
    /// Forgets everything: the next request with any token asks the database.
    pub fn invalidate_all(&self) {
        self.emptied.fetch_add(1, Ordering::SeqCst);
        self.found.invalidate_all();
    }

    fn keep(&self, hash: Digest32, grant: &Arc<Grant>, emptied_before: u64) {
        self.found.insert(hash, Arc::clone(grant));
        if self.emptied.load(Ordering::SeqCst) != emptied_before {
            self.found.invalidate(&hash);
        }
    }
}

/// The keyed hash of a token. Anything from the first pipe on is ignored, as older command-line clients append one.
pub fn digest(key: &SecretKey, token: &str) -> Digest32 {
    key.digest("token", token.split('|').next().unwrap_or_default())
}

/// Stores the hash of `token` inside the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn insert(tx: &mut Tx, key: &SecretKey, token: &str, new: &NewToken<'_>, now: Millis) -> Result<()> {
    Ok(store::insert(tx, &digest(key, token), new, None, now).await?)
}

/// Stores the hash of a token that came from an approval, with the others of that approval.
///
/// # Errors
/// Storage failures only.
pub async fn insert_in_family(
    tx: &mut Tx,
    key: &SecretKey,
    token: &str,
    new: &NewToken<'_>,
    family: &str,
    now: Millis,
) -> Result<()> {
    Ok(store::insert(tx, &digest(key, token), new, Some(family), now).await?)
}

/// The grant behind a token, from the database: for decisions that must not be a moment old.
///
/// # Errors
/// Storage failures only.
pub async fn find_in(tx: &mut Tx, key: &SecretKey, token: &str) -> Result<Option<Grant>> {
    Ok(store::find_in(tx, &digest(key, token)).await?)
}

/// Marks a refresh token as replaced by the next one; `false` when it was already.
///
/// # Errors
/// Storage failures only.
pub async fn replace(tx: &mut Tx, key: &SecretKey, token: &str, now: Millis) -> Result<bool> {
    Ok(store::replace(tx, &digest(key, token), now).await? == 1)
}

/// Binds a token that was just inserted to what it was asked for.
///
/// # Errors
/// Storage failures only.
pub async fn bind(tx: &mut Tx, key: &SecretKey, token: &str, audience: &str) -> Result<()> {
    store::bind(tx, &digest(key, token), audience).await?;
    Ok(())
}

/// Takes back one token.
///
/// # Errors
/// Storage failures only.
pub async fn revoke_one(tx: &mut Tx, key: &SecretKey, token: &str, now: Millis) -> Result<u64> {
    Ok(store::revoke_one(tx, &digest(key, token), now).await?)
}

/// Takes back every token of one approval.
///
/// # Errors
/// Storage failures only.
pub async fn revoke_family(tx: &mut Tx, family: &str, now: Millis) -> Result<u64> {
    Ok(store::revoke_family(tx, family, now).await?)
}

/// The grant behind a token, from memory or the database, whether it still works or not.
///
/// # Errors
/// Storage failures only.
pub async fn find(store: &Store, key: &SecretKey, cache: &GrantCache, token: &str) -> Result<Option<Arc<Grant>>> {
    let hash = digest(key, token);
    if let Some(grant) = cache.found.get(&hash) {
        return Ok(Some(grant));
    }
    let emptied = cache.emptied.load(Ordering::SeqCst);
    let grant = store::find(store, &hash).await?.map(Arc::new);
    if let Some(grant) = &grant {
        cache.keep(hash, grant, emptied);
    }
    Ok(grant)
}

impl Grant {
    /// Refuses a token whose life is over.
    ///
    /// # Errors
    /// `account.suspended`, `oauth2.token.expired`, `oauth2.token.revoked`, `oauth2.authorization.revoked`, or the app's status.
    pub fn check_alive(&self, now: Millis) -> Result<()> {
        if self.suspended {
            return Err(ApiError::new(Code::AccountSuspended));
        }
        match self.revoked {
            Some(Revoked::Token) => return Err(ApiError::new(Code::TokenRevoked)),
            Some(Revoked::Authorization) => return Err(ApiError::new(Code::AuthorizationRevoked)),
            None => {}
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(ApiError::new(Code::TokenExpired));
        }
        match self.app_status.as_deref() {
            Some("suspended") => Err(ApiError::new(Code::AppSuspended)),
            _ => Ok(()),
        }
    }
}

/// Takes back every token of an authorization, inside the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn revoke_authorization(
    tx: &mut Tx,
    authorization_id: i64,
    now: Millis,
) -> std::result::Result<u64, StoreError> {
    store::revoke_authorization(tx, authorization_id, now).await
}

/// Takes back one of the user's keys or personal tokens by its hash.
///
/// # Errors
/// Storage failures only.
pub async fn revoke_named(tx: &mut Tx, user_id: i64, name: &str, now: Millis) -> std::result::Result<u64, StoreError> {
    store::revoke_named(tx, user_id, name, now).await
}

/// Deletes at most `limit` tokens that ended before `before`; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> std::result::Result<u64, StoreError> {
    store::reclaim(tx, before, limit).await
}
