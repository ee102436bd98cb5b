//! SQL texts out of the schema's own names.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::schema::{Kind, Table};
use crate::sql::{Dialect, Sql, Statement};

/// The text as a [`Sql`]. Kept for ever, as [`Sql`] demands: there are as many as tables times uses, not more.
pub(super) fn interned(text: String) -> Sql {
    static TEXTS: LazyLock<Mutex<HashMap<&'static str, &'static Statement>>> = LazyLock::new(Mutex::default);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(statement) = texts.get(text.as_str()) {
        return Sql::new(statement);
    }
    let text: &'static str = Box::leak(text.into_boxed_str());
    let statement: &'static Statement = Box::leak(Box::new(Statement::new(text, text, file!(), line!())));
    texts.insert(text, statement);
    Sql::new(statement)
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(", ")
}

/// All columns, in the table's order.
pub(super) fn columns(table: &Table) -> String {
    list(table.columns.iter().map(|c| c.name.as_str()))
}

/// The key's columns to sort by, in an order that both databases share: that of bytes.
pub(super) fn sorted(table: &Table, dialect: Dialect) -> String {
    let bytewise = |name: &String| {
        let text = table.position(name).is_some_and(|at| table.columns[at].kind == Kind::Text);
        let collation = if text && dialect == Dialect::Postgres { " COLLATE \"C\"" } else { "" };
        format!("{}{collation}", quoted(name))
    };
    table.key.iter().map(bytewise).collect::<Vec<_>>().join(", ")
}

/// `a = $n AND b = $n+1` for the key.
pub(super) fn by_key(table: &Table, first: usize) -> String {
    let one = |(n, name): (usize, &String)| format!("{} = ${}", quoted(name), first + n);
    table.key.iter().enumerate().map(one).collect::<Vec<_>>().join(" AND ")
}

/// `INSERT` of this many rows.
pub(super) fn insert(table: &Table, rows: usize) -> Sql {
    let width = table.columns.len();
    let row = |r: usize| {
        let places: Vec<String> = (1..=width).map(|c| format!("${}", r * width + c)).collect();
        format!("({})", places.join(", "))
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    interned(format!("INSERT INTO {} ({}) VALUES {}", quoted(&table.name), columns(table), values.join(", ")))
}
