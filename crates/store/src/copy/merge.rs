//! Making one store equal to another: rows that are missing are added, rows that differ are changed, rows that are gone are
//! deleted. What is equal already is only read, so an interrupted copy goes on where it was, and a second one is short.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::rows::Rows;
use super::schema::{Table, tables};
use super::sum::Sum;
use super::text::{self, by_key, interned, quoted};
use crate::error::StoreError;
use crate::params;
use crate::sql::Dialect;
use crate::store::Store;
use crate::tx::Tx;
use crate::value::{Params, Value};

/// Rows per transaction on the target.
const BATCH: usize = 1_000;
/// Parameters per `INSERT`.
const PARAMETERS: usize = 1_000;

/// How far a copy is.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The table.
    pub table: &'a str,
    /// Rows read from the source so far.
    pub rows: u64,
    /// Rows added, changed or deleted so far.
    pub changed: u64,
    /// Whether the table is finished.
    pub done: bool,
}

/// Copies every table of `from`, as it is at this moment, into `to`, which was migrated to the same version. Returns the sums
/// of what was read.
///
/// # Errors
/// When the tables are not the same, and on storage failures; calling it again goes on.
pub async fn copy(
    from: &Store,
    to: &Store,
    mut tell: impl FnMut(Step<'_>),
) -> Result<BTreeMap<String, Sum>, StoreError> {
    let mut source = from.read().await?;
    let theirs = tables(&mut source).await?;
    let ours = tables(&mut to.read().await?).await?;
    let pairs = matched(&theirs, &ours)?;
    let mut sums = BTreeMap::new();
    // Triggers of the target count along while rows come in, also into tables that were equal already: a second round sees that.
    let rounds = if has_triggers(to).await? { 2 } else { 1 };
    for _ in 0..rounds {
        for (table, target) in pairs.iter().copied().rev() {
            let mut work = Work::new(table, target, to);
            work.merge(&mut source, Pass::Delete, &mut tell).await?;
        }
        for (table, target) in pairs.iter().copied() {
            let mut work = Work::new(table, target, to);
            work.merge(&mut source, Pass::Put, &mut tell).await?;
            if let (Some(_), Some(column)) = (&table.identity, &target.identity) {
                let last = last_number(&mut source, table).await?;
                let mut tx = to.write().await?;
                count_on(&mut tx, &target.name, column, last).await?;
                tx.commit().await?;
            }
            tell(Step { table: &table.name, rows: work.sum.rows, changed: work.changed, done: true });
            sums.insert(table.name.clone(), work.sum);
        }
    }
    Ok(sums)
}

async fn has_triggers(store: &Store) -> Result<bool, StoreError> {
    let find = crate::sql!(
        sqlite: "SELECT 1 AS one FROM sqlite_schema WHERE type = 'trigger' LIMIT 1",
        postgres: "SELECT 1 AS one FROM pg_trigger WHERE NOT tgisinternal LIMIT 1",
    );
    Ok(store.opt(find, params![]).await?.is_some())
}

/// Each table of the source with the target's of the same name, which must have the same columns.
fn matched<'t>(theirs: &'t [Table], ours: &'t [Table]) -> Result<Vec<(&'t Table, &'t Table)>, StoreError> {
    let names = |table: &Table| {
        let mut names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        names.sort();
        names
    };
    let pair = |table: &'t Table| {
        let target = ours.iter().find(|t| t.name == table.name && names(t) == names(table));
        let missing =
            || StoreError::other(format!("the target has no table {} with the same columns", table.name), None);
        target.map(|target| (table, target)).ok_or_else(missing)
    };
    theirs.iter().map(pair).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Delete,
    Put,
}

struct Work<'t> {
    table: &'t Table,
    target: &'t Table,
    to: &'t Store,
    /// Where each column of the target is in a row of the source.
    places: Vec<usize>,
    sum: Sum,
    changed: u64,
    adding: Vec<Vec<Value>>,
    changing: Vec<Vec<Value>>,
    deleting: Vec<Vec<Value>>,
}

impl<'t> Work<'t> {
    fn new(table: &'t Table, target: &'t Table, to: &'t Store) -> Self {
        let places = target.columns.iter().filter_map(|c| table.position(&c.name)).collect();
        let (adding, changing, deleting) = (Vec::new(), Vec::new(), Vec::new());
        Self { table, target, to, places, sum: Sum::default(), changed: 0, adding, changing, deleting }
    }

    /// Walks both tables side by side, in the order of their keys.
    async fn merge(&mut self, source: &mut Tx, pass: Pass, tell: &mut impl FnMut(Step<'_>)) -> Result<(), StoreError> {
        let mut here = self.to.read().await?;
        let (mut theirs, mut ours) = (Rows::new(self.table), Rows::new(self.target));
        let mut b = ours.next(&mut here).await?;
        if pass == Pass::Delete && b.is_none() {
            return Ok(());
        }
        let mut a = self.read(&mut theirs, source, pass).await?;
        loop {
            let order = match (&a, &b) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => compare(&self.target.key_of(a), &self.target.key_of(b)),
            };
            self.note(order, pass, a.as_ref(), b.as_ref());
            if self.adding.len() + self.changing.len() + self.deleting.len() >= BATCH {
                self.flush().await?;
                tell(Step { table: &self.table.name, rows: self.sum.rows, changed: self.changed, done: false });
            }
            if order != Ordering::Greater {
                a = self.read(&mut theirs, source, pass).await?;
            }
            if order != Ordering::Less {
                b = ours.next(&mut here).await?;
            }
        }
        self.flush().await
    }

    fn note(&mut self, order: Ordering, pass: Pass, a: Option<&Vec<Value>>, b: Option<&Vec<Value>>) {
        match (order, pass, a, b) {
            (Ordering::Less, Pass::Put, Some(a), _) => self.adding.push(a.clone()),
            (Ordering::Equal, Pass::Put, Some(a), Some(b)) if a != b => self.changing.push(a.clone()),
            (Ordering::Greater, Pass::Delete, _, Some(b)) => self.deleting.push(self.target.key_of(b)),
            _ => {}
        }
    }

    /// The source's next row, with the target's order and kinds of columns.
    async fn read(
        &mut self,
        rows: &mut Rows<'_>,
        source: &mut Tx,
        pass: Pass,
    ) -> Result<Option<Vec<Value>>, StoreError> {
        let Some(row) = rows.next(source).await? else { return Ok(None) };
        if pass == Pass::Put {
            self.sum.add(self.table, &row);
        }
        let fitted = self.places.iter().zip(&self.target.columns).map(|(at, column)| column.kind.fit(row[*at].clone()));
        Ok(Some(fitted.collect()))
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let target = self.target;
        let mut tx = self.to.write().await?;
        for key in &self.deleting {
            let delete = format!("DELETE FROM {} WHERE {}", quoted(&target.name), by_key(target, 1));
            tx.run(interned(delete), Params::from(key.clone())).await?;
        }
        for row in &self.changing {
            change(&mut tx, target, row).await?;
        }
        let per_insert = (PARAMETERS / target.columns.len().max(1)).max(1);
        for rows in self.adding.chunks(per_insert) {
            add(&mut tx, target, rows, per_insert).await?;
        }
        tx.commit().await?;
        self.changed += (self.adding.len() + self.changing.len() + self.deleting.len()) as u64;
        self.adding.clear();
        self.changing.clear();
        self.deleting.clear();
        Ok(())
    }
}

/// Many rows with one statement; a last, smaller handful one by one, so that there are only two texts per table.
async fn add(tx: &mut Tx, table: &Table, rows: &[Vec<Value>], full: usize) -> Result<(), StoreError> {
    if rows.len() == full {
        let values: Vec<Value> = rows.iter().flatten().cloned().collect();
        return tx.run(text::insert(table, full), Params::from(values)).await.map(drop);
    }
    for row in rows {
        tx.run(text::insert(table, 1), Params::from(row.clone())).await?;
    }
    Ok(())
}

async fn change(tx: &mut Tx, table: &Table, row: &[Value]) -> Result<(), StoreError> {
    let sets: Vec<String> =
        table.columns.iter().enumerate().map(|(n, c)| format!("{} = ${}", quoted(&c.name), n + 1)).collect();
    let width = table.columns.len();
    let update = format!("UPDATE {} SET {} WHERE {}", quoted(&table.name), sets.join(", "), by_key(table, width + 1));
    let values: Vec<Value> = row.iter().cloned().chain(table.key_of(row)).collect();
    tx.run(interned(update), Params::from(values)).await.map(drop)
}

fn compare(a: &[Value], b: &[Value]) -> Ordering {
    let one = |(a, b): (&Value, &Value)| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Real(a), Value::Real(b)) => a.total_cmp(b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        // Keys are never absent, and of one kind.
        _ => Ordering::Equal,
    };
    a.iter().zip(b).map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The last number that the database gave out by itself.
async fn last_number(tx: &mut Tx, table: &Table) -> Result<i64, StoreError> {
    let column = table.identity.as_deref().unwrap_or_default();
    let row = match tx.dialect() {
        Dialect::Sqlite => {
            let last = "SELECT seq AS last FROM sqlite_sequence WHERE name = $1".to_owned();
            tx.opt(interned(last), params![&table.name]).await?
        }
        Dialect::Postgres => {
            let sequence = sequence(tx, &table.name, column).await?;
            let last = format!("SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END AS last FROM {sequence}");
            tx.opt(interned(last), Params::default()).await?
        }
    };
    row.map_or(Ok(0), |row| row.get("last"))
}

/// Numbers go on after `last`, so that none is given out twice.
async fn count_on(tx: &mut Tx, table: &str, column: &str, last: i64) -> Result<(), StoreError> {
    if last < 1 {
        return Ok(());
    }
    match tx.dialect() {
        Dialect::Sqlite => {
            let old = "DELETE FROM sqlite_sequence WHERE name = $1".to_owned();
            tx.run(interned(old), params![table]).await?;
            let new = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)".to_owned();
            tx.run(interned(new), params![table, last]).await.map(drop)
        }
        Dialect::Postgres => {
            let sequence = sequence(tx, table, column).await?;
            let set = "SELECT setval(CAST(CAST($1 AS TEXT) AS regclass), $2)".to_owned();
            tx.all(interned(set), params![sequence, last]).await.map(drop)
        }
    }
}

async fn sequence(tx: &mut Tx, table: &str, column: &str) -> Result<String, StoreError> {
    let find = "SELECT pg_get_serial_sequence($1, $2) AS sequence".to_owned();
    let row = tx.opt(interned(find), params![quoted(table), column]).await?;
    let name: Option<String> = row.map_or(Ok(None), |row| row.get("sequence"))?;
    name.ok_or_else(|| StoreError::other(format!("the table {table} has no sequence"), None))
}
