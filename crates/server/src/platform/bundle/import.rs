//! In: a bundle becomes the content of an account, in place of what was there. Numbers are given anew, and what points at them
//! follows; nothing can point at what is not in the bundle.

use std::collections::HashMap;

use secondme_kit::Entropy;
use secondme_store::copy::{self, Table};
use secondme_store::{Tx, Value};
use serde_json::Value as Json;

use super::tables::{BELONGINGS, Belonging, Fate, belonging};
use super::{FORMAT, NAME, USERS, cells, remembered};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::memory::index;

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that are in the account now.
    pub rows: usize,
    /// Rows that are about this server's apps and other people, or are records only.
    pub left_out: usize,
}

/// A row of a bundle.
type Cells = serde_json::Map<String, Json>;
/// What a number or a text of the bundle is on this server, by table and column.
pub(super) type Renamed = HashMap<(&'static str, String), HashMap<String, Value>>;

/// Puts a bundle into an account: everything that is carried is replaced, all of it or nothing. Mail address, password and
/// tokens stay as they are.
///
/// # Errors
/// `invalid.param` with the line that cannot be read.
pub async fn import(app: &App, user_id: i64, text: &str) -> Result<Imported> {
    let mut rows = read(text)?;
    let mut tx = app.store().write().await?;
    let tables = copy::tables(&mut tx).await?;
    for entry in BELONGINGS.iter().rev().filter(|entry| entry.fate == Fate::Carried && entry.table != USERS) {
        if entry.table == remembered::TABLE {
            index::remove_all(&mut tx, user_id).await?;
        } else {
            copy::delete(&mut tx, entry.table, entry.owner, user_id).await?;
        }
    }
    let mut work =
        Work { entropy: app.entropy(), user_id, renamed: Renamed::new(), done: Imported::default(), later: Vec::new() };
    for table in in_order(&tables) {
        let Some(entry) = belonging(&table.name) else { continue };
        for (line, cells) in rows.remove(entry.table).unwrap_or_default() {
            work.row(&mut tx, table, entry, line, &cells).await?;
        }
    }
    work.point_back(&mut tx, &tables).await?;
    tx.commit().await?;
    Ok(work.done)
}

/// What others point at comes before them, also where only a list or the index points.
fn in_order(tables: &[Table]) -> Vec<&Table> {
    let listed = |name: &str| BELONGINGS.iter().any(|entry| entry.lists.iter().any(|(_, table)| *table == name));
    let mut all: Vec<&Table> = tables.iter().collect();
    all.sort_by_key(|table| match table.name.as_str() {
        USERS => 0,
        name if listed(name) => 1,
        name if belonging(name).is_some_and(Belonging::names_others) => 3,
        _ => 2,
    });
    all
}

/// The rows by table, with their lines; the header must be one that we know.
fn read(text: &str) -> Result<HashMap<&'static str, Vec<(usize, Cells)>>> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header: Json = lines.next().and_then(|(_, line)| serde_json::from_str(line).ok()).unwrap_or_default();
    if header["format"] != NAME || header["version"] != FORMAT {
        return Err(refused(1, "the header of a bundle of version 1", "版本为 1 的数据包头"));
    }
    let mut rows: HashMap<&'static str, Vec<(usize, Cells)>> = HashMap::new();
    for (n, line) in lines {
        let mut json: Json = serde_json::from_str(line).map_err(|_| refused(n + 1, "a line of JSON", "一行 JSON"))?;
        let entry = json["table"].as_str().and_then(belonging);
        let entry =
            entry.ok_or_else(|| refused(n + 1, "a row of a table that this version knows", "已知数据表的一行"))?;
        let Json::Object(cells) = json["row"].take() else { return Err(refused(n + 1, "a row", "一行数据")) };
        rows.entry(entry.table).or_default().push((n + 1, cells));
    }
    if rows.get(USERS).is_none_or(|users| users.len() != 1) {
        return Err(refused(1, "a bundle with one user", "仅含一个用户的数据包"));
    }
    Ok(rows)
}

fn refused(line: usize, en: &'static str, zh: &'static str) -> ApiError {
    ApiError::invalid(&format!("line {line}"), &Problem::Expected(en, zh))
}

struct Work<'a> {
    entropy: &'a Entropy,
    user_id: i64,
    renamed: Renamed,
    done: Imported,
    /// Pointers to rows of the same table that come after them.
    later: Vec<Later>,
}

/// A column of a row that was written without it.
struct Later {
    table: &'static str,
    column: String,
    row: i64,
    names: String,
}

impl Work<'_> {
    async fn row(
        &mut self,
        tx: &mut Tx,
        table: &Table,
        entry: &'static Belonging,
        line: usize,
        cells: &Cells,
    ) -> Result<()> {
        if entry.fate != Fate::Carried {
            self.done.left_out += 1;
            return Ok(());
        }
        let Some(mut row) = self.values(tx, table, entry, line, cells).await? else {
            self.done.left_out += 1;
            return Ok(());
        };
        self.done.rows += 1;
        if entry.table == USERS {
            self.keep_own_route(tx, table, &mut row).await?;
            copy::update(tx, table, row, entry.owner, self.user_id).await?;
            return Ok(());
        }
        if entry.table == remembered::TABLE {
            let put = remembered::put(tx, self.user_id, &row, &self.renamed).await?;
            return put.ok_or_else(|| refused(line, "an entry of a known kind", "已知类型的条目"));
        }
        for column in entry.unique {
            self.make_unique(tx, entry, column, &mut row).await?;
        }
        if let Some(owner) = entry.owner_column() {
            row.push((owner, Value::Int(self.user_id)));
        }
        let number = copy::insert(tx, table, row, table.identity.as_deref()).await?;
        if let (Some(column), Some(number)) = (&table.identity, number)
            && let Some(old) = cells.get(column)
        {
            if let Value::Int(row) = number {
                self.note_later(entry, row, cells);
            }
            self.rename(entry.table, column, old.to_string(), number);
        }
        Ok(())
    }

    /// Remembers what this row points at in its own table, if that has not come yet.
    fn note_later(&mut self, entry: &'static Belonging, row: i64, cells: &Cells) {
        for (column, table, key) in entry.names.iter().filter(|(_, table, _)| *table == entry.table) {
            let Some(json) = cells.get(*column).filter(|json| !json.is_null()) else { continue };
            let known = self.renamed.get(&(*table, (*key).to_owned()));
            if known.is_none_or(|known| !known.contains_key(&json.to_string())) {
                self.later.push(Later { table, column: (*column).to_owned(), row, names: json.to_string() });
            }
        }
    }

    async fn point_back(&mut self, tx: &mut Tx, tables: &[Table]) -> Result<()> {
        for Later { table, column, row, names } in std::mem::take(&mut self.later) {
            let known = self.renamed.get(&(table, "id".to_owned())).and_then(|known| known.get(&names));
            let shape = tables.iter().find(|shape| shape.name == table);
            if let (Some(value), Some(shape)) = (known.cloned(), shape) {
                copy::update(tx, shape, vec![(&column, value)], copy::Owner::Column("id"), row).await?;
            }
        }
        Ok(())
    }

    fn rename(&mut self, table: &'static str, column: &str, old: String, new: Value) {
        self.renamed.entry((table, column.to_owned())).or_default().insert(old, new);
    }

    /// The columns to write; none when the row depends on something that is not here.
    async fn values<'t>(
        &mut self,
        tx: &mut Tx,
        table: &'t Table,
        entry: &'static Belonging,
        line: usize,
        cells: &Cells,
    ) -> Result<Option<Vec<(&'t str, Value)>>> {
        let mut row = Vec::new();
        for (name, json) in cells {
            let column = table.columns.iter().find(|column| column.name == *name);
            let column = column
                .filter(|c| !entry.secret.contains(&c.name.as_str()) && entry.owner_column() != Some(&c.name))
                .ok_or_else(|| refused(line, "columns that this version knows", "已知的列"))?;
            if entry.fixed.contains(&column.name.as_str()) || table.identity.as_ref() == Some(name) {
                continue;
            }
            let list = entry.lists.iter().find(|(column, _)| column == name);
            let json = &list.map_or_else(|| json.clone(), |(_, table)| self.renumbered(table, json));
            let value = match (points_at(table, entry, name), json) {
                (Some((parent, key)), json) if !json.is_null() => {
                    match self.pointer(tx, parent, key, column, json).await? {
                        Some(value) => value,
                        None if column.nullable => Value::Null,
                        None => return Ok(None),
                    }
                }
                _ => cells::from_json(json, column)
                    .ok_or_else(|| refused(line, "values of the right kind", "类型正确的值"))?,
            };
            row.push((column.name.as_str(), value));
        }
        if let Some((kind, id)) = entry.items.filter(|_| entry.table != remembered::TABLE) {
            let word = cells.get(kind).and_then(Json::as_str).unwrap_or_default();
            let text = cells.get(id).and_then(Json::as_str).unwrap_or_default();
            let here = Value::Text(remembered::here(word, text, &self.renamed));
            row.iter_mut().filter(|(name, _)| *name == id).for_each(|(_, value)| *value = here.clone());
        }
        Ok(Some(row))
    }

    /// What a pointer becomes: a row of the bundle, this user, or a row of a table that belongs to nobody.
    async fn pointer(
        &self,
        tx: &mut Tx,
        parent: &str,
        key: &str,
        column: &copy::Column,
        json: &Json,
    ) -> Result<Option<Value>> {
        if parent == USERS {
            return Ok(Some(Value::Int(self.user_id)));
        }
        let value = cells::from_json(json, column);
        let Some(entry) = belonging(parent) else {
            let there = match &value {
                Some(value) => copy::taken(tx, parent, key, value).await?,
                None => false,
            };
            return Ok(value.filter(|_| there));
        };
        Ok(self.renamed.get(&(entry.table, key.to_owned())).and_then(|known| known.get(&json.to_string())).cloned())
    }

    /// A list of numbers, each as it is on this server.
    fn renumbered(&self, table: &'static str, json: &Json) -> Json {
        let known = belonging(table).and_then(|entry| self.renamed.get(&(entry.table, "id".to_owned())));
        super::export::renumbered(json.clone(), |n| match known.and_then(|known| known.get(&n.to_string())) {
            Some(Value::Int(new)) => Some(*new),
            _ => None,
        })
    }

    /// A text that somebody else has already becomes a random one; whoever points at it follows.
    async fn make_unique(
        &mut self,
        tx: &mut Tx,
        entry: &'static Belonging,
        column: &str,
        row: &mut [(&str, Value)],
    ) -> Result<()> {
        let Some((_, value)) = row.iter_mut().find(|(name, _)| *name == column) else { return Ok(()) };
        let Value::Text(old) = value.clone() else { return Ok(()) };
        if copy::taken(tx, entry.table, column, value).await? {
            *value = Value::Text(self.entropy.hex(old.len().clamp(12, 32)));
        }
        let new = value.clone();
        self.rename(entry.table, column, Json::from(old).to_string(), new);
        Ok(())
    }

    /// Somebody else's home page is not taken over.
    async fn keep_own_route(&self, tx: &mut Tx, table: &Table, row: &mut Vec<(&str, Value)>) -> Result<()> {
        let Some(at) = row.iter().position(|(name, _)| *name == "route") else { return Ok(()) };
        if copy::taken(tx, &table.name, "route", &row[at].1).await? {
            row.remove(at);
        }
        Ok(())
    }
}

fn points_at<'t>(table: &'t Table, entry: &Belonging, column: &str) -> Option<(&'t str, &'t str)> {
    let key = table.references.iter().find(|r| r.column == column).map(|r| (r.table.as_str(), r.to.as_str()));
    key.or_else(|| entry.names.iter().find(|(name, ..)| *name == column).map(|(_, table, to)| (*table, *to)))
}

impl Belonging {
    /// The column that names the user, when there is one.
    pub(super) fn owner_column(&self) -> Option<&'static str> {
        match self.owner {
            copy::Owner::Column(column) => Some(column),
            copy::Owner::Through { .. } => None,
        }
    }
}
