//! SQL of certificates.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::Certificate;

pub(super) async fn find(tx: &mut Tx, user_id: i64) -> Result<Option<Certificate>, StoreError> {
    let sql = sql!(
        "SELECT c.id, c.certificate_number, c.user_id, c.issued_at, c.status, u.name, u.avatar
         FROM plaza_certificates c JOIN users u ON u.id = c.user_id WHERE c.user_id = $1"
    );
    tx.opt(sql, params![user_id]).await?.as_ref().map(certificate).transpose()
}

fn certificate(row: &Row) -> Result<Certificate, StoreError> {
    Ok(Certificate {
        id: row.get("id")?,
        number: row.get("certificate_number")?,
        user_id: row.get("user_id")?,
        issued_at: row.get("issued_at")?,
        status: row.get("status")?,
        name: row.get("name")?,
        avatar: row.get("avatar")?,
    })
}

pub(super) async fn is_active(tx: &mut Tx, user_id: i64) -> Result<bool, StoreError> {
    let sql = sql!("SELECT id FROM plaza_certificates WHERE user_id = $1 AND status = 'active'");
    Ok(tx.opt(sql, params![user_id]).await?.is_some())
}

/// The number of the next certificate of a day, from 1.
pub(super) async fn next_of_day(tx: &mut Tx, day: &str) -> Result<i64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_certificate_days (day, issued) VALUES ($1, 1)
         ON CONFLICT (day) DO UPDATE SET issued = plaza_certificate_days.issued + 1 RETURNING issued"
    );
    tx.opt(sql, params![day]).await?.map_or(Ok(1), |row| row.get("issued"))
}

pub(super) async fn insert(tx: &mut Tx, user_id: i64, number: &str, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_certificates (user_id, certificate_number, status, issued_at) VALUES ($1, $2, 'active', $3)
         ON CONFLICT (user_id) DO NOTHING"
    );
    tx.run(sql, params![user_id, number, now]).await
}

pub(super) async fn set_status(tx: &mut Tx, user_id: i64, status: &str) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE plaza_certificates SET status = $2 WHERE user_id = $1"), params![user_id, status]).await
}
