//! A table row by row, in the order of its key, inside one transaction.

use std::collections::VecDeque;

use super::schema::Table;
use super::text::{columns, interned, quoted, sorted};
use crate::error::StoreError;
use crate::row::Row;
use crate::sql::Dialect;
use crate::tx::Tx;
use crate::value::{Params, Value};

/// Rows that are fetched at a time.
const PAGE: usize = 500;

/// Reads a table from its first row to its last.
pub(super) struct Rows<'t> {
    table: &'t Table,
    page: VecDeque<Vec<Value>>,
    last_key: Option<Vec<Value>>,
    opened: bool,
    ended: bool,
}

impl<'t> Rows<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        Self { table, page: VecDeque::new(), last_key: None, opened: false, ended: false }
    }

    /// The next row. Always with the same transaction.
    pub(super) async fn next(&mut self, tx: &mut Tx) -> Result<Option<Vec<Value>>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let rows = match tx.dialect() {
                Dialect::Sqlite => self.after_the_last(tx).await?,
                Dialect::Postgres => self.through_cursor(tx).await?,
            };
            self.ended = rows.len() < PAGE;
            for row in &rows {
                self.page.push_back(values(self.table, row)?);
            }
            self.last_key = self.page.back().map(|row| self.table.key_of(row));
        }
        Ok(self.page.pop_front())
    }

    /// SQLite's key is an index in just this order.
    async fn after_the_last(&self, tx: &mut Tx) -> Result<Vec<Row>, StoreError> {
        let table = self.table;
        let (what, from, order) = (columns(table), quoted(&table.name), sorted(table, Dialect::Sqlite));
        let Some(last) = &self.last_key else {
            let first = interned(format!("SELECT {what} FROM {from} ORDER BY {order} LIMIT {PAGE}"));
            return tx.all(first, Params::default()).await;
        };
        let places: Vec<String> = (1..=last.len()).map(|n| format!("${n}")).collect();
        let after = places.join(", ");
        let next =
            interned(format!("SELECT {what} FROM {from} WHERE ({order}) > ({after}) ORDER BY {order} LIMIT {PAGE}"));
        tx.all(next, Params::from(last.clone())).await
    }

    /// PostgreSQL's index may be in a language's order, so it sorts once and keeps the result.
    async fn through_cursor(&mut self, tx: &mut Tx) -> Result<Vec<Row>, StoreError> {
        let table = self.table;
        let cursor = quoted(&format!("copy_{}", table.name));
        if !self.opened {
            let (what, from, order) = (columns(table), quoted(&table.name), sorted(table, Dialect::Postgres));
            let open = format!("DECLARE {cursor} NO SCROLL CURSOR FOR SELECT {what} FROM {from} ORDER BY {order}");
            tx.batch(&open).await?;
            self.opened = true;
        }
        let rows = tx.all(interned(format!("FETCH {PAGE} FROM {cursor}")), Params::default()).await?;
        if rows.len() < PAGE {
            tx.batch(&format!("CLOSE {cursor}")).await?;
        }
        Ok(rows)
    }
}

/// A row's values, in the order of the table's columns.
pub(super) fn values(table: &Table, row: &Row) -> Result<Vec<Value>, StoreError> {
    table.columns.iter().map(|column| row.get::<Value>(&column.name)).collect()
}
