//! The operator's side of applications: which wait for a decision, and the decision.

use secondme_kit::Page;
use secondme_store::{Store, Tx};

use super::{Application, end_access, store};
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// The operator's decision about an application, and about its place in the catalogue when it asked for one.
///
/// # Errors
/// `oauth2.application.not_found`.
pub async fn review(app: &App, app_id: &str, status: &'static str) -> Result<()> {
    let mut tx = app.store().write().await?;
    review_in(app, &mut tx, app_id, status).await?;
    tx.commit().await?;
    Ok(())
}

/// The same in the caller's transaction.
///
/// # Errors
/// As [`review()`].
pub async fn review_in(app: &App, tx: &mut Tx, app_id: &str, status: &'static str) -> Result<()> {
    if store::set_status(tx, app_id, status, app.now()).await? == 0 {
        return Err(ApiError::new(Code::AppNotFound));
    }
    store::settle_listing(tx, app_id, if status == "approved" { "listed" } else { "rejected" }, app.now()).await?;
    end_access(app, tx, app_id);
    Ok(())
}

/// How many applications there are, and how many of them wait for the operator.
///
/// # Errors
/// Storage failures only.
pub async fn totals(store: &Store) -> Result<(i64, i64)> {
    Ok(store::totals(store).await?)
}

/// A page of the applications that wait for the operator (`waiting`), or of all: the newest first, with their developer's
/// name and address, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn for_operator(store: &Store, waiting: bool, page: Page) -> Result<(Vec<Registered>, i64)> {
    let (all, open) = store::totals(store).await?;
    Ok((store::for_operator(store, waiting, page).await?, if waiting { open } else { all }))
}

/// An application as operators see it.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The application.
    pub app: Application,
    /// Its developer's name and address; none for apps that the operator made.
    pub developer: Option<(String, String)>,
    /// Users who let it in.
    pub users: i64,
}
