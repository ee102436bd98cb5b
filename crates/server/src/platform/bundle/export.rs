//! Out: one line of JSON per row. Numbers that the server gave are replaced by a count from 1, so a bundle says nothing about
//! the server it comes from, and two exports of the same things are the same text.

use std::collections::HashMap;

use secondme_store::copy::{self, Table};
use secondme_store::{Tx, Value};
use serde_json::{Map, Value as Json, json};

use super::tables::{Belonging, Fate, belonging};
use super::{FORMAT, NAME, USERS, cells, remembered};
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// A bundle as text.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// JSON Lines: a header, then a row per line.
    pub text: String,
    /// Rows in it.
    pub rows: usize,
}

/// What each number of each table's identity column is in the bundle.
pub(super) type Numbers = HashMap<(String, i64), i64>;

/// Everything of a user, as it is at this moment.
///
/// # Errors
/// `resource.fetch.not_found` when there is no such user.
pub async fn export(app: &App, user_id: i64) -> Result<Bundle> {
    let mut tx = app.store().read().await?;
    let header = json!({"format": NAME, "version": FORMAT, "exportedAt": app.now(), "server": app.public_url()});
    let mut bundle = Bundle { text: format!("{header}\n"), rows: 0 };
    let tables = copy::tables(&mut tx).await?;
    // All of it first: a row may name a row of a table that comes after its own.
    let (mut numbers, mut found) = (Numbers::new(), Vec::new());
    for table in &tables {
        let Some(entry) = belonging(&table.name).filter(|entry| entry.fate != Fate::Stays) else { continue };
        let rows = copy::select(&mut tx, table, entry.owner, user_id).await?;
        if table.name == USERS && rows.is_empty() {
            return Err(ApiError::new(Code::NotFound).arg("user"));
        }
        count(table, &rows, &mut numbers);
        found.push((table, entry, rows));
    }
    for (table, entry, rows) in found {
        for row in rows {
            let line = json!({"table": table.name, "row": cells_of(table, entry, &row, &numbers, user_id)});
            bundle.text.push_str(&format!("{line}\n"));
            bundle.rows += 1;
        }
    }
    finish(tx).await?;
    Ok(bundle)
}

async fn finish(tx: Tx) -> Result<()> {
    Ok(tx.commit().await?)
}

fn count(table: &Table, rows: &[Vec<Value>], numbers: &mut Numbers) {
    let Some(at) = table.identity.as_deref().and_then(|column| table.position(column)) else { return };
    for (place, row) in (1..).zip(rows) {
        if let Some(Value::Int(number)) = row.get(at) {
            numbers.insert((table.name.clone(), *number), place);
        }
    }
}

fn cells_of(table: &Table, entry: &Belonging, row: &[Value], numbers: &Numbers, user_id: i64) -> Json {
    let mut object = Map::new();
    for (column, value) in table.columns.iter().zip(row) {
        let name = column.name.as_str();
        if entry.secret.contains(&name) || entry.owner_column() == Some(name) {
            continue;
        }
        let points_at = if table.identity.as_deref() == Some(name) {
            Some(table.name.as_str())
        } else {
            target(table, entry, name)
        };
        let value = match (points_at, value) {
            // Other people's numbers stay here.
            (Some(USERS), Value::Int(other)) if *other != user_id => Json::Null,
            (Some(table), Value::Int(number)) => {
                numbers.get(&(table.to_owned(), *number)).map_or(Json::Null, |place| (*place).into())
            }
            (_, value) => cells::to_json(value),
        };
        let value = match entry.lists.iter().find(|(column, _)| *column == name) {
            Some((_, table)) => renumbered(value, |n| numbers.get(&((*table).to_owned(), n)).copied()),
            None => value,
        };
        object.insert(name.to_owned(), value);
    }
    if let Some((kind, id)) = entry.items {
        remembered::renumber(&mut object, kind, id, numbers);
    }
    Json::Object(object)
}

/// A text with a JSON list of numbers, each replaced; what is not there any more is left out.
pub(super) fn renumbered(text: Json, number: impl Fn(i64) -> Option<i64>) -> Json {
    let list = text.as_str().and_then(|text| serde_json::from_str::<Vec<i64>>(text).ok());
    match list {
        Some(list) => json!(list.into_iter().filter_map(number).collect::<Vec<i64>>()).to_string().into(),
        None => text,
    }
}

/// The table whose number a column holds.
fn target<'t>(table: &'t Table, entry: &Belonging, column: &str) -> Option<&'t str> {
    let key = table.references.iter().find(|r| r.column == column).map(|r| r.table.as_str());
    key.or_else(|| entry.names.iter().find(|(name, ..)| *name == column).map(|(_, table, _)| *table))
}
