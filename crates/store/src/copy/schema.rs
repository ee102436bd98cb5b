//! The tables as the database itself describes them.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::StoreError;
use crate::row::Row;
use crate::tx::Tx;
use crate::value::Value;
use crate::{params, sql};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `BIGINT`; on SQLite also `BOOLEAN`, which it has no word for.
    Int,
    /// `DOUBLE PRECISION`
    Real,
    /// `BOOLEAN`
    Bool,
    /// `TEXT`
    Text,
    /// `BYTEA`
    Bytes,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be absent.
    pub nullable: bool,
}

/// A foreign key of one column.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The column that refers.
    pub column: String,
    /// The table it refers to.
    pub table: String,
    /// The column there.
    pub to: String,
}

/// A table of ours. Full-text indexes, which each database keeps in its own way, are not among them.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of the database.
    pub columns: Vec<Column>,
    /// The primary key.
    pub key: Vec<String>,
    /// The key column that the database numbers by itself.
    pub identity: Option<String>,
    /// What it refers to.
    pub references: Vec<Reference>,
}

impl Table {
    /// The place of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The key of a row.
    pub(super) fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key.iter().filter_map(|name| row.get(self.position(name)?).cloned()).collect()
    }
}

impl Kind {
    /// The value as a column of this kind takes it: the databases spell truth differently.
    pub fn fit(self, value: Value) -> Value {
        match (self, value) {
            (Self::Bool, Value::Int(n)) => Value::Bool(n != 0),
            (Self::Int, Value::Bool(b)) => Value::Int(b.into()),
            (Self::Real, Value::Int(n)) => Value::Real(n as f64),
            (_, value) => value,
        }
    }

    fn of(type_name: &str) -> Option<Self> {
        Some(match type_name.to_ascii_lowercase().as_str() {
            "bigint" | "integer" | "smallint" => Self::Int,
            "real" | "double precision" => Self::Real,
            "boolean" => Self::Bool,
            "text" | "character varying" => Self::Text,
            "blob" | "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// Every table but the lists of migrations, those that are referred to before those that refer.
///
/// # Errors
/// A table without a primary key, besides storage failures.
pub async fn tables(tx: &mut Tx) -> Result<Vec<Table>, StoreError> {
    let (columns, references) = (columns(tx).await?, references(tx).await?);
    let mut found: BTreeMap<String, Option<Draft>> = BTreeMap::new();
    for row in &columns {
        let name: String = row.get("table_name")?;
        if name == "schema_migrations" || name == "schema_contracts" {
            continue;
        }
        let draft = found.entry(name).or_insert_with(|| Some(Draft::default()));
        match (Kind::of(&row.get::<String>("type_name")?), draft.as_mut()) {
            (Some(kind), Some(draft)) => draft.add(row, kind)?,
            // A column of a type that only this database has: a table that only this database needs.
            _ => *draft = None,
        }
    }
    let mut all = Vec::new();
    for (name, draft) in found {
        let Some(draft) = draft else { continue };
        all.push(draft.table(name, &references)?);
    }
    Ok(parents_first(all))
}

#[derive(Default)]
struct Draft {
    columns: Vec<Column>,
    key: Vec<(i64, String)>,
    identity: Option<String>,
}

impl Draft {
    fn add(&mut self, row: &Row, kind: Kind) -> Result<(), StoreError> {
        let name: String = row.get("column_name")?;
        let position: i64 = row.get("key_position")?;
        if position >= 0 {
            self.key.push((position, name.clone()));
        }
        if row.get("identity")? {
            self.identity = Some(name.clone());
        }
        self.columns.push(Column { name, kind, nullable: !row.get::<bool>("required")? });
        Ok(())
    }

    fn table(mut self, name: String, references: &[Row]) -> Result<Table, StoreError> {
        if self.key.is_empty() {
            return Err(StoreError::other(format!("the table {name} has no primary key"), None));
        }
        self.key.sort();
        let mut own = Vec::new();
        for row in references {
            if row.get::<String>("table_name")? == name {
                own.push(Reference {
                    column: row.get("column_name")?,
                    table: row.get("parent")?,
                    to: row.get("parent_column")?,
                });
            }
        }
        let key = self.key.into_iter().map(|(_, column)| column).collect();
        Ok(Table { name, columns: self.columns, key, identity: self.identity, references: own })
    }
}

fn parents_first(mut left: Vec<Table>) -> Vec<Table> {
    let mut done: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let waiting: BTreeSet<String> = left.iter().map(|t| t.name.clone()).collect();
        let free = |t: &Table| t.references.iter().all(|r| r.table == t.name || !waiting.contains(&r.table));
        let (ready, rest): (Vec<Table>, Vec<Table>) = left.into_iter().partition(free);
        left = rest;
        if ready.is_empty() {
            // Tables that refer to each other in a circle: no order is right, so take them as they are.
            done.append(&mut left);
        }
        done.extend(ready);
    }
    done
}

/// One row per column. On SQLite, "shadow" and "virtual" tables are those of full-text indexes.
async fn columns(tx: &mut Tx) -> Result<Vec<Row>, StoreError> {
    let text = sql!(
        sqlite: "SELECT t.name AS table_name, c.name AS column_name, c.type AS type_name, c.\"notnull\" AS required,
                c.pk - 1 AS key_position,
                c.pk > 0 AND EXISTS (SELECT 1 FROM sqlite_schema s
                    WHERE s.type = 'table' AND s.name = t.name AND s.sql LIKE '%AUTOINCREMENT%') AS identity
         FROM pragma_table_list t JOIN pragma_table_info(t.name) c
         WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid",
        postgres: "SELECT c.relname AS table_name, a.attname AS column_name, format_type(a.atttypid, NULL) AS type_name,
                a.attnotnull AS required, a.attidentity <> '' AS identity,
                COALESCE(array_position(i.indkey::int2[], a.attnum), -1) AS key_position
         FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
         LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
         WHERE c.relkind = 'r' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
         ORDER BY c.relname, a.attnum",
    );
    tx.all(text, params![]).await
}

/// One row per column that refers to another table.
async fn references(tx: &mut Tx) -> Result<Vec<Row>, StoreError> {
    let text = sql!(
        sqlite: "SELECT t.name AS table_name, f.\"from\" AS column_name, f.\"table\" AS parent, f.\"to\" AS parent_column
         FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f
         WHERE t.schema = 'main' AND t.type = 'table' ORDER BY t.name, f.id, f.seq",
        postgres: "SELECT c.relname AS table_name, a.attname AS column_name, p.relname AS parent, pa.attname AS parent_column
         FROM pg_constraint k
         JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_class p ON p.oid = k.confrelid
         CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair (child, parent)
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.child
         JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = pair.parent
         WHERE k.contype = 'f' AND k.connamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
         ORDER BY c.relname, k.conname, pair.child",
    );
    tx.all(text, params![]).await
}
