//! SQL of integrations.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Integration, NewVersion, Released, Version, Waiting};
use crate::integrations::manifest::Manifest;
use crate::integrations::validation::Report;

pub(super) async fn count(tx: &mut Tx, user_id: i64) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM integrations WHERE user_id = $1");
    tx.opt(count, params![user_id]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn list(tx: &mut Tx, user_id: i64, page: Page) -> Result<Vec<Integration>, StoreError> {
    let list = sql!(
        "SELECT integration_id, skill_key, released_version, created_at, updated_at FROM integrations
         WHERE user_id = $1 ORDER BY created_at DESC, integration_id LIMIT $2 OFFSET $3"
    );
    let rows = tx.all(list, params![user_id, page.size, page.offset()]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(with_versions(tx, user_id, row).await?);
    }
    Ok(found)
}

pub(super) async fn find(tx: &mut Tx, user_id: i64, integration_id: &str) -> Result<Option<Integration>, StoreError> {
    let find = sql!(
        "SELECT integration_id, skill_key, released_version, created_at, updated_at FROM integrations
         WHERE user_id = $1 AND integration_id = $2"
    );
    match tx.opt(find, params![user_id, integration_id]).await? {
        Some(row) => with_versions(tx, user_id, &row).await.map(Some),
        None => Ok(None),
    }
}

async fn with_versions(tx: &mut Tx, user_id: i64, row: &Row) -> Result<Integration, StoreError> {
    let integration_id: String = row.get("integration_id")?;
    let versions = sql!(
        "SELECT version_id, number, manifest, secrets, report, status, submitted_at, reviewed_at, review_note, created_at
         FROM integration_versions WHERE user_id = $1 AND integration_id = $2 ORDER BY number DESC"
    );
    let rows = tx.all(versions, params![user_id, &integration_id]).await?;
    Ok(Integration {
        versions: rows.iter().map(version).collect::<Result<_, _>>()?,
        integration_id,
        skill_key: row.get("skill_key")?,
        released_version: row.get("released_version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn version(row: &Row) -> Result<Version, StoreError> {
    let report: Option<String> = row.get("report")?;
    Ok(Version {
        version_id: row.get("version_id")?,
        number: row.get("number")?,
        manifest: manifest(row)?,
        report: report.and_then(|text| serde_json::from_str(&text).ok()),
        status: row.get("status")?,
        submitted_at: row.get("submitted_at")?,
        reviewed_at: row.get("reviewed_at")?,
        review_note: row.get("review_note")?,
        created_at: row.get("created_at")?,
        secrets: row.get("secrets")?,
    })
}

fn manifest(row: &Row) -> Result<Manifest, StoreError> {
    Ok(serde_json::from_str(&row.get::<String>("manifest")?).unwrap_or_default())
}

pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    integration_id: &str,
    skill_key: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let insert = sql!(
        "INSERT INTO integrations (integration_id, user_id, skill_key, versions_made, created_at, updated_at)
         VALUES ($1, $2, $3, 0, $4, $4) ON CONFLICT (skill_key) DO NOTHING"
    );
    tx.run(insert, params![integration_id, user_id, skill_key, now]).await
}

pub(super) async fn touch(tx: &mut Tx, user_id: i64, integration_id: &str, now: Millis) -> Result<u64, StoreError> {
    let touch = sql!("UPDATE integrations SET updated_at = $3 WHERE user_id = $1 AND integration_id = $2");
    tx.run(touch, params![user_id, integration_id, now]).await
}

/// The number is counted in the integration's row, so that two versions never share one.
pub(super) async fn insert_version(
    tx: &mut Tx,
    user_id: i64,
    integration_id: &str,
    new: &NewVersion,
    now: Millis,
) -> Result<(), StoreError> {
    let next = sql!(
        "UPDATE integrations SET versions_made = versions_made + 1 WHERE user_id = $1 AND integration_id = $2
         RETURNING versions_made"
    );
    let row = tx.opt(next, params![user_id, integration_id]).await?.ok_or(StoreError::Conflict)?;
    let number: i64 = row.get("versions_made")?;
    let insert = sql!(
        "INSERT INTO integration_versions (version_id, integration_id, user_id, number, app_id, manifest, secrets, status,
                                           created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'draft', $8)"
    );
    let NewVersion { version_id, app_id, manifest, secrets } = new;
    tx.run(insert, params![version_id, integration_id, user_id, number, app_id, manifest, secrets, now]).await.map(drop)
}

/// Drafts of long ago; what is released or waits stays.
pub(super) async fn prune(tx: &mut Tx, user_id: i64, integration_id: &str, keep: i64) -> Result<u64, StoreError> {
    let prune = sql!(
        "DELETE FROM integration_versions WHERE user_id = $1 AND integration_id = $2
           AND status NOT IN ('approved', 'pending_review')
           AND number <= (SELECT versions_made FROM integrations WHERE user_id = $1 AND integration_id = $2) - $3"
    );
    tx.run(prune, params![user_id, integration_id, keep]).await
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, integration_id: &str) -> Result<u64, StoreError> {
    let delete = sql!("DELETE FROM integrations WHERE user_id = $1 AND integration_id = $2");
    tx.run(delete, params![user_id, integration_id]).await
}

pub(super) async fn set_report(tx: &mut Tx, user_id: i64, version_id: &str, report: &str) -> Result<u64, StoreError> {
    let set = sql!("UPDATE integration_versions SET report = $3 WHERE user_id = $1 AND version_id = $2");
    tx.run(set, params![user_id, version_id, report]).await
}

pub(super) async fn submit(tx: &mut Tx, user_id: i64, version_id: &str, now: Millis) -> Result<u64, StoreError> {
    let submit = sql!(
        "UPDATE integration_versions SET status = 'pending_review', submitted_at = $3, reviewed_at = NULL, review_note = ''
         WHERE user_id = $1 AND version_id = $2"
    );
    tx.run(submit, params![user_id, version_id, now]).await
}

pub(super) async fn pending(tx: &mut Tx, integration_id: &str) -> Result<Option<String>, StoreError> {
    let pending = sql!(
        "SELECT version_id FROM integration_versions WHERE integration_id = $1 AND status = 'pending_review'
         ORDER BY number DESC LIMIT 1"
    );
    tx.opt(pending, params![integration_id]).await?.map(|row| row.get("version_id")).transpose()
}

pub(super) async fn supersede(tx: &mut Tx, integration_id: &str) -> Result<u64, StoreError> {
    let end =
        sql!("UPDATE integration_versions SET status = 'superseded' WHERE integration_id = $1 AND status = 'approved'");
    tx.run(end, params![integration_id]).await
}

pub(super) async fn settle(
    tx: &mut Tx,
    integration_id: &str,
    version_id: &str,
    (status, note): (&str, &str),
    now: Millis,
) -> Result<u64, StoreError> {
    let settle = sql!(
        "UPDATE integration_versions SET status = $3, review_note = $4, reviewed_at = $5
         WHERE integration_id = $1 AND version_id = $2"
    );
    tx.run(settle, params![integration_id, version_id, status, note, now]).await
}

pub(super) async fn set_released(
    tx: &mut Tx,
    integration_id: &str,
    version_id: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let set = sql!("UPDATE integrations SET released_version = $2, updated_at = $3 WHERE integration_id = $1");
    tx.run(set, params![integration_id, version_id, now]).await
}

pub(super) async fn waiting(store: &Store) -> Result<Vec<Waiting>, StoreError> {
    let waiting = sql!(
        "SELECT integration_id, version_id, manifest, submitted_at FROM integration_versions
         WHERE status = 'pending_review' ORDER BY submitted_at, version_id"
    );
    let rows = store.all(waiting, params![]).await?;
    let one = |row: &Row| -> Result<Waiting, StoreError> {
        let manifest = manifest(row)?;
        Ok(Waiting {
            integration_id: row.get("integration_id")?,
            version_id: row.get("version_id")?,
            endpoint: manifest.endpoint().to_owned(),
            display_name: manifest.skill.display_name,
            submitted_at: row.get::<Option<Millis>>("submitted_at")?.unwrap_or_default(),
        })
    };
    rows.iter().map(one).collect()
}

/// Skills of apps that are suspended, or not approved yet, are not there.
pub(super) async fn released(store: &Store, key: &str) -> Result<Option<Released>, StoreError> {
    let find = sql!(
        "SELECT i.integration_id, v.number, v.manifest, v.secrets, v.report FROM integrations i
         JOIN integration_versions v ON v.version_id = i.released_version
         JOIN apps a ON a.app_id = v.app_id
         WHERE (i.skill_key = $1 OR i.integration_id = $1) AND a.status = 'approved'"
    );
    store.opt(find, params![key]).await?.as_ref().map(skill).transpose()
}

pub(super) async fn released_of(store: &Store, app_id: &str) -> Result<Vec<Released>, StoreError> {
    let find = sql!(
        "SELECT i.integration_id, v.number, v.manifest, v.secrets, v.report FROM integrations i
         JOIN integration_versions v ON v.version_id = i.released_version
         JOIN apps a ON a.app_id = v.app_id
         WHERE v.app_id = $1 AND a.status = 'approved' ORDER BY i.created_at, i.integration_id"
    );
    store.all(find, params![app_id]).await?.iter().map(skill).collect()
}

fn skill(row: &Row) -> Result<Released, StoreError> {
    let report: Option<String> = row.get("report")?;
    let report = report.and_then(|text| serde_json::from_str::<Report>(&text).ok());
    Ok(Released {
        schemas: report.map(|report| report.input_schemas).unwrap_or_default(),
        integration_id: row.get("integration_id")?,
        number: row.get("number")?,
        manifest: manifest(row)?,
        secrets: row.get("secrets")?,
    })
}

pub(super) async fn apps(store: &Store, page: Page) -> Result<Vec<String>, StoreError> {
    let apps = sql!(
        "SELECT app_id FROM (
           SELECT a.app_id AS app_id, a.listed_at AS listed_at, a.listing_status AS listing_status,
             (SELECT COUNT(*) FROM integration_versions v JOIN integrations i ON i.released_version = v.version_id
              WHERE v.app_id = a.app_id) AS skills
           FROM apps a WHERE a.status = 'approved') AS known
         WHERE skills > 0 OR listing_status = 'listed'
         ORDER BY CASE WHEN skills > 0 THEN 0 ELSE 1 END, COALESCE(listed_at, 0) DESC, app_id LIMIT $1 OFFSET $2"
    );
    store.all(apps, params![page.size, page.offset()]).await?.iter().map(|row| row.get("app_id")).collect()
}

pub(super) async fn count_apps(store: &Store) -> Result<i64, StoreError> {
    let count = sql!(
        "SELECT COUNT(*) AS n FROM apps a WHERE a.status = 'approved' AND (a.listing_status = 'listed' OR EXISTS (
           SELECT v.version_id FROM integration_versions v JOIN integrations i ON i.released_version = v.version_id
           WHERE v.app_id = a.app_id))"
    );
    store.opt(count, params![]).await?.map_or(Ok(0), |row| row.get("n"))
}
