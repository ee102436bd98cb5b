//! SQL of applications.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};

use super::{Application, ClientType, Credentials, Listing, NewApplication, Registered};
use crate::access::Requested;

pub(super) async fn by_client_id(store: &Store, client_id: &str) -> Result<Option<Application>, StoreError> {
    let by_client_id = sql!("SELECT app_id, client_id, secret_hash, previous_secret_hash, previous_secret_until, owner_user_id, name, description,
                redirect_uris, allowed_scopes, status, demo, client_type, listing, listing_status, registered_itself, created_at, updated_at
         FROM apps WHERE client_id = $1");
    store.opt(by_client_id, params![client_id]).await?.as_ref().map(application).transpose()
}

fn of_id() -> Sql {
    sql!("SELECT app_id, client_id, secret_hash, previous_secret_hash, previous_secret_until, owner_user_id, name, description,
                redirect_uris, allowed_scopes, status, demo, client_type, listing, listing_status, registered_itself, created_at, updated_at
         FROM apps WHERE app_id = $1")
}

pub(super) async fn by_id(store: &Store, app_id: &str) -> Result<Option<Application>, StoreError> {
    store.opt(of_id(), params![app_id]).await?.as_ref().map(application).transpose()
}

pub(super) async fn by_id_in(tx: &mut Tx, app_id: &str) -> Result<Option<Application>, StoreError> {
    tx.opt(of_id(), params![app_id]).await?.as_ref().map(application).transpose()
}

pub(super) async fn of_owner(store: &Store, owner: i64, page: Page) -> Result<Vec<Application>, StoreError> {
    let apps = sql!(
        "SELECT app_id, client_id, secret_hash, previous_secret_hash, previous_secret_until, owner_user_id, name, description,
                redirect_uris, allowed_scopes, status, demo, client_type, listing, listing_status, registered_itself, created_at, updated_at
         FROM apps WHERE owner_user_id = $1 ORDER BY created_at DESC, app_id LIMIT $2 OFFSET $3"
    );
    store.all(apps, params![owner, page.size, page.offset()]).await?.iter().map(application).collect()
}

pub(super) async fn count_of_owner(store: &Store, owner: i64) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM apps WHERE owner_user_id = $1");
    store.opt(count, params![owner]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn all(store: &Store) -> Result<Vec<Application>, StoreError> {
    let apps = sql!("SELECT app_id, client_id, secret_hash, previous_secret_hash, previous_secret_until, owner_user_id, name, description,
                redirect_uris, allowed_scopes, status, demo, client_type, listing, listing_status, registered_itself, created_at, updated_at
         FROM apps ORDER BY created_at DESC, app_id");
    store.all(apps, params![]).await?.iter().map(application).collect()
}

pub(super) async fn totals(store: &Store) -> Result<(i64, i64), StoreError> {
    let totals = sql!(
        "SELECT COUNT(*) AS n,
                COUNT(CASE WHEN status = 'pending_review' OR listing_status = 'pending_review' THEN 1 END) AS waiting FROM apps"
    );
    let Some(row) = store.opt(totals, params![]).await? else { return Ok((0, 0)) };
    Ok((row.get("n")?, row.get("waiting")?))
}

pub(super) async fn for_operator(store: &Store, waiting: bool, page: Page) -> Result<Vec<Registered>, StoreError> {
    let apps = sql!(
        "SELECT a.app_id, a.client_id, a.secret_hash, a.previous_secret_hash, a.previous_secret_until, a.owner_user_id, a.name,
                a.description, a.redirect_uris, a.allowed_scopes, a.status, a.demo, a.client_type, a.listing, a.listing_status,
                a.registered_itself, a.created_at, a.updated_at, u.name AS developer_name, u.email AS developer_email,
                (SELECT COUNT(*) FROM authorizations z WHERE z.app_id = a.app_id AND z.revoked_at IS NULL) AS users
         FROM apps a LEFT JOIN users u ON u.id = a.owner_user_id
         WHERE NOT CAST($1 AS BOOLEAN) OR a.status = 'pending_review' OR a.listing_status = 'pending_review'
         ORDER BY a.created_at DESC, a.app_id LIMIT $2 OFFSET $3"
    );
    let rows = store.all(apps, params![waiting, page.size, page.offset()]).await?;
    let registered = |row: &Row| {
        let name: Option<String> = row.get("developer_name")?;
        let email: Option<String> = row.get("developer_email")?;
        Ok(Registered { app: application(row)?, developer: name.zip(email), users: row.get("users")? })
    };
    rows.iter().map(registered).collect()
}

pub(super) async fn listed(store: &Store, page: Page) -> Result<Vec<Application>, StoreError> {
    let apps = sql!(
        "SELECT app_id, client_id, secret_hash, previous_secret_hash, previous_secret_until, owner_user_id, name, description,
                redirect_uris, allowed_scopes, status, demo, client_type, listing, listing_status, registered_itself, created_at, updated_at
         FROM apps WHERE listing_status = 'listed' AND status = 'approved'
         ORDER BY listed_at DESC, app_id LIMIT $1 OFFSET $2"
    );
    store.all(apps, params![page.size, page.offset()]).await?.iter().map(application).collect()
}

pub(super) async fn count_listed(store: &Store) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM apps WHERE listing_status = 'listed' AND status = 'approved'");
    store.opt(count, params![]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn insert(
    tx: &mut Tx,
    new: &NewApplication<'_>,
    credentials: &Credentials,
    secret_hash: &[u8; 32],
    demo: bool,
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO apps (app_id, client_id, secret_hash, owner_user_id, name, description, redirect_uris,
                               allowed_scopes, demo, created_at, updated_at, client_type)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
             ON CONFLICT (app_id) DO NOTHING"
        ),
        params![
            &credentials.app_id,
            &credentials.client_id,
            secret_hash,
            new.owner,
            new.name.trim(),
            new.description,
            uris(new),
            new.allowed.joined(),
            demo,
            now,
            new.client_type.word()
        ],
    )
    .await
}

fn uris(new: &NewApplication<'_>) -> String {
    serde_json::Value::from(new.redirect_uris.to_vec()).to_string()
}

pub(super) async fn update(
    tx: &mut Tx,
    owner: i64,
    app_id: &str,
    new: &NewApplication<'_>,
    listing: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let update = sql!(
        "UPDATE apps SET name = $3, description = $4, redirect_uris = $5, allowed_scopes = $6, listing = $7, updated_at = $8
         WHERE owner_user_id = $1 AND app_id = $2"
    );
    let (name, uris, scopes) = (new.name.trim(), uris(new), new.allowed.joined());
    tx.run(update, params![owner, app_id, name, new.description, uris, scopes, listing, now]).await
}

pub(super) async fn replace_secret(
    tx: &mut Tx,
    owner: i64,
    app_id: &str,
    hash: &[u8; 32],
    until: Millis,
    now: Millis,
) -> Result<u64, StoreError> {
    let replace = sql!(
        "UPDATE apps SET previous_secret_hash = secret_hash, previous_secret_until = $4, secret_hash = $3, updated_at = $5
         WHERE owner_user_id = $1 AND app_id = $2"
    );
    tx.run(replace, params![owner, app_id, hash, until, now]).await
}

pub(super) async fn ids_of_owner(tx: &mut Tx, owner: i64) -> Result<Vec<String>, StoreError> {
    let rows = tx.all(sql!("SELECT app_id FROM apps WHERE owner_user_id = $1 ORDER BY app_id"), params![owner]).await?;
    rows.iter().map(|row| row.get("app_id")).collect()
}

pub(super) async fn delete(tx: &mut Tx, owner: i64, app_id: &str) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM apps WHERE owner_user_id = $1 AND app_id = $2"), params![owner, app_id]).await
}

pub(super) async fn count_dynamic(tx: &mut Tx, since: Millis) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM apps WHERE registered_itself AND created_at > $1");
    tx.opt(count, params![since]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn set_dynamic(tx: &mut Tx, app_id: &str) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE apps SET registered_itself = TRUE WHERE app_id = $1"), params![app_id]).await
}

pub(super) async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let delete = sql!(
        "DELETE FROM apps WHERE app_id IN (
           SELECT a.app_id FROM apps a WHERE a.registered_itself AND a.created_at < $1
             AND NOT EXISTS (SELECT z.id FROM authorizations z WHERE z.app_id = a.app_id)
           ORDER BY a.created_at LIMIT $2)"
    );
    tx.run(delete, params![before, limit]).await
}

pub(super) async fn set_status(tx: &mut Tx, app_id: &str, status: &str, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE apps SET status = $2, updated_at = $3 WHERE app_id = $1"), params![app_id, status, now]).await
}

pub(super) async fn set_listing(
    tx: &mut Tx,
    owner: i64,
    app_id: &str,
    listing: &str,
    status: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let set = sql!(
        "UPDATE apps SET listing = $3, listing_status = $4, listed_at = COALESCE(listed_at, $5), updated_at = $5
         WHERE owner_user_id = $1 AND app_id = $2"
    );
    tx.run(set, params![owner, app_id, listing, status, now]).await
}

pub(super) async fn settle_listing(tx: &mut Tx, app_id: &str, status: &str, now: Millis) -> Result<u64, StoreError> {
    let settle = sql!(
        "UPDATE apps SET listing_status = $2, listed_at = $3 WHERE app_id = $1 AND listing_status = 'pending_review'"
    );
    tx.run(settle, params![app_id, status, now]).await
}

fn application(row: &Row) -> Result<Application, StoreError> {
    let uris: String = row.get("redirect_uris")?;
    let scopes: String = row.get("allowed_scopes")?;
    let client_type: String = row.get("client_type")?;
    let previous: Option<[u8; 32]> = row.get("previous_secret_hash")?;
    let until: Option<Millis> = row.get("previous_secret_until")?;
    Ok(Application {
        app_id: row.get("app_id")?,
        client_id: row.get("client_id")?,
        secret_hash: row.get("secret_hash")?,
        previous_secret: previous.zip(until),
        name: row.get("name")?,
        description: row.get("description")?,
        redirect_uris: serde_json::from_str(&uris).unwrap_or_default(),
        allowed: Requested::parse(&scopes).unwrap_or_default(),
        status: row.get("status")?,
        demo: row.get("demo")?,
        owner: row.get("owner_user_id")?,
        client_type: ClientType::from_word(&client_type).unwrap_or_default(),
        listing: Listing::from_json(&row.get::<String>("listing")?),
        listing_status: row.get("listing_status")?,
        registered_itself: row.get("registered_itself")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
