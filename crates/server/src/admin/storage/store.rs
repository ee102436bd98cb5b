//! SQL of what the server keeps.

use secondme_store::{Store, StoreError, params, sql};

pub(super) async fn bytes(store: &Store) -> Result<i64, StoreError> {
    let bytes = sql!(
        sqlite: "SELECT c.page_count * s.page_size AS bytes FROM pragma_page_count() c, pragma_page_size() s",
        postgres: "SELECT pg_database_size(current_database()) AS bytes"
    );
    store.opt(bytes, params![]).await?.map_or(Ok(0), |row| row.get("bytes"))
}

/// Counted, so that they are right; these are the tables that grow with use.
pub(super) async fn rows(store: &Store) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sql!(
        "SELECT 'users' AS name, COUNT(*) AS n FROM users
         UNION ALL SELECT 'chat_messages', COUNT(*) FROM chat_messages
         UNION ALL SELECT 'notes', COUNT(*) FROM notes
         UNION ALL SELECT 'key_memories', COUNT(*) FROM key_memories
         UNION ALL SELECT 'memory_events', COUNT(*) FROM memory_events
         UNION ALL SELECT 'tokens', COUNT(*) FROM tokens
         UNION ALL SELECT 'webhook_events', COUNT(*) FROM webhook_events
         UNION ALL SELECT 'app_requests', COUNT(*) FROM app_requests
         UNION ALL SELECT 'job', COUNT(*) FROM job"
    );
    store.all(rows, params![]).await?.iter().map(|row| Ok((row.get("name")?, row.get("n")?))).collect()
}
