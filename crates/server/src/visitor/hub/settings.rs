//! What the owner decided for an avatar: whether visitors may talk to it at all.

use secondme_store::{params, sql};

use crate::app::App;
use crate::avatars::center;
use crate::error::{ApiError, Code, Result};

/// Refuses when the owner closed the avatar to visitors.
///
/// # Errors
/// `visitor_chat.closed`.
pub async fn require_open(app: &App, avatar_id: i64) -> Result<()> {
    if is_open(app, avatar_id).await? { Ok(()) } else { Err(ApiError::new(Code::VisitorClosed)) }
}

async fn is_open(app: &App, avatar_id: i64) -> Result<bool> {
    let row =
        app.store().opt(sql!("SELECT open FROM visitor_settings WHERE avatar_id = $1"), params![avatar_id]).await?;
    Ok(row.map(|row| row.get("open")).transpose()?.unwrap_or(true))
}

/// Whether visitors may talk to one of the owner's avatars.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs.
pub async fn get(app: &App, user_id: i64, avatar_id: i64) -> Result<bool> {
    center::get(app, user_id, avatar_id).await?;
    is_open(app, avatar_id).await
}

/// Opens or closes one of the owner's avatars to visitors. Replies that have begun are finished.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs.
pub async fn set(app: &App, user_id: i64, avatar_id: i64, open: bool) -> Result<()> {
    let mut tx = app.store().write().await?;
    center::get_in(&mut tx, user_id, avatar_id, Code::AvatarUnknown).await?;
    tx.run(
        sql!(
            "INSERT INTO visitor_settings (avatar_id, user_id, open, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (avatar_id) DO UPDATE SET open = excluded.open, updated_at = excluded.updated_at"
        ),
        params![avatar_id, user_id, open, app.now()],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
