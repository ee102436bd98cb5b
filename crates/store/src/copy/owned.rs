//! The rows that belong to somebody, in tables that are named by the program.

use super::rows::{Rows, values};
use super::schema::Table;
use super::text::{self, columns, interned, quoted, sorted};
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Params, Value};

/// How a row names its owner.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// By a column of its own.
    Column(&'static str),
    /// By a row of another table: `column` is that row's `key`, and that table has an owner column.
    Through {
        /// The column here.
        column: &'static str,
        /// The other table.
        table: &'static str,
        /// The column there.
        key: &'static str,
        /// The other table's owner column.
        owner: &'static str,
    },
}

impl Owner {
    fn clause(self) -> String {
        match self {
            Self::Column(column) => format!("{} = $1", quoted(column)),
            Self::Through { column, table, key, owner } => format!(
                "{} IN (SELECT {} FROM {} WHERE {} = $1)",
                quoted(column),
                quoted(key),
                quoted(table),
                quoted(owner)
            ),
        }
    }
}

/// Somebody's rows of a table, in the order of its key; each with the table's columns in their order.
///
/// # Errors
/// Storage failures only.
pub async fn select(tx: &mut Tx, table: &Table, owner: Owner, id: i64) -> Result<Vec<Vec<Value>>, StoreError> {
    let (what, from, order) = (columns(table), quoted(&table.name), sorted(table, tx.dialect()));
    let text = format!("SELECT {what} FROM {from} WHERE {} ORDER BY {order}", owner.clause());
    let rows = tx.all(interned(text), Params::from(vec![Value::Int(id)])).await?;
    rows.iter().map(|row| values(table, row)).collect()
}

/// Every row of a table, in the order of its key. For small tables: all of it is in memory.
///
/// # Errors
/// Storage failures only.
pub async fn all(tx: &mut Tx, table: &Table) -> Result<Vec<Vec<Value>>, StoreError> {
    let (mut rows, mut all) = (Rows::new(table), Vec::new());
    while let Some(row) = rows.next(tx).await? {
        all.push(row);
    }
    Ok(all)
}

/// How many rows of a table are somebody's.
///
/// # Errors
/// Storage failures only.
pub async fn count(tx: &mut Tx, table: &str, owner: Owner, id: i64) -> Result<i64, StoreError> {
    let text = format!("SELECT COUNT(*) AS n FROM {} WHERE {}", quoted(table), owner.clause());
    let row = tx.opt(interned(text), Params::from(vec![Value::Int(id)])).await?;
    row.map_or(Ok(0), |row| row.get("n"))
}

/// Deletes somebody's rows of a table; how many there were.
///
/// # Errors
/// Storage failures only.
pub async fn delete(tx: &mut Tx, table: &str, owner: Owner, id: i64) -> Result<u64, StoreError> {
    let text = format!("DELETE FROM {} WHERE {}", quoted(table), owner.clause());
    tx.run(interned(text), Params::from(vec![Value::Int(id)])).await
}

/// Whether a value of a column is there already, whoever it belongs to.
///
/// # Errors
/// Storage failures only.
pub async fn taken(tx: &mut Tx, table: &str, column: &str, value: &Value) -> Result<bool, StoreError> {
    let text = format!("SELECT 1 AS one FROM {} WHERE {} = $1 LIMIT 1", quoted(table), quoted(column));
    Ok(tx.opt(interned(text), Params::from(vec![value.clone()])).await?.is_some())
}

/// Adds a row of these columns; the value that the database gives to `number`, when it is to number the row.
///
/// # Errors
/// A conflict with a row that is there, besides storage failures.
pub async fn insert(
    tx: &mut Tx,
    table: &Table,
    row: Vec<(&str, Value)>,
    number: Option<&str>,
) -> Result<Option<Value>, StoreError> {
    let kind_of = |name: &str| table.position(name).map(|at| table.columns[at].kind);
    let names = text::list(row.iter().map(|(name, _)| *name));
    let places: Vec<String> = (1..=row.len()).map(|n| format!("${n}")).collect();
    let into = format!("INSERT INTO {} ({names}) VALUES ({})", quoted(&table.name), places.join(", "));
    let fit = |(name, value): (&str, Value)| kind_of(name).map_or(Value::Null, |kind| kind.fit(value));
    let params = Params::from(row.into_iter().map(fit).collect::<Vec<_>>());
    let Some(number) = number else { return tx.run(interned(into), params).await.map(|_| None) };
    let row = tx.opt(interned(format!("{into} RETURNING {} AS number", quoted(number))), params).await?;
    row.map(|row| row.get("number")).transpose()
}

/// Changes columns of somebody's rows.
///
/// # Errors
/// A conflict with a row that is there, besides storage failures.
pub async fn update(
    tx: &mut Tx,
    table: &Table,
    columns: Vec<(&str, Value)>,
    owner: Owner,
    id: i64,
) -> Result<u64, StoreError> {
    let kind_of = |name: &str| table.position(name).map(|at| table.columns[at].kind);
    let sets: Vec<String> =
        columns.iter().enumerate().map(|(n, (name, _))| format!("{} = ${}", quoted(name), n + 2)).collect();
    let text = format!("UPDATE {} SET {} WHERE {}", quoted(&table.name), sets.join(", "), owner.clause());
    let fit = |(name, value): (&str, Value)| kind_of(name).map_or(Value::Null, |kind| kind.fit(value));
    let params = std::iter::once(Value::Int(id)).chain(columns.into_iter().map(fit)).collect::<Vec<_>>();
    tx.run(interned(text), Params::from(params)).await
}
