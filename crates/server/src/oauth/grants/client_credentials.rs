//! The client credentials grant (contract 2.6): a token for the app itself, without a user.

use super::Tokens;
use crate::access::{Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::Result;
use crate::oauth::apps::Application;

/// Makes an app token for `scopes`; none named means `chat.write`, the one that visitor chat asks for.
///
/// # Errors
/// `oauth2.scope.disallowed` when the app may not ask for one of them.
pub async fn issue(app: &App, client: &Application, scopes: Requested) -> Result<Tokens> {
    let scopes = if scopes.names.is_empty() { Requested::parse("chat.write")? } else { scopes };
    scopes.within(client.allowed_set())?;
    let now = app.now();
    let seconds = app.config().oauth.app_token_seconds;
    let access_token = app.entropy().token(Kind::App.prefix());
    let new = NewToken {
        kind: Kind::App,
        user_id: None,
        app_id: Some(&client.app_id),
        authorization_id: None,
        scopes: &scopes,
        name: "",
        expires_at: Some(now + seconds * 1_000),
    };
    let mut tx = app.store().write().await?;
    tokens::insert(&mut tx, app.key(), &access_token, &new, now).await?;
    tx.commit().await?;
    Ok(Tokens { access_token, refresh_token: None, token_type: "Bearer", expires_in: seconds, scope: scopes.names })
}
