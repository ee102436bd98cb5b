//! The end of an account: nothing of it is left in any table.

use secondme_store::copy;

use super::USERS;
use super::tables::BELONGINGS;
use crate::access::revocations;
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::oauth::{apps, authorizations};
use crate::plaza;
use crate::users::accounts;
use crate::visitor::sessions::visits;

/// Deletes a user with everything that belongs to them, in one transaction. Apps that could act for them are told; their tokens
/// and what is open for them ends at once on every node.
///
/// # Errors
/// `resource.fetch.not_found` when there is no such user.
pub async fn delete(app: &App, user_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if !accounts::forget_login_failures(app, &mut tx, user_id).await? {
        return Err(ApiError::new(Code::NotFound).arg("user"));
    }
    // What others see and count changes by rules; what is the user's alone goes table by table.
    authorizations::end_all_in(app, &mut tx, user_id).await?;
    apps::end_all_in(app, &mut tx, user_id).await?;
    plaza::forget_user(&mut tx, user_id).await?;
    visits::forget(app, &mut tx, user_id).await?;
    // Those that point at others first; the user's own row, which the others point at, last.
    for entry in BELONGINGS.iter().rev().filter(|entry| entry.table != USERS) {
        copy::delete(&mut tx, entry.table, entry.owner, user_id).await?;
    }
    copy::delete(&mut tx, USERS, copy::Owner::Column("id"), user_id).await?;
    let announcing = app.clone();
    tx.after_commit(move || revocations::announce_user(&announcing, user_id));
    tx.commit().await?;
    tracing::info!(user_id, "an account was deleted");
    Ok(())
}
