//! The plaza: posts, comments and a feed for those who hold a certificate (contract 13).
//!
//! Invariants: nobody without a certificate reads or writes; a post is one write, however many follow its author (feeds are
//! made when they are read); a page of a feed goes on exactly where the one before it ended; what an operator does leaves a
//! trail that nothing deletes.

pub mod certificates;
pub mod comments;
pub mod drafts;
pub mod feed;
pub mod invitations;
pub mod moderation;
pub mod posts;
mod words;

use secondme_store::Tx;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::Result;

/// The routes of the plaza, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(certificates::http::routes())
        .merge(invitations::http::routes())
        .merge(posts::http::routes())
        .merge(comments::http::routes())
        .merge(feed::http::routes())
        .merge(moderation::http::routes())
        .merge(drafts::routes())
}

/// Takes everything of a user off the plaza, in the transaction that deletes the account: what they liked and commented counts
/// no more, what others remember of it goes, too.
///
/// # Errors
/// Storage failures only.
pub async fn forget_user(tx: &mut Tx, user_id: i64) -> Result<()> {
    comments::forget_user(tx, user_id).await?;
    posts::forget_user(tx, user_id).await
}
