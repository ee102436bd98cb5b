//! The skills login (contract 3.1, 3.2): PKCE, a code that the user copies from a page, a personal token with every scope.

pub mod http;
pub mod pages;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secondme_kit::secret::{same, sha256};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::oauth::codes::{self, Granted};

/// What the skills login answers with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonalToken {
    /// `lba_at_…` with every scope.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds that it lives.
    expires_in: i64,
}

/// Refuses a challenge that is no SHA-256 in URL-safe base64 without padding (43 characters).
///
/// # Errors
/// `invalid.param`.
pub fn check_challenge(challenge: &str) -> Result<()> {
    match URL_SAFE_NO_PAD.decode(challenge) {
        Ok(bytes) if bytes.len() == 32 => Ok(()),
        _ => {
            let problem = Problem::Expected(
                "the SHA-256 of the verifier in URL-safe base64 without padding (43 characters)",
                "校验码的 SHA-256，URL 安全 Base64 编码、无填充（43 个字符）",
            );
            Err(ApiError::invalid("challenge", &problem))
        }
    }
}

/// Makes the code that the page shows to `user_id`.
///
/// # Errors
/// `invalid.param` on a bad challenge.
pub async fn issue(app: &App, user_id: i64, challenge: &str) -> Result<String> {
    check_challenge(challenge)?;
    let mut tx = app.store().write().await?;
    let granted = Granted { user_id, challenge: challenge.to_owned(), ..Granted::default() };
    let code = codes::issue(app, &mut tx, &granted).await?;
    tx.commit().await?;
    Ok(code)
}

/// Exchanges such a code for a personal token.
///
/// # Errors
/// `oauth2.code.{invalid,expired,used}`; a wrong verifier is `invalid` and leaves the code usable.
pub async fn exchange(app: &App, code: &str, verifier: &str) -> Result<PersonalToken> {
    let mut tx = app.store().write().await?;
    let granted = codes::redeem(app, &mut tx, code, |granted| {
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        if granted.app_id.is_none() && same(challenge.as_bytes(), granted.challenge.as_bytes()) {
            Ok(())
        } else {
            Err(ApiError::new(Code::CodeInvalid))
        }
    })
    .await?;
    let now = app.now();
    let seconds = app.config().oauth.personal_token_seconds;
    let access_token = app.entropy().token(Kind::Personal.prefix());
    let new = NewToken {
        kind: Kind::Personal,
        user_id: Some(granted.user_id),
        app_id: None,
        authorization_id: None,
        scopes: &Requested::all(),
        name: "skills login",
        expires_at: Some(now + seconds * 1_000),
    };
    tokens::insert(&mut tx, app.key(), &access_token, &new, now).await?;
    tx.commit().await?;
    Ok(PersonalToken { access_token, token_type: "Bearer", expires_in: seconds })
}
