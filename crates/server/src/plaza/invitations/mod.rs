//! Invitation codes (contract 13.2): one code, one guest, one certificate.
//!
//! Invariants: a code is redeemed once, whoever races for it; who holds a certificate may make the codes they have left:
//! those of the beginning, and one more for every so many guests.

pub mod http;
mod store;

use secondme_kit::Millis;
use secondme_store::Tx;

use super::certificates;
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// A code and what became of it.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The code.
    pub code: String,
    /// Who made it; none: the operator.
    pub inviter_id: Option<i64>,
    /// When it was made.
    pub created_at: Millis,
    /// Who redeemed it.
    pub redeemed_by: Option<i64>,
    /// When it was redeemed.
    pub redeemed_at: Option<Millis>,
}

/// What came of redeeming a code.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// The code in its own spelling.
    pub code: String,
    /// Who invited; none: the operator.
    pub inviter_id: Option<i64>,
    /// Whether a certificate was issued now. A holder's code stays unused.
    pub issued: bool,
    /// The guest's certificate.
    pub certificate_number: String,
}

const HOUR_MS: Millis = 3_600_000;
const CODE_CHARS: usize = 10;

/// Redeems a code for a certificate.
///
/// # Errors
/// `invitation.code.not_found`, `.already_used`, `.self_redeem`; `invitation.redeem.rate_limited` after too many unknown codes.
pub async fn redeem(app: &App, user_id: i64, code: &str) -> Result<Redeemed> {
    let code = code.trim().to_ascii_uppercase();
    if code.is_empty() {
        return Err(ApiError::invalid("code", &Problem::Required));
    }
    let mut tx = app.store().write().await?;
    check_rate(app, &mut tx, user_id).await?;
    let Some(invitation) = store::find(&mut tx, &code).await? else {
        store::count_failure(&mut tx, user_id, app.now(), app.now() - HOUR_MS).await?;
        tx.commit().await?;
        return Err(ApiError::new(Code::InvitationNotFound));
    };
    if invitation.inviter_id == Some(user_id) {
        return Err(ApiError::new(Code::InvitationOwn));
    }
    let used = || ApiError::new(Code::InvitationUsed);
    if invitation.redeemed_at.is_some() {
        return Err(used());
    }
    let issued = certificates::issue(app, &mut tx, user_id).await?;
    if issued && store::redeem(&mut tx, &code, user_id, app.now()).await? == 0 {
        return Err(used());
    }
    let certificate = certificates::of_in(&mut tx, user_id).await?;
    tx.commit().await?;
    let certificate_number = certificate.map(|c| c.number).unwrap_or_default();
    Ok(Redeemed { code, inviter_id: invitation.inviter_id, issued, certificate_number })
}

async fn check_rate(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    let Some((start, failures)) = store::failures(tx, user_id).await? else { return Ok(()) };
    let left = start + HOUR_MS - app.now();
    if left <= 0 || failures < app.config().plaza.redeem_failures_per_hour {
        return Ok(());
    }
    let seconds = u32::try_from((left + 999) / 1_000).unwrap_or(3_600);
    Err(ApiError::new(Code::RedeemLimited).arg(seconds).retry_after(seconds))
}

/// Makes a code of a certificate holder; the code, and how many more they may make.
///
/// # Errors
/// `third.party.agent.plaza.invitation.required` without a certificate, `invitation.quota.exhausted` when none is left.
pub async fn create(app: &App, user_id: i64) -> Result<(Invitation, i64)> {
    let mut tx = app.store().write().await?;
    certificates::require(&mut tx, user_id).await?;
    store::lock(&mut tx, user_id).await?;
    let left = allowance(app, &mut tx, user_id).await?;
    if left <= 0 {
        return Err(ApiError::new(Code::InvitationsExhausted).arg(app.config().plaza.redeemed_per_code));
    }
    let invitation = insert(app, &mut tx, Some(user_id)).await?;
    tx.commit().await?;
    Ok((invitation, left - 1))
}

/// Makes codes in the operator's name.
///
/// # Errors
/// Storage failures only.
pub async fn create_for_operator(app: &App, count: usize) -> Result<Vec<String>> {
    let mut tx = app.store().write().await?;
    let mut codes = Vec::with_capacity(count);
    for _ in 0..count {
        codes.push(insert(app, &mut tx, None).await?.code);
    }
    tx.commit().await?;
    Ok(codes)
}

async fn insert(app: &App, tx: &mut Tx, inviter_id: Option<i64>) -> Result<Invitation> {
    let code = app.entropy().alphanumeric(CODE_CHARS).to_ascii_uppercase();
    store::insert(tx, &code, inviter_id, app.now()).await?;
    Ok(Invitation { code, inviter_id, created_at: app.now(), redeemed_by: None, redeemed_at: None })
}

/// A user's codes, newest first, and how many more they may make.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64) -> Result<(Vec<Invitation>, i64)> {
    let mut tx = app.store().read().await?;
    let left = match certificates::require(&mut tx, user_id).await {
        Ok(()) => allowance(app, &mut tx, user_id).await?,
        Err(_) => 0,
    };
    Ok((store::of_inviter(&mut tx, user_id).await?, left.max(0)))
}

/// Codes that a holder may still make.
async fn allowance(app: &App, tx: &mut Tx, user_id: i64) -> Result<i64> {
    let (made, redeemed) = store::counts(tx, user_id).await?;
    let plaza = &app.config().plaza;
    let earned = redeemed.checked_div(plaza.redeemed_per_code).unwrap_or(0);
    Ok(plaza.codes_at_first + earned - made)
}
