//! What a socket asks about its conversation: how it stands, and what is written down of what arrived.

use std::collections::HashMap;

use super::store;
use crate::app::App;
use crate::error::Result;
use crate::visitor::credential::Credential;

/// How a credential's conversation stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Credentials of an older epoch are over.
    pub epoch: i64,
    /// The last number of the log.
    pub head: i64,
    /// The last number that a client is known to have.
    pub acked: i64,
    /// Whether the owner blocked the visitor.
    pub blocked: bool,
    /// Whether the user ended the app's access.
    pub revoked: bool,
    /// The visiting user.
    pub visitor_user_id: Option<i64>,
}

/// How the conversation of a credential stands; none: it is gone.
///
/// # Errors
/// Storage failures only.
pub async fn standing(app: &App, credential: &Credential) -> Result<Option<Standing>> {
    let mut tx = app.store().read().await?;
    let Some(mut standing) = store::standing(&mut tx, &credential.session_id).await? else { return Ok(None) };
    if let Some(id) = credential.authorization {
        standing.revoked = crate::oauth::authorizations::is_over(&mut tx, id).await?;
    }
    Ok(Some(standing))
}

/// Writes down which frames clients have.
///
/// # Errors
/// Storage failures only.
pub async fn write_acks(app: &App, acks: &HashMap<Box<str>, i64>) -> Result<()> {
    let mut acks: Vec<_> = acks.iter().collect();
    // The same order everywhere, so that two nodes do not wait for each other.
    acks.sort_unstable();
    for part in acks.chunks(500) {
        let mut tx = app.store().write().await?;
        for (session_id, cursor) in part {
            store::write_ack(&mut tx, session_id, **cursor).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
