//! SQL of sessions and messages.

use std::collections::HashMap;

use secondme_kit::Millis;
use secondme_llm::{Image, Role};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{About, Message, NewMessage, Said, Session};
use crate::chat::prompt::Past;

/// The owner of a session and how many messages it has.
pub(super) async fn owner(tx: &mut Tx, session_id: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let row = tx
        .opt(sql!("SELECT user_id, message_count FROM chat_sessions WHERE session_id = $1"), params![session_id])
        .await?;
    row.map(|row| Ok((row.get("user_id")?, row.get("message_count")?))).transpose()
}

/// The owner of a session, and the other one of a session between two people.
pub(super) async fn parties(tx: &mut Tx, session_id: &str) -> Result<Option<(i64, Option<i64>)>, StoreError> {
    let sql = sql!("SELECT user_id, peer_user_id FROM chat_sessions WHERE session_id = $1");
    let row = tx.opt(sql, params![session_id]).await?;
    row.map(|row| Ok((row.get("user_id")?, row.get("peer_user_id")?))).transpose()
}

/// The session of a message.
pub(super) async fn of_message(store: &Store, user_id: i64, message_id: &str) -> Result<Option<String>, StoreError> {
    let sql = sql!("SELECT session_id FROM chat_messages WHERE user_id = $1 AND message_id = $2");
    store.opt(sql, params![user_id, message_id]).await?.map(|row| row.get("session_id")).transpose()
}

/// Makes a session between two people.
pub(super) async fn insert_between(
    tx: &mut Tx,
    (owner, peer): (i64, i64),
    session_id: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO chat_sessions (session_id, user_id, peer_user_id, kind, bucket, created_at, updated_at)
         VALUES ($1, $2, $3, 'friend', 'friend', $4, $4)"
    );
    tx.run(sql, params![session_id, owner, peer, now]).await
}

/// Notes who of the two said a message.
pub(super) async fn set_sender(tx: &mut Tx, owner: i64, message_id: &str, sender: i64) -> Result<u64, StoreError> {
    let sql = sql!("UPDATE chat_messages SET sender_user_id = $3 WHERE user_id = $1 AND message_id = $2");
    tx.run(sql, params![owner, message_id, sender]).await
}

pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    (kind, bucket, client_app_id): (&str, &str, Option<&str>),
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO chat_sessions (session_id, user_id, kind, bucket, client_app_id, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (session_id) DO NOTHING"
        ),
        params![session_id, user_id, kind, bucket, client_app_id, now],
    )
    .await
}

pub(super) async fn append(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    message_id: &str,
    new: &NewMessage<'_>,
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO chat_messages (message_id, session_id, user_id, role, content, status, metadata, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![
            message_id,
            session_id,
            user_id,
            new.role.as_str(),
            new.content,
            new.status,
            new.metadata.to_string(),
            now
        ],
    )
    .await
}

pub(super) async fn append_image(
    tx: &mut Tx,
    message_id: &str,
    position: i64,
    image: &Image,
) -> Result<u64, StoreError> {
    tx.run(
        sql!("INSERT INTO chat_images (message_id, position, media_type, data) VALUES ($1, $2, $3, $4)"),
        params![message_id, position, &image.media_type, image.data.as_slice()],
    )
    .await
}

pub(super) async fn touch(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    preview: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE chat_sessions SET message_count = message_count + 1, last_message = $3, updated_at = $4
             WHERE user_id = $1 AND session_id = $2"
        ),
        params![user_id, session_id, preview, now],
    )
    .await
}

pub(super) async fn list(
    store: &Store,
    user_id: i64,
    bucket: Option<&str>,
    limit: i64,
) -> Result<Vec<Session>, StoreError> {
    let rows = match bucket {
        None => {
            let sql = sql!(
                "SELECT session_id, bucket, last_message, updated_at, message_count FROM chat_sessions
                 WHERE user_id = $1 OR peer_user_id = $1 ORDER BY updated_at DESC, session_id LIMIT $2"
            );
            store.all(sql, params![user_id, limit]).await?
        }
        Some(bucket) => {
            let sql = sql!(
                "SELECT session_id, bucket, last_message, updated_at, message_count FROM chat_sessions
                 WHERE (user_id = $1 OR peer_user_id = $1) AND bucket = $3 ORDER BY updated_at DESC, session_id LIMIT $2"
            );
            store.all(sql, params![user_id, limit, bucket]).await?
        }
    };
    rows.iter().map(session).collect()
}

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        session_id: row.get("session_id")?,
        bucket: row.get("bucket")?,
        last_message: row.get("last_message")?,
        updated_at: row.get("updated_at")?,
        message_count: row.get("message_count")?,
    })
}

pub(super) async fn messages(
    tx: &mut Tx,
    (owner, peer): (i64, Option<i64>),
    session_id: &str,
) -> Result<Vec<Message>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT message_id, role, content, status, sender_user_id, created_at FROM chat_messages
                 WHERE user_id = $1 AND session_id = $2 ORDER BY id"
            ),
            params![owner, session_id],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let sender = row.get::<Option<i64>>("sender_user_id")?.unwrap_or(owner);
            Ok(Message {
                sender,
                receiver: peer.map(|peer| if sender == peer { owner } else { peer }),
                message_id: row.get("message_id")?,
                role: row.get("role")?,
                content: row.get("content")?,
                status: row.get("status")?,
                created_at: row.get("created_at")?,
            })
        })
        .collect()
}

pub(super) async fn about(store: &Store, user_id: i64, session_id: &str) -> Result<Option<About>, StoreError> {
    let sql = sql!("SELECT client_app_id, updated_at FROM chat_sessions WHERE user_id = $1 AND session_id = $2");
    let row = store.opt(sql, params![user_id, session_id]).await?;
    row.map(|row| Ok(About { client_app_id: row.get("client_app_id")?, updated_at: row.get("updated_at")? }))
        .transpose()
}

pub(super) async fn said_after(
    store: &Store,
    user_id: i64,
    session_id: &str,
    position: i64,
    limit: i64,
) -> Result<Vec<Said>, StoreError> {
    let sql = sql!(
        "SELECT id, message_id, role, content, created_at FROM chat_messages
         WHERE user_id = $1 AND session_id = $2 AND id > $3 AND role <> 'system' ORDER BY id LIMIT $4"
    );
    store.all(sql, params![user_id, session_id, position, limit]).await?.iter().map(said).collect()
}

pub(super) async fn answers_until(
    store: &Store,
    user_id: i64,
    position: i64,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let sql = sql!(
        "SELECT content FROM chat_messages WHERE user_id = $1 AND id <= $2 AND role = 'assistant' ORDER BY id DESC LIMIT $3"
    );
    store.all(sql, params![user_id, position, limit]).await?.iter().map(|row| row.get("content")).collect()
}

fn said(row: &Row) -> Result<Said, StoreError> {
    Ok(Said {
        position: row.get("id")?,
        message_id: row.get("message_id")?,
        role: row.get("role")?,
        content: row.get("content")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) async fn system_prompt(tx: &mut Tx, user_id: i64, session_id: &str) -> Result<Option<String>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT content FROM chat_messages
                 WHERE user_id = $1 AND session_id = $2 AND role = 'system' ORDER BY id LIMIT 1"
            ),
            params![user_id, session_id],
        )
        .await?;
    row.map(|row| row.get("content")).transpose()
}

/// What was said, oldest first, without the first `skip` messages.
pub(super) async fn past(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    skip: i64,
    limit: i64,
) -> Result<Vec<Past>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT message_id, role, content FROM chat_messages
                 WHERE user_id = $1 AND session_id = $2 AND role <> 'system' ORDER BY id LIMIT $3 OFFSET $4"
            ),
            params![user_id, session_id, limit, skip],
        )
        .await?;
    let mut images = images(tx, user_id, session_id).await?;
    rows.iter()
        .map(|row| {
            let message_id: String = row.get("message_id")?;
            let role: String = row.get("role")?;
            Ok(Past {
                role: if role == "assistant" { Role::Assistant } else { Role::User },
                text: row.get("content")?,
                images: images.remove(&message_id).unwrap_or_default(),
            })
        })
        .collect()
}

async fn images(tx: &mut Tx, user_id: i64, session_id: &str) -> Result<HashMap<String, Vec<Image>>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT i.message_id, i.media_type, i.data FROM chat_images i
                 JOIN chat_messages m ON m.message_id = i.message_id
                 WHERE m.user_id = $1 AND m.session_id = $2 ORDER BY m.id, i.position"
            ),
            params![user_id, session_id],
        )
        .await?;
    let mut images: HashMap<String, Vec<Image>> = HashMap::new();
    for row in &rows {
        let image = Image { media_type: row.get("media_type")?, data: row.get("data")? };
        images.entry(row.get("message_id")?).or_default().push(image);
    }
    Ok(images)
}
