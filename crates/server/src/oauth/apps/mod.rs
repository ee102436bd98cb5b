//! Applications that users can let in: Client ID, secret, redirect URIs, allowed scopes.
//!
//! Invariant: the secret exists in the database only as a keyed hash and is shown once, when it is made.

pub mod http;
pub mod listing;
mod redirects;
mod review;
mod store;

pub use review::{Registered, for_operator, review, review_in, totals};
use secondme_kit::secret::same;
use secondme_kit::{Millis, Page};
use secondme_store::{Store, Tx};

use crate::access::{Requested, ScopeSet, revocations};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

pub use listing::{Listing, apply_listing};
pub use redirects::is_redirect_uri;

/// Most redirect URIs of one application.
const REDIRECT_URIS_MAX: usize = 50;

/// Whether an application can keep a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientType {
    /// A server: proves itself by its secret.
    #[default]
    Confidential,
    /// A program in its user's hands: has no secret, uses PKCE, and its refresh tokens are rotated.
    Public,
}

impl ClientType {
    /// The word in the database and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }

    /// The type behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Confidential, Self::Public].into_iter().find(|kind| kind.word() == word)
    }
}

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
    /// Whether nobody registered it but itself (RFC 7591).
    pub registered_itself: bool,
    /// The developer; none for apps that the operator made.
    pub owner: Option<i64>,
    /// Whether it can keep a secret.
    pub client_type: ClientType,
    /// What the app store shows.
    pub listing: Listing,
    /// `none`, `pending_review`, `listed` or `rejected`.
    pub listing_status: String,
    /// When it was registered.
    pub created_at: Millis,
    /// When it was changed last.
    pub updated_at: Millis,
    secret_hash: [u8; 32],
    previous_secret: Option<([u8; 32], Millis)>,
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
    /// Whether it can keep a secret.
    pub client_type: ClientType,
}

/// What a developer changes; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// 1 to 100 characters.
    pub name: Option<String>,
    /// At most 1000 characters.
    pub description: Option<String>,
    /// At least one.
    pub redirect_uris: Option<Vec<String>>,
    /// What it may ask for.
    pub allowed: Option<Requested>,
    /// What the app store shows.
    pub listing: Listing,
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

    /// The registered URI that equals `decoded`, or else the raw query value (HOUSE-RULES "Redirect URI"). A public client on
    /// the loopback interface may name another port.
    pub fn registered<'a>(&self, decoded: &'a str, raw: Option<&'a str>) -> Option<&'a str> {
        let exact = [Some(decoded), raw]
            .into_iter()
            .flatten()
            .find(|given| self.redirect_uris.iter().any(|known| known == given));
        let native = self.client_type == ClientType::Public;
        let same = || self.redirect_uris.iter().any(|known| redirects::is_same_loopback(known, decoded));
        exact.or_else(|| (native && same()).then_some(decoded))
    }

    /// What a token may hold when the request names no scope: everything the app may ask for.
    pub fn allowed_set(&self) -> ScopeSet {
        self.allowed.set
    }

    /// Whether this is the app's secret, or the one before while that is still valid; compared in constant time.
    pub fn has_secret(&self, app: &App, secret: &str) -> bool {
        let given = app.key().digest("client_secret", secret);
        let previous = self.previous_secret.filter(|(_, until)| *until > app.now());
        let is_previous = previous.is_some_and(|(hash, _)| same(&hash, &given));
        same(&self.secret_hash, &given) || is_previous
    }
}

/// The application with this Client ID.
///
/// # Errors
/// Storage failures only.
pub async fn by_client_id(store: &Store, client_id: &str) -> Result<Option<Application>> {
    Ok(store::by_client_id(store, client_id).await?)
}

/// The application with this id.
///
/// # Errors
/// Storage failures only.
pub async fn by_id(store: &Store, app_id: &str) -> Result<Option<Application>> {
    Ok(store::by_id(store, app_id).await?)
}

/// An application of this developer.
///
/// # Errors
/// `oauth2.application.not_found`, `oauth2.application.unauthorized` when it is another developer's.
pub async fn owned(store: &Store, owner: i64, app_id: &str) -> Result<Application> {
    let found = by_id(store, app_id).await?.ok_or_else(|| ApiError::new(Code::AppNotFound))?;
    if found.owner == Some(owner) { Ok(found) } else { Err(ApiError::new(Code::AppForeign)) }
}

/// A developer's applications, the newest first, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn of_owner(store: &Store, owner: i64, page: Page) -> Result<(Vec<Application>, i64)> {
    Ok((store::of_owner(store, owner, page).await?, store::count_of_owner(store, owner).await?))
}

/// Every application, the newest first: for the operator.
///
/// # Errors
/// Storage failures only.
pub async fn all(store: &Store) -> Result<Vec<Application>> {
    Ok(store::all(store).await?)
}

/// The applications of the public catalogue, the newest first, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn listed(store: &Store, page: Page) -> Result<(Vec<Application>, i64)> {
    Ok((store::listed(store, page).await?, store::count_listed(store).await?))
}

/// Registers an application and shows its secret, once.
///
/// # Errors
/// `invalid.param` on a bad name, `oauth2.redirect_uri.invalid` on a URI that cannot be registered.
pub async fn create(app: &App, new: &NewApplication<'_>) -> Result<Credentials> {
    let mut tx = app.store().write().await?;
    let credentials = create_in(app, &mut tx, new).await?;
    tx.commit().await?;
    Ok(credentials)
}

/// The same inside the caller's transaction. Where the operator reviews apps, a developer's waits for that.
///
/// # Errors
/// As [`create`].
pub async fn create_in(app: &App, tx: &mut Tx, new: &NewApplication<'_>) -> Result<Credentials> {
    let credentials = Credentials {
        app_id: format!("app_{}", app.entropy().alphanumeric(16)),
        client_id: app.entropy().uuid(),
        client_secret: app.entropy().token(""),
    };
    put(app, tx, new, &credentials, false).await?;
    if new.owner.is_some() && app.config().policy.app_review {
        store::set_status(tx, &credentials.app_id, "pending_review", app.now()).await?;
    }
    Ok(credentials)
}

/// Registers a client that names itself, as far as there is room for more of them in this hour.
///
/// # Errors
/// As [`create`]; `request.rate.limited`.
pub async fn register(app: &App, new: &NewApplication<'_>) -> Result<Credentials> {
    const HOUR_MS: Millis = 3_600_000;
    let mut tx = app.store().write().await?;
    if store::count_dynamic(&mut tx, app.now() - HOUR_MS).await? >= app.config().oauth.registrations_per_hour {
        return Err(ApiError::new(Code::RateLimited).arg(HOUR_MS / 1_000).retry_after(3_600));
    }
    let made = create_in(app, &mut tx, new).await?;
    store::set_dynamic(&mut tx, &made.app_id).await?;
    tx.commit().await?;
    Ok(made)
}

/// Deletes at most `limit` clients that registered themselves before `before` and were never authorized; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, before, limit).await?)
}

/// Changes an application of this developer.
///
/// # Errors
/// As [`owned`] and [`create`].
pub async fn update_in(app: &App, tx: &mut Tx, owner: i64, app_id: &str, change: &Change) -> Result<()> {
    let known = store::by_id_in(tx, app_id).await?.ok_or_else(|| ApiError::new(Code::AppNotFound))?;
    if known.owner != Some(owner) {
        return Err(ApiError::new(Code::AppForeign));
    }
    let new = NewApplication {
        owner: Some(owner),
        name: change.name.as_deref().unwrap_or(&known.name),
        description: change.description.as_deref().unwrap_or(&known.description),
        redirect_uris: change.redirect_uris.as_deref().unwrap_or(&known.redirect_uris),
        allowed: change.allowed.clone().unwrap_or(known.allowed),
        client_type: known.client_type,
    };
    check(&new)?;
    let listing = known.listing.changed_by(&change.listing)?;
    store::update(tx, owner, app_id, &new, &listing.to_json(), app.now()).await?;
    Ok(())
}

/// Makes a new client secret and shows it, once. The old one stays valid for `overlap_ms`.
///
/// # Errors
/// As [`owned`]; `oauth2.application.invalid_type` for a public client, which has none.
pub async fn regenerate_secret(app: &App, owner: i64, app_id: &str, overlap_ms: Millis) -> Result<Credentials> {
    let known = owned(app.store(), owner, app_id).await?;
    if known.client_type == ClientType::Public {
        return Err(ApiError::new(Code::AppInvalidType));
    }
    let client_secret = app.entropy().token("");
    let hash = app.key().digest("client_secret", &client_secret);
    let now = app.now();
    let mut tx = app.store().write().await?;
    store::replace_secret(&mut tx, owner, app_id, &hash, now.saturating_add(overlap_ms), now).await?;
    tx.commit().await?;
    Ok(Credentials { app_id: known.app_id, client_id: known.client_id, client_secret })
}

/// A length of overlap that secrets may have, in milliseconds.
///
/// # Errors
/// `invalid.param` outside 0 to `oauth.secret_overlap_max_seconds`.
pub fn checked_overlap(app: &App, seconds: i64) -> Result<Millis> {
    let max = app.config().oauth.secret_overlap_max_seconds;
    if (0..=max).contains(&seconds) {
        return Ok(seconds * 1_000);
    }
    Err(ApiError::invalid("overlapSeconds", &Problem::Parser(format!("must be between 0 and {max}"))))
}

/// Deletes an application with everything that hangs on it: its tokens stop working, its streams end.
///
/// # Errors
/// As [`owned`].
pub async fn delete(app: &App, owner: i64, app_id: &str) -> Result<()> {
    owned(app.store(), owner, app_id).await?;
    let mut tx = app.store().write().await?;
    store::delete(&mut tx, owner, app_id).await?;
    end_access(app, &mut tx, app_id);
    tx.commit().await?;
    Ok(())
}

/// The end of all apps of a developer, in the transaction that deletes their rows.
///
/// # Errors
/// Storage failures only.
pub async fn end_all_in(app: &App, tx: &mut Tx, owner: i64) -> Result<()> {
    for app_id in store::ids_of_owner(tx, owner).await? {
        end_access(app, tx, &app_id);
    }
    Ok(())
}

/// After the commit, nothing of the app is believed any more, on any node.
fn end_access(app: &App, tx: &mut Tx, app_id: &str) {
    let (app, app_id) = (app.clone(), app_id.to_owned());
    tx.after_commit(move || revocations::announce(&app, None, &app_id));
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
    if new.redirect_uris.len() > REDIRECT_URIS_MAX {
        return Err(ApiError::invalid("redirectUris", &Problem::TooMany(REDIRECT_URIS_MAX)));
    }
    if new.allowed.names.is_empty() {
        return Err(ApiError::invalid("allowedScopes", &Problem::Required));
    }
    match new.redirect_uris.iter().find(|uri| !is_redirect_uri(uri)) {
        Some(uri) => Err(ApiError::new(Code::RedirectInvalid).arg(uri)),
        None => Ok(()),
    }
}
