//! What can be recalled points at messages, notes, events and key memories by a text whose meaning its kind says. The index
//! is written through its own rules, so that whoever has read it notices.

use secondme_store::{Tx, Value};
use serde_json::{Map, Value as Json};

use super::export::Numbers;
use super::import::Renamed;
use crate::error::Result;
use crate::memory::audience::Audience;
use crate::memory::index::{self, Entry, Kind};

pub(super) const TABLE: &str = "memory_entries";

/// The table and the column that an entry of a kind points at; parts of notes begin with the note's number.
fn item(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "message" => ("chat_messages", "message_id"),
        "note" | "note_part" => ("notes", "id"),
        "event" => ("memory_events", "id"),
        "key_memory" => ("key_memories", "id"),
        _ => return None,
    })
}

/// Splits `12:3` into the number and what follows it.
fn head(item_id: &str) -> (&str, &str) {
    item_id.split_at(item_id.find(|c: char| !c.is_ascii_digit()).unwrap_or(item_id.len()))
}

/// Puts the bundle's number into an exported row that names what it is about.
pub(super) fn renumber(row: &mut Map<String, Json>, kind: &str, id: &str, numbers: &Numbers) {
    let word = row.get(kind).and_then(Json::as_str).unwrap_or_default();
    let (Some((table, "id")), Some(Json::String(item_id))) = (item(word), row.get(id)) else { return };
    let (number, rest) = head(item_id);
    let place = number.parse().ok().and_then(|number: i64| numbers.get(&(table.to_owned(), number)));
    if let Some(place) = place {
        let text = format!("{place}{rest}");
        row.insert(id.to_owned(), text.into());
    }
}

/// What such a row names on this server.
pub(super) fn here(kind: &str, item_id: &str, renamed: &Renamed) -> String {
    item(kind).map_or(item_id.to_owned(), |(table, column)| moved(renamed, table, column, item_id))
}

/// Writes an imported row; nothing when it is not an entry that the index knows.
pub(super) async fn put(tx: &mut Tx, user_id: i64, row: &[(&str, Value)], renamed: &Renamed) -> Result<Option<()>> {
    let text = |name: &str| match row.iter().find(|(column, _)| *column == name) {
        Some((_, Value::Text(text))) => Some(text.as_str()),
        _ => None,
    };
    let int = |name: &str| match row.iter().find(|(column, _)| *column == name) {
        Some((_, Value::Int(n))) => *n,
        _ => 0,
    };
    let importance = match row.iter().find(|(column, _)| *column == "importance") {
        Some((_, Value::Real(x))) => *x,
        _ => 0.5,
    };
    let (Some(kind), Some(item_id), Some(content)) =
        (text("kind").and_then(Kind::parse), text("item_id"), text("content"))
    else {
        return Ok(None);
    };
    let conversation = text("conversation").map(|id| moved(renamed, "chat_sessions", "session_id", id));
    let entry = Entry {
        user_id,
        kind,
        item_id: here(kind.as_str(), item_id, renamed),
        text: content,
        speaker: text("speaker"),
        conversation: conversation.as_deref(),
        position: int("position"),
        happened_at: int("happened_at"),
        importance,
        audience: &Audience::parse(text("audience").unwrap_or_default()),
        app_id: text("app_id"),
    };
    index::put(tx, &entry).await?;
    Ok(Some(()))
}

/// What a bundle's number or text is on this server.
fn moved(renamed: &Renamed, table: &'static str, column: &str, old: &str) -> String {
    let Some(known) = renamed.get(&(table, column.to_owned())) else { return old.to_owned() };
    if column != "id" {
        return match known.get(&Json::from(old).to_string()) {
            Some(Value::Text(new)) => new.clone(),
            _ => old.to_owned(),
        };
    }
    let (number, rest) = head(old);
    match known.get(number) {
        Some(Value::Int(new)) => format!("{new}{rest}"),
        _ => old.to_owned(),
    }
}
