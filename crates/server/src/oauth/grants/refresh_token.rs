//! The refresh token grant (contract 2.5). Of confidential clients the refresh token is never rotated, and parallel refreshes all
//! succeed. Of public clients every use makes a new one; using an old one again ends everything of that approval, because
//! then two parties hold it.

use secondme_store::Tx;

use super::Tokens;
use crate::access::tokens::{self, Grant, Kind, NewToken};
use crate::access::{Requested, revocations};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::oauth::apps::{Application, ClientType};

/// Makes a new access token; tokens made earlier live on to their own end. `narrowed`: fewer scopes than were granted.
///
/// # Errors
/// `oauth2.refresh_token.{invalid,expired,revoked}`, `oauth2.scope.disallowed`.
pub async fn refresh(
    app: &App,
    client: &Application,
    refresh_token: &str,
    narrowed: Option<Requested>,
) -> Result<Tokens> {
    match client.client_type {
        ClientType::Confidential => repeat(app, client, refresh_token, narrowed).await,
        ClientType::Public => rotate(app, client, refresh_token, narrowed).await,
    }
}

/// The same refresh token again.
async fn repeat(app: &App, client: &Application, given: &str, narrowed: Option<Requested>) -> Result<Tokens> {
    let grant = tokens::find(app.store(), app.key(), app.grants(), given).await?;
    let grant = checked(app, client, grant.as_deref())?;
    let scopes = scopes(grant, narrowed)?;
    let new = access(app, grant, &scopes);
    let access_token = app.entropy().token(Kind::Access.prefix());
    let mut tx = app.store().write().await?;
    match &grant.family {
        Some(family) => tokens::insert_in_family(&mut tx, app.key(), &access_token, &new, family, app.now()).await?,
        None => tokens::insert(&mut tx, app.key(), &access_token, &new, app.now()).await?,
    }
    bind(app, &mut tx, grant, &[&access_token]).await?;
    tx.commit().await?;
    Ok(answer(app, access_token, given.to_owned(), scopes))
}

/// A new refresh token in place of the given one. It ends when that would have ended.
async fn rotate(app: &App, client: &Application, given: &str, narrowed: Option<Requested>) -> Result<Tokens> {
    let now = app.now();
    let mut tx = app.store().write().await?;
    let found = tokens::find_in(&mut tx, app.key(), given).await?;
    let grant = checked(app, client, found.as_ref())?;
    let grace = app.config().oauth.refresh_reuse_grace_seconds * 1_000;
    if grant.replaced_at.is_some_and(|at| at + grace <= now) {
        tracing::warn!(app_id = client.app_id, "a replaced refresh token was used again; its approval's tokens end");
        match &grant.family {
            Some(family) => tokens::revoke_family(&mut tx, family, now).await?,
            None => tokens::revoke_one(&mut tx, app.key(), given, now).await?,
        };
        let announcing = app.clone();
        tx.after_commit(move || revocations::announce_tokens(&announcing));
        tx.commit().await?;
        return Err(ApiError::new(Code::RefreshRevoked));
    }
    let scopes = scopes(grant, narrowed)?;
    let granted = Requested { names: grant.scope_names.clone(), set: grant.scopes };
    let (new_access, new_refresh) = (
        access(app, grant, &scopes),
        NewToken { kind: Kind::Refresh, expires_at: grant.expires_at, ..access(app, grant, &granted) },
    );
    let fresh = app.entropy().alphanumeric(20);
    let family = grant.family.as_deref().unwrap_or(&fresh);
    let access_token = app.entropy().token(Kind::Access.prefix());
    let refresh_token = app.entropy().token(Kind::Refresh.prefix());
    tokens::replace(&mut tx, app.key(), given, now).await?;
    tokens::insert_in_family(&mut tx, app.key(), &access_token, &new_access, family, now).await?;
    tokens::insert_in_family(&mut tx, app.key(), &refresh_token, &new_refresh, family, now).await?;
    bind(app, &mut tx, grant, &[&access_token, &refresh_token]).await?;
    tx.commit().await?;
    Ok(answer(app, access_token, refresh_token, scopes))
}

/// New tokens are for what the first ones were asked for.
async fn bind(app: &App, tx: &mut Tx, grant: &Grant, made: &[&str]) -> Result<()> {
    if let Some(audience) = &grant.audience {
        for token in made {
            tokens::bind(tx, app.key(), token, audience).await?;
        }
    }
    Ok(())
}

fn checked<'g>(app: &App, client: &Application, grant: Option<&'g Grant>) -> Result<&'g Grant> {
    let grant = grant
        .filter(|g| g.kind == Kind::Refresh && g.app_id.as_deref() == Some(&client.app_id))
        .ok_or_else(|| ApiError::new(Code::RefreshInvalid))?;
    if grant.suspended {
        return Err(ApiError::new(Code::AccountSuspended));
    }
    if grant.revoked.is_some() {
        return Err(ApiError::new(Code::RefreshRevoked));
    }
    if grant.expires_at.is_some_and(|at| at <= app.now()) {
        return Err(ApiError::new(Code::RefreshExpired));
    }
    Ok(grant)
}

fn scopes(grant: &Grant, narrowed: Option<Requested>) -> Result<Requested> {
    match narrowed.filter(|narrowed| !narrowed.names.is_empty()) {
        Some(narrowed) => narrowed.within(grant.scopes).map(|()| narrowed),
        None => Ok(Requested { names: grant.scope_names.clone(), set: grant.scopes }),
    }
}

fn access<'a>(app: &App, grant: &'a Grant, scopes: &'a Requested) -> NewToken<'a> {
    NewToken {
        kind: Kind::Access,
        user_id: grant.user_id,
        app_id: grant.app_id.as_deref(),
        authorization_id: grant.authorization_id,
        scopes,
        name: "",
        expires_at: Some(app.now() + app.config().oauth.access_token_seconds * 1_000),
    }
}

fn answer(app: &App, access_token: String, refresh_token: String, scopes: Requested) -> Tokens {
    Tokens {
        access_token,
        refresh_token: Some(refresh_token),
        token_type: "Bearer",
        expires_in: app.config().oauth.access_token_seconds,
        scope: scopes.names,
    }
}
