//! The authorization code grant (contract 2.4), with PKCE where the authorize request had it (RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secondme_kit::secret::{same, sha256};

use super::Tokens;
use crate::access::{Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::oauth::apps::{Application, ClientType};
use crate::oauth::codes::{self, Granted};

/// What shows that a code came to whom it was meant for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proof<'a> {
    /// The redirect URI of the authorize request. May be left out where PKCE protects the code.
    pub redirect_uri: Option<&'a str>,
    /// The secret behind the challenge.
    pub verifier: Option<&'a str>,
    /// What the tokens are for, when the client says so again (RFC 8707).
    pub audience: Option<&'a str>,
}

/// Exchanges a code for an access and a refresh token, once.
///
/// # Errors
/// `oauth2.code.*`, `oauth2.redirect_uri.mismatch`.
pub async fn exchange(app: &App, client: &Application, code: &str, proof: Proof<'_>) -> Result<Tokens> {
    let mut tx = app.store().write().await?;
    let granted = codes::redeem(app, &mut tx, code, |granted| accept(client, granted, proof)).await?;
    let scopes = Requested::parse(&granted.scopes)?;
    let now = app.now();
    let oauth = &app.config().oauth;
    let access_token = app.entropy().token(Kind::Access.prefix());
    let refresh_token = app.entropy().token(Kind::Refresh.prefix());
    let family = app.entropy().alphanumeric(20);
    for (token, kind, seconds) in [
        (&access_token, Kind::Access, oauth.access_token_seconds),
        (&refresh_token, Kind::Refresh, oauth.refresh_token_seconds),
    ] {
        let new = NewToken {
            kind,
            user_id: Some(granted.user_id),
            app_id: Some(&client.app_id),
            authorization_id: granted.authorization_id,
            scopes: &scopes,
            name: "",
            expires_at: Some(now + seconds * 1_000),
        };
        tokens::insert_in_family(&mut tx, app.key(), token, &new, &family, now).await?;
        if !granted.audience.is_empty() {
            tokens::bind(&mut tx, app.key(), token, &granted.audience).await?;
        }
    }
    tx.commit().await?;
    Ok(Tokens {
        access_token,
        refresh_token: Some(refresh_token),
        token_type: "Bearer",
        expires_in: oauth.access_token_seconds,
        scope: scopes.names,
    })
}

fn accept(client: &Application, granted: &Granted, proof: Proof<'_>) -> Result<()> {
    if granted.app_id.as_deref() != Some(&client.app_id) {
        return Err(ApiError::new(Code::CodeInvalid));
    }
    if proof.audience.is_some_and(|audience| audience != granted.audience) {
        return Err(ApiError::new(Code::ResourceInvalid).arg("another one than was authorized"));
    }
    let protected = !granted.challenge.is_empty();
    match proof.redirect_uri {
        Some(given) if given != granted.redirect_uri => return Err(ApiError::new(Code::RedirectMismatch)),
        None if !protected => return Err(ApiError::new(Code::RedirectMismatch)),
        _ => {}
    }
    let proven = match proof.verifier {
        Some(verifier) => protected && is_behind(verifier, &granted.challenge),
        None => !protected && client.client_type == ClientType::Confidential,
    };
    if proven { Ok(()) } else { Err(ApiError::new(Code::CodeInvalid)) }
}

/// Whether a verifier is the one behind an S256 challenge.
fn is_behind(verifier: &str, challenge: &str) -> bool {
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    well_formed && same(URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())).as_bytes(), challenge.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_of_pkce() {
        // RFC 7636, appendix B.
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_behind("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!is_behind("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!is_behind("short", &URL_SAFE_NO_PAD.encode(sha256(b"short"))));
    }
}
