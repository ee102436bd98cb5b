//! SQL of invitations.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::Invitation;

pub(super) async fn find(tx: &mut Tx, code: &str) -> Result<Option<Invitation>, StoreError> {
    let sql =
        sql!("SELECT code, inviter_id, created_at, redeemed_by, redeemed_at FROM plaza_invitations WHERE code = $1");
    tx.opt(sql, params![code]).await?.as_ref().map(invitation).transpose()
}

fn invitation(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        code: row.get("code")?,
        inviter_id: row.get("inviter_id")?,
        created_at: row.get("created_at")?,
        redeemed_by: row.get("redeemed_by")?,
        redeemed_at: row.get("redeemed_at")?,
    })
}

pub(super) async fn insert(tx: &mut Tx, code: &str, inviter_id: Option<i64>, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!("INSERT INTO plaza_invitations (code, inviter_id, created_at) VALUES ($1, $2, $3)");
    tx.run(sql, params![code, inviter_id, now]).await
}

/// Takes a code that nobody took; of several who try at once, one.
pub(super) async fn redeem(tx: &mut Tx, code: &str, user_id: i64, now: Millis) -> Result<u64, StoreError> {
    let sql =
        sql!("UPDATE plaza_invitations SET redeemed_by = $2, redeemed_at = $3 WHERE code = $1 AND redeemed_at IS NULL");
    tx.run(sql, params![code, user_id, now]).await
}

pub(super) async fn of_inviter(tx: &mut Tx, user_id: i64) -> Result<Vec<Invitation>, StoreError> {
    let sql = sql!(
        "SELECT code, inviter_id, created_at, redeemed_by, redeemed_at FROM plaza_invitations
         WHERE inviter_id = $1 ORDER BY created_at DESC, code"
    );
    tx.all(sql, params![user_id]).await?.iter().map(invitation).collect()
}

/// How many codes a user made, and how many of them were redeemed.
pub(super) async fn counts(tx: &mut Tx, user_id: i64) -> Result<(i64, i64), StoreError> {
    let sql =
        sql!("SELECT COUNT(*) AS made, COUNT(redeemed_at) AS redeemed FROM plaza_invitations WHERE inviter_id = $1");
    let row = tx.opt(sql, params![user_id]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get("made")?, row.get("redeemed")?)))
}

/// Lets one transaction at a time count and make a user's codes.
pub(super) async fn lock(tx: &mut Tx, user_id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE plaza_certificates SET status = status WHERE user_id = $1"), params![user_id]).await
}

pub(super) async fn failures(tx: &mut Tx, user_id: i64) -> Result<Option<(Millis, i64)>, StoreError> {
    let sql = sql!("SELECT window_start, failures FROM plaza_redeem_failures WHERE user_id = $1");
    tx.opt(sql, params![user_id]).await?.map(|row| Ok((row.get("window_start")?, row.get("failures")?))).transpose()
}

/// Counts an unknown code; a window that began before `stale` begins anew.
pub(super) async fn count_failure(tx: &mut Tx, user_id: i64, now: Millis, stale: Millis) -> Result<(), StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_redeem_failures (user_id, window_start, failures) VALUES ($1, $2, 1)
         ON CONFLICT (user_id) DO UPDATE SET
           failures = CASE WHEN plaza_redeem_failures.window_start <= $3 THEN 1 ELSE plaza_redeem_failures.failures + 1 END,
           window_start = CASE WHEN plaza_redeem_failures.window_start <= $3 THEN $2 ELSE plaza_redeem_failures.window_start END"
    );
    tx.run(sql, params![user_id, now, stale]).await.map(drop)
}
