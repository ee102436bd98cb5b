//! SQL of invitations and friendships.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::{Bond, Friend, Invitation, NewInvitation};

/// What an answered invitation said.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) greeting: String,
    pub(super) source: String,
}

pub(super) async fn bond(tx: &mut Tx, user_id: i64, friend_id: i64) -> Result<Option<Bond>, StoreError> {
    let sql = sql!("SELECT session_id, blocked_by_me FROM friendships WHERE user_id = $1 AND friend_id = $2");
    let row = tx.opt(sql, params![user_id, friend_id]).await?;
    row.map(|row| Ok(Bond { session_id: row.get("session_id")?, blocked: row.get("blocked_by_me")? })).transpose()
}

/// The last active first; who never spoke counts from the beginning of the friendship.
pub(super) async fn page(tx: &mut Tx, user_id: i64, page: Page) -> Result<Vec<Friend>, StoreError> {
    let sql = sql!(
        "SELECT f.friend_id, u.name, u.avatar, u.route, f.session_id, f.last_message, f.last_message_at, f.unread, f.source,
                f.source_direction, f.blocked_by_me, r.blocked_by_me AS is_blocked,
                CASE WHEN f.last_message_at > f.created_at THEN f.last_message_at ELSE f.created_at END AS active_at
         FROM friendships f JOIN users u ON u.id = f.friend_id
         JOIN friendships r ON r.user_id = f.friend_id AND r.friend_id = f.user_id
         WHERE f.user_id = $1 ORDER BY active_at DESC, f.friend_id LIMIT $2 OFFSET $3"
    );
    tx.all(sql, params![user_id, page.size, page.offset()]).await?.iter().map(friend).collect()
}

fn friend(row: &Row) -> Result<Friend, StoreError> {
    Ok(Friend {
        id: row.get("friend_id")?,
        name: row.get("name")?,
        avatar: row.get("avatar")?,
        route: row.get("route")?,
        session_id: row.get("session_id")?,
        latest_message: row.get("last_message")?,
        latest_message_time: row.get("last_message_at")?,
        unread_count: row.get("unread")?,
        source: row.get("source")?,
        source_direction: row.get("source_direction")?,
        blocked_by_me: row.get("blocked_by_me")?,
        is_blocked: row.get("is_blocked")?,
    })
}

/// How many friends a user has, and how many of their messages are unread.
pub(super) async fn totals(tx: &mut Tx, user_id: i64) -> Result<(i64, i64), StoreError> {
    let sql = sql!(
        "SELECT COUNT(*) AS friends, CAST(COALESCE(SUM(unread), 0) AS BIGINT) AS unread FROM friendships WHERE user_id = $1"
    );
    let row = tx.opt(sql, params![user_id]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get("friends")?, row.get("unread")?)))
}

pub(super) async fn pending_count(tx: &mut Tx, user_id: i64) -> Result<i64, StoreError> {
    let sql = sql!("SELECT COUNT(*) AS pending FROM friend_invitations WHERE to_id = $1 AND state = 'PENDING'");
    tx.opt(sql, params![user_id]).await?.map_or(Ok(0), |row| row.get("pending"))
}

pub(super) async fn sent_count(tx: &mut Tx, user_id: i64) -> Result<i64, StoreError> {
    let sql = sql!("SELECT COUNT(*) AS pending FROM friend_invitations WHERE from_id = $1 AND state = 'PENDING'");
    tx.opt(sql, params![user_id]).await?.map_or(Ok(0), |row| row.get("pending"))
}

pub(super) async fn pending(tx: &mut Tx, user_id: i64) -> Result<Vec<Invitation>, StoreError> {
    let sql = sql!(
        "SELECT i.from_id, u.name, u.avatar, u.route, i.greeting, i.source, i.created_at
         FROM friend_invitations i JOIN users u ON u.id = i.from_id
         WHERE i.to_id = $1 AND i.state = 'PENDING' ORDER BY i.created_at DESC, i.from_id LIMIT 500"
    );
    let rows = tx.all(sql, params![user_id]).await?;
    rows.iter()
        .map(|row| {
            Ok(Invitation {
                from_id: row.get("from_id")?,
                name: row.get("name")?,
                avatar: row.get("avatar")?,
                route: row.get("route")?,
                greeting: row.get("greeting")?,
                source: row.get("source")?,
                created_at: row.get("created_at")?,
            })
        })
        .collect()
}

/// Stores an invitation, in place of one that was rejected before `again_before` or that a former friendship left.
pub(super) async fn insert_invitation(
    tx: &mut Tx,
    from: i64,
    new: &NewInvitation,
    now: Millis,
    again_before: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO friend_invitations (from_id, to_id, greeting, source, source_data, state, created_at)
         VALUES ($1, $2, $3, $4, $5, 'PENDING', $6)
         ON CONFLICT (from_id, to_id) DO UPDATE
           SET greeting = $3, source = $4, source_data = $5, state = 'PENDING', created_at = $6, handled_at = NULL
           WHERE friend_invitations.state = 'ACCEPTED'
              OR (friend_invitations.state = 'REJECTED' AND friend_invitations.handled_at <= $7)"
    );
    let given = params![from, new.target, &new.greeting, &new.source, &new.source_data, now, again_before];
    tx.run(sql, given).await
}

/// Answers a waiting invitation; of several answers at once, one.
pub(super) async fn answer(
    tx: &mut Tx,
    from: i64,
    to: i64,
    state: &str,
    now: Millis,
) -> Result<Option<Answered>, StoreError> {
    let sql = sql!(
        "UPDATE friend_invitations SET state = $3, handled_at = $4
         WHERE from_id = $1 AND to_id = $2 AND state = 'PENDING' RETURNING greeting, source"
    );
    let row = tx.opt(sql, params![from, to, state, now]).await?;
    row.map(|row| Ok(Answered { greeting: row.get("greeting")?, source: row.get("source")? })).transpose()
}

pub(super) async fn has_invitation(tx: &mut Tx, from: i64, to: i64) -> Result<bool, StoreError> {
    let sql = sql!("SELECT state FROM friend_invitations WHERE from_id = $1 AND to_id = $2");
    Ok(tx.opt(sql, params![from, to]).await?.is_some())
}

pub(super) async fn insert_bond(
    tx: &mut Tx,
    user_id: i64,
    friend_id: i64,
    source: &str,
    direction: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO friendships (user_id, friend_id, source, source_direction, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, friend_id) DO NOTHING"
    );
    tx.run(sql, params![user_id, friend_id, source, direction, now]).await
}

/// Both sides have the same session.
pub(super) async fn set_session(
    tx: &mut Tx,
    user_id: i64,
    friend_id: i64,
    session_id: &str,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE friendships SET session_id = $3
         WHERE (user_id = $1 AND friend_id = $2) OR (user_id = $2 AND friend_id = $1)"
    );
    tx.run(sql, params![user_id, friend_id, session_id]).await
}

/// Both sides see the message; for the friend it is unread.
pub(super) async fn note_message(
    tx: &mut Tx,
    user_id: i64,
    friend_id: i64,
    preview: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE friendships SET last_message = $3, last_message_at = $4,
                unread = unread + CASE WHEN user_id = $2 THEN 1 ELSE 0 END
         WHERE (user_id = $1 AND friend_id = $2) OR (user_id = $2 AND friend_id = $1)"
    );
    tx.run(sql, params![user_id, friend_id, preview, now]).await
}

pub(super) async fn mark_read(tx: &mut Tx, user_id: i64, friend_id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE friendships SET unread = 0 WHERE user_id = $1 AND friend_id = $2"), params![user_id, friend_id])
        .await
}

pub(super) async fn friend_in(tx: &mut Tx, user_id: i64, session_id: &str) -> Result<Option<i64>, StoreError> {
    let sql = sql!("SELECT friend_id FROM friendships WHERE user_id = $1 AND session_id = $2");
    tx.opt(sql, params![user_id, session_id]).await?.map(|row| row.get("friend_id")).transpose()
}

pub(super) async fn set_blocked(tx: &mut Tx, user_id: i64, friend_id: i64, blocked: bool) -> Result<u64, StoreError> {
    let sql = sql!("UPDATE friendships SET blocked_by_me = $3 WHERE user_id = $1 AND friend_id = $2");
    tx.run(sql, params![user_id, friend_id, blocked]).await
}

pub(super) async fn delete_bonds(tx: &mut Tx, user_id: i64, friend_id: i64) -> Result<u64, StoreError> {
    let sql =
        sql!("DELETE FROM friendships WHERE (user_id = $1 AND friend_id = $2) OR (user_id = $2 AND friend_id = $1)");
    tx.run(sql, params![user_id, friend_id]).await
}

/// Everybody whom the user has to do with: their friends (with whether one of the two blocked the other), who was invited and who
/// invited.
pub(in crate::social) async fn statuses(tx: &mut Tx, user_id: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = sql!(
        "SELECT f.friend_id AS other, CASE WHEN f.blocked_by_me OR r.blocked_by_me THEN 'blocked' ELSE 'friend' END AS status
         FROM friendships f JOIN friendships r ON r.user_id = f.friend_id AND r.friend_id = f.user_id WHERE f.user_id = $1
         UNION ALL SELECT to_id, 'pending' FROM friend_invitations WHERE from_id = $1 AND state = 'PENDING'
         UNION ALL SELECT from_id, 'invited' FROM friend_invitations WHERE to_id = $1 AND state = 'PENDING'"
    );
    let rows = tx.all(sql, params![user_id]).await?;
    rows.iter().map(|row| Ok((row.get("other")?, row.get("status")?))).collect()
}
