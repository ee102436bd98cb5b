//! SQL of applications.

use secondme_kit::Millis;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Application, Credentials, NewApplication};
use crate::access::Requested;

pub(super) async fn by_client_id(store: &Store, client_id: &str) -> Result<Option<Application>, StoreError> {
    let row = store
        .opt(
            sql!(
                "SELECT app_id, client_id, secret_hash, name, description, redirect_uris, allowed_scopes, status, demo
                 FROM apps WHERE client_id = $1"
            ),
            params![client_id],
        )
        .await?;
    row.as_ref().map(application).transpose()
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
                               allowed_scopes, demo, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
             ON CONFLICT (app_id) DO NOTHING"
        ),
        params![
            &credentials.app_id,
            &credentials.client_id,
            secret_hash,
            new.owner,
            new.name,
            new.description,
            serde_json::Value::from(new.redirect_uris.to_vec()).to_string(),
            new.allowed.joined(),
            demo,
            now
        ],
    )
    .await
}

fn application(row: &Row) -> Result<Application, StoreError> {
    let uris: String = row.get("redirect_uris")?;
    let scopes: String = row.get("allowed_scopes")?;
    Ok(Application {
        app_id: row.get("app_id")?,
        client_id: row.get("client_id")?,
        secret_hash: row.get("secret_hash")?,
        name: row.get("name")?,
        description: row.get("description")?,
        redirect_uris: serde_json::from_str(&uris).unwrap_or_default(),
        allowed: Requested::parse(&scopes).unwrap_or_default(),
        status: row.get("status")?,
        demo: row.get("demo")?,
    })
}
