//! The index of everything that can be recalled: one entry for each message, note, event, key memory or post.
//!
//! An entry is written and removed in the transaction of the thing it stands for, so the two never disagree. Every change of a
//! user's entries has the next number of that user (`version`), in the order in which the changes become visible: who knows
//! the entries up to a number can ask for what came after it. Full text and vectors follow later ([`waiting`]); until then an entry is
//! found by its row.

mod store;
pub mod waiting;

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx};

use super::audience::Audience;

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A message of a chat.
    Message,
    /// A note.
    Note,
    /// A part of a long note.
    NotePart,
    /// An agent-memory event.
    Event,
    /// A key memory.
    KeyMemory,
    /// A post or comment of the owner.
    Post,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Message, Self::Note, Self::NotePart, Self::Event, Self::KeyMemory, Self::Post];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Note => "note",
            Self::NotePart => "note_part",
            Self::Event => "event",
            Self::KeyMemory => "key_memory",
            Self::Post => "post",
        }
    }

    /// Below 32; not stored.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Something that can be recalled.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Whose memory it is.
    pub user_id: i64,
    /// What it stands for.
    pub kind: Kind,
    /// The id of that thing, unique for the user and the kind; numbers as text.
    pub item_id: String,
    /// What is remembered. Only the first [`TEXT_MAX_CHARS`] characters are kept: cut long things into parts.
    pub text: &'a str,
    /// Who said it, by the name that people use.
    pub speaker: Option<&'a str>,
    /// The conversation, note or page it belongs to.
    pub conversation: Option<&'a str>,
    /// The place within `conversation`, so that neighbours are known.
    pub position: i64,
    /// When it happened or was said.
    pub happened_at: Millis,
    /// From 0 to 1; 0.5 is usual.
    pub importance: f64,
    /// Who may hear it.
    pub audience: &'a Audience,
    /// The app that contributed it.
    pub app_id: Option<&'a str>,
}

/// How many of a user's latest changes remember what has gone; who is further behind starts anew.
pub(crate) const GONE_KEPT: i64 = 20_000;

/// The most characters of an entry's text.
pub const TEXT_MAX_CHARS: usize = 4_000;

/// Writes an entry, in place of the one for the same thing. It can be found once the transaction is committed.
///
/// # Errors
/// Storage failures only.
pub async fn put(tx: &mut Tx, entry: &Entry<'_>) -> Result<(), StoreError> {
    remove(tx, entry.user_id, entry.kind, &entry.item_id).await?;
    add(tx, entry).await
}

/// Writes the first entry for a thing that is made in this transaction.
///
/// # Errors
/// Storage failures only.
pub async fn add(tx: &mut Tx, entry: &Entry<'_>) -> Result<(), StoreError> {
    let version = store::next_version(tx, entry.user_id).await?;
    let end = entry.text.char_indices().nth(TEXT_MAX_CHARS).map_or(entry.text.len(), |(end, _)| end);
    store::insert(tx, entry, &entry.text[..end], version).await
}

/// Removes the entry for a thing, if there is one.
///
/// # Errors
/// Storage failures only.
pub async fn remove(tx: &mut Tx, user_id: i64, kind: Kind, item_id: &str) -> Result<(), StoreError> {
    if let Some(id) = store::take(tx, user_id, kind, item_id).await? {
        let version = store::next_version(tx, user_id).await?;
        store::note_gone(tx, user_id, version, id).await?;
    }
    Ok(())
}

/// Removes all entries of a user.
///
/// # Errors
/// Storage failures only.
pub async fn remove_all(tx: &mut Tx, user_id: i64) -> Result<(), StoreError> {
    for (kind, item_id) in store::items(tx, user_id).await? {
        if let Some(kind) = Kind::parse(&kind) {
            remove(tx, user_id, kind, &item_id).await?;
        }
    }
    Ok(())
}

/// Lets the server make the words of entries anew that came without them: after everything was copied from the other kind of
/// database, whose full text looks different. How many these are.
///
/// # Errors
/// Storage failures only.
pub async fn word_anew(store: &Store) -> Result<u64, StoreError> {
    let mut tx = store.write().await?;
    let count = store::wait_again(&mut tx).await?;
    tx.commit().await?;
    Ok(count)
}

/// Changes who may hear a thing, if it has an entry.
///
/// # Errors
/// Storage failures only.
pub async fn set_audience(
    tx: &mut Tx,
    user_id: i64,
    kind: Kind,
    item_id: &str,
    audience: &Audience,
) -> Result<(), StoreError> {
    let version = store::next_version(tx, user_id).await?;
    store::set_audience(tx, user_id, kind, item_id, &audience.text(), version).await
}

/// The words of a text as the databases' full text sees them: each is a hash of user and token, so that every user has an
/// index of their own inside the one table, and no database cuts or folds words by rules of its own.
pub(crate) fn keys(user_id: i64, text: &str, speaker: Option<&str>) -> Vec<String> {
    let tokens = secondme_recall::words(text).tokens.into_iter();
    let speaker = speaker.map(|name| secondme_recall::words(name).tokens).unwrap_or_default();
    tokens.chain(speaker).map(|token| key(user_id, &token)).collect()
}

/// FNV-1a over user and token, spelled with a letter in front so that nothing takes it for a number. Stored: never change it.
fn key(user_id: i64, token: &str) -> String {
    let bytes = user_id.to_le_bytes().into_iter().chain(token.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("k{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_another_key_for_every_user() {
        assert_ne!(key(1, "tea"), key(2, "tea"));
        assert_eq!(keys(7, "Teas", Some("Ada")), [key(7, "tea"), key(7, "ada")]);
        assert_eq!(key(1, "tea").len(), 17);
    }

    #[test]
    fn kinds_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
    }
}
