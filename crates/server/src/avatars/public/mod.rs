//! The public face of an avatar: what its share code shows (contract 17.9), and the share link as a QR code (17.13).

pub mod http;
pub mod qr;

use crate::app::App;
use crate::avatars::center::{self, Avatar};
use crate::avatars::interactions;
use crate::error::{ApiError, Code, Result};

/// The avatar behind a share code and how many conversations it had. A look of anybody but its owner is counted; `viewer` is who
/// looks, when they are known.
///
/// # Errors
/// `avatar.fetch.failed` (404) when there is no such code.
pub async fn look(app: &App, viewer: Option<i64>, share_code: &str) -> Result<(Avatar, i64)> {
    let found = center::by_share_code(app, share_code).await?;
    let mut avatar = found.ok_or_else(|| ApiError::new(Code::AvatarUnknown))?;
    if viewer != Some(avatar.user_id) {
        center::count_view(app, &avatar).await?;
        avatar.view_count += 1;
    }
    let conversations = interactions::count(app, avatar.user_id, avatar.id).await?;
    Ok((avatar, conversations))
}
