//! SQL of apps' last requests.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Request, Seen};

/// The app with this id or Client ID.
pub(super) async fn app_of(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    let row = tx.opt(sql!("SELECT app_id FROM apps WHERE app_id = $1 OR client_id = $1"), params![key]).await?;
    row.map(|row| row.get("app_id")).transpose()
}

pub(super) async fn insert(tx: &mut Tx, app_id: &str, seen: &Seen) -> Result<u64, StoreError> {
    let insert = sql!(
        "INSERT INTO app_requests (app_id, user_id, request_id, at, method, route, path, query, media, body, agent, token_kind,
                                   scopes, needs, status, sub_code, message, micros)
         VALUES ($1, (SELECT id FROM users WHERE id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                 $18)"
    );
    let facts = &seen.facts;
    let parameters = params![
        app_id,
        facts.user_id,
        &seen.request_id,
        seen.at,
        &seen.method,
        &seen.route,
        &seen.path,
        &seen.query,
        &seen.media,
        &facts.body,
        &seen.agent,
        facts.token_kind,
        &facts.scopes,
        facts.needs,
        i64::from(seen.status),
        seen.sub_code,
        &seen.message,
        seen.micros
    ];
    tx.run(insert, parameters).await
}

/// Keeps the newest `keep`.
pub(super) async fn trim(tx: &mut Tx, app_id: &str, keep: i64) -> Result<u64, StoreError> {
    let trim = sql!(
        "DELETE FROM app_requests WHERE app_id = $1 AND id <=
           (SELECT id FROM app_requests WHERE app_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)"
    );
    tx.run(trim, params![app_id, keep.max(0)]).await
}

pub(super) async fn requests(
    store: &Store,
    app_id: &str,
    least_status: i64,
    page: Page,
) -> Result<Vec<Request>, StoreError> {
    let requests = sql!(
        "SELECT r.*, z.app_scoped_user_id FROM app_requests r
         LEFT JOIN authorizations z ON z.app_id = r.app_id AND z.user_id = r.user_id
         WHERE r.app_id = $1 AND r.status >= $2 ORDER BY r.id DESC LIMIT $3 OFFSET $4"
    );
    let rows = store.all(requests, params![app_id, least_status, page.size, page.offset()]).await?;
    rows.iter().map(row_of).collect()
}

pub(super) async fn count(store: &Store, app_id: &str, least_status: i64) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM app_requests WHERE app_id = $1 AND status >= $2");
    store.opt(count, params![app_id, least_status]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn request(store: &Store, app_id: &str, id: i64) -> Result<Option<Request>, StoreError> {
    let request = sql!(
        "SELECT r.*, z.app_scoped_user_id FROM app_requests r
         LEFT JOIN authorizations z ON z.app_id = r.app_id AND z.user_id = r.user_id
         WHERE r.app_id = $1 AND r.id = $2"
    );
    store.opt(request, params![app_id, id]).await?.as_ref().map(row_of).transpose()
}

fn row_of(row: &Row) -> Result<Request, StoreError> {
    Ok(Request {
        id: row.get("id")?,
        request_id: row.get("request_id")?,
        at: row.get("at")?,
        method: row.get("method")?,
        route: row.get("route")?,
        path: row.get("path")?,
        query: row.get("query")?,
        media: row.get("media")?,
        body: row.get("body")?,
        agent: row.get("agent")?,
        token_kind: row.get("token_kind")?,
        scopes: row.get("scopes")?,
        needs: row.get("needs")?,
        status: row.get("status")?,
        sub_code: row.get("sub_code")?,
        message: row.get("message")?,
        micros: row.get("micros")?,
        app_scoped_user_id: row.get("app_scoped_user_id")?,
    })
}

pub(super) async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let delete =
        sql!("DELETE FROM app_requests WHERE id IN (SELECT id FROM app_requests WHERE at < $1 ORDER BY at LIMIT $2)");
    tx.run(delete, params![before, limit]).await
}
