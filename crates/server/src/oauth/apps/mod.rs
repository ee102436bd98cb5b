//! Applications that users can let in: Client ID, secret, redirect URIs, allowed scopes.
//!
//! Invariant: the secret exists in the database only as a keyed hash and is shown once, when it is made.

mod store;

use secondme_kit::secret::same;
use secondme_store::{Store, Tx};

use crate::access::{Requested, ScopeSet};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// A registered application.
#[derive(Clone, Debug)]
pub struct Application {
    /// `app_…`.
    pub app_id: String,
    /// A UUID: what apps call their Client ID.
    pub client_id: String,
    /// What users see.
    pub name: String,
    /// What users see below the name.
    pub description: String,
    /// Where a code may be sent, exactly.
    pub redirect_uris: Vec<String>,
    /// What it may ask for, as its developer spelled it.
    pub allowed: Requested,
    /// `approved`, `pending_review`, `rejected` or `suspended`.
    pub status: String,
    /// Whether it belongs to the demo world.
    pub demo: bool,
    secret_hash: [u8; 32],
}

/// An application to register.
#[derive(Clone, Debug)]
pub struct NewApplication<'a> {
    /// The developer; none for apps that the operator makes.
    pub owner: Option<i64>,
    /// 1 to 100 characters.
    pub name: &'a str,
    /// At most 1000 characters.
    pub description: &'a str,
    /// At least one.
    pub redirect_uris: &'a [String],
    /// What it may ask for.
    pub allowed: Requested,
}

/// Ids and secret of an application, as only its creation shows them.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `app_…`.
    pub app_id: String,
    /// A UUID.
    pub client_id: String,
    /// Shown once.
    pub client_secret: String,
}

impl Application {
    /// Refuses an app that is not approved.
    ///
    /// # Errors
    /// `oauth2.application.{pending_review,rejected,suspended}`.
    pub fn check_status(&self) -> Result<()> {
        match self.status.as_str() {
            "approved" => Ok(()),
            "pending_review" => Err(ApiError::new(Code::AppPending)),
            "rejected" => Err(ApiError::new(Code::AppRejected)),
            "suspended" => Err(ApiError::new(Code::AppSuspended)),
            _ => Err(ApiError::new(Code::AppInvalidStatus)),
        }
    }

    /// The registered URI that equals `decoded`, or else the raw query value (HOUSE-RULES "Redirect URI").
    pub fn registered<'a>(&self, decoded: &'a str, raw: Option<&'a str>) -> Option<&'a str> {
        [Some(decoded), raw].into_iter().flatten().find(|given| self.redirect_uris.iter().any(|known| known == given))
    }

    /// What a token may hold when the request names no scope: everything the app may ask for.
    pub fn allowed_set(&self) -> ScopeSet {
        self.allowed.set
    }

    /// Whether this is the app's secret; compared in constant time.
    pub fn has_secret(&self, app: &App, secret: &str) -> bool {
        same(&self.secret_hash, &app.key().digest("client_secret", secret))
    }
}

/// The application with this Client ID.
///
/// # Errors
/// Storage failures only.
pub async fn by_client_id(store: &Store, client_id: &str) -> Result<Option<Application>> {
    Ok(store::by_client_id(store, client_id).await?)
}

/// Registers an application and shows its secret, once.
///
/// # Errors
/// `invalid.param` on a bad name, `oauth2.redirect_uri.invalid` on a URI that cannot be registered.
pub async fn create(app: &App, new: &NewApplication<'_>) -> Result<Credentials> {
    let credentials = Credentials {
        app_id: format!("app_{}", app.entropy().alphanumeric(16)),
        client_id: app.entropy().uuid(),
        client_secret: app.entropy().token(""),
    };
    let mut tx = app.store().write().await?;
    put(app, &mut tx, new, &credentials, false).await?;
    tx.commit().await?;
    Ok(credentials)
}

/// Stores an application under given credentials; one that is there already stays as it is. Used by the demo world.
///
/// # Errors
/// As [`create`].
pub async fn put(
    app: &App,
    tx: &mut Tx,
    new: &NewApplication<'_>,
    credentials: &Credentials,
    demo: bool,
) -> Result<()> {
    check(new)?;
    let hash = app.key().digest("client_secret", &credentials.client_secret);
    store::insert(tx, new, credentials, &hash, demo, app.now()).await?;
    Ok(())
}

fn check(new: &NewApplication<'_>) -> Result<()> {
    if new.name.trim().is_empty() {
        return Err(ApiError::invalid("appName", &Problem::Required));
    }
    for (field, text, max) in [("appName", new.name, 100), ("appDescription", new.description, 1_000)] {
        if text.chars().count() > max {
            return Err(ApiError::invalid(field, &Problem::TooLong(max)));
        }
    }
    if new.redirect_uris.is_empty() {
        return Err(ApiError::invalid("redirectUris", &Problem::Required));
    }
    match new.redirect_uris.iter().find(|uri| !is_redirect_uri(uri)) {
        Some(uri) => Err(ApiError::new(Code::RedirectInvalid).arg(uri)),
        None => Ok(()),
    }
}

/// Whether a URI can be registered: absolute, no fragment, and no scheme that runs code in the browser.
pub fn is_redirect_uri(text: &str) -> bool {
    text.len() <= 2_000
        && url::Url::parse(text).is_ok_and(|u| {
            u.fragment().is_none()
                && !matches!(u.scheme(), "javascript" | "data" | "vbscript" | "file" | "blob" | "about")
                && (u.host().is_some() || !matches!(u.scheme(), "http" | "https"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_checked() {
        for good in ["http://localhost:3000/api/auth/callback", "https://app.example/cb?x=1", "com.example.app:/cb"] {
            assert!(is_redirect_uri(good), "{good}");
        }
        for bad in ["/callback", "https://app.example/cb#x", "javascript:alert(1)", "data:text/html,x", "", "http://"] {
            assert!(!is_redirect_uri(bad), "{bad}");
        }
    }
}
