//! Resident certificates: who may act on the plaza (contract 13, 13.1).

pub mod http;
mod store;

use secondme_kit::Millis;
use secondme_kit::clock::iso;
use secondme_store::{Store, Tx};

use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// A certificate as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its id.
    pub id: i64,
    /// `CERT-YYYYMMDD-NNN`.
    pub number: String,
    /// Whose it is.
    pub user_id: i64,
    /// When it was issued.
    pub issued_at: Millis,
    /// `active`, or `revoked` by the operator.
    pub status: String,
    /// The holder's name.
    pub name: String,
    /// The holder's picture.
    pub avatar: String,
}

impl Certificate {
    /// Whether its holder may act on the plaza.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// The certificate of a user, in any state.
///
/// # Errors
/// Storage failures only.
pub async fn of(store: &Store, user_id: i64) -> Result<Option<Certificate>> {
    let mut tx = store.read().await?;
    of_in(&mut tx, user_id).await
}

/// The same inside a transaction.
///
/// # Errors
/// Storage failures only.
pub async fn of_in(tx: &mut Tx, user_id: i64) -> Result<Option<Certificate>> {
    Ok(store::find(tx, user_id).await?)
}

/// Lets holders of an active certificate pass.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required`.
pub async fn require(tx: &mut Tx, user_id: i64) -> Result<()> {
    if store::is_active(tx, user_id).await? { Ok(()) } else { Err(ApiError::new(Code::InvitationRequired)) }
}

/// Gives the user a certificate, unless they have one; whether it was issued now.
///
/// # Errors
/// Storage failures only.
pub async fn issue(app: &App, tx: &mut Tx, user_id: i64) -> Result<bool> {
    if store::find(tx, user_id).await?.is_some() {
        return Ok(false);
    }
    let now = app.now();
    let day: String = iso(now).chars().take(10).filter(|c| *c != '-').collect();
    let nth = store::next_of_day(tx, &day).await?;
    Ok(store::insert(tx, user_id, &format!("CERT-{day}-{nth:03}"), now).await? > 0)
}

/// Takes a certificate away or gives it back; whether there is one.
pub(super) async fn set_status(tx: &mut Tx, user_id: i64, status: &str) -> Result<bool> {
    Ok(store::set_status(tx, user_id, status).await? > 0)
}
