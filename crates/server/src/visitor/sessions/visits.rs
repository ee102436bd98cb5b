//! Visits of users, as the owners of the avatars see them.

use secondme_store::Tx;

use super::store;
use crate::app::App;
use crate::avatars::interactions;
use crate::error::Result;

/// Takes a user's visits to other people's avatars out of what the owners see, in the transaction that deletes the account (the
/// conversations themselves go with it).
///
/// # Errors
/// Storage failures only.
pub async fn forget(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    for session in store::of_user(tx, user_id).await? {
        let nobody = format!("x:{}", app.entropy().hex(16));
        interactions::forget(tx, &session.conversation(""), &nobody).await?;
    }
    Ok(())
}
