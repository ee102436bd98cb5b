//! A row of a result, read by column name.

use rusqlite::types::Value as SqliteValue;

use crate::error::StoreError;
use crate::sql::{Columns, Sql};
use crate::value::{Field, FromValue};

/// One row. Columns are read by the name that the statement gives them (lower case, as PostgreSQL folds them).
pub struct Row {
    sql: Sql,
    cells: Cells,
}

enum Cells {
    Sqlite { columns: Columns, values: Vec<SqliteValue> },
    Postgres(tokio_postgres::Row),
}

impl Row {
    pub(crate) fn sqlite(sql: Sql, columns: Columns, values: Vec<SqliteValue>) -> Self {
        Self { sql, cells: Cells::Sqlite { columns, values } }
    }

    pub(crate) fn postgres(sql: Sql, row: tokio_postgres::Row) -> Self {
        Self { sql, cells: Cells::Postgres(row) }
    }

    /// The value of `column`. A missing column or another type is [`StoreError::Decode`] with the statement's place.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        let decode = |why| StoreError::Decode { column: column.to_owned(), why, at: self.sql.location() };
        let field = self.field(column).ok_or_else(|| decode("no such column, or of a type that is not supported"))?;
        T::from_value(field).ok_or_else(|| decode("not of the type that was asked for"))
    }

    fn field(&self, column: &str) -> Option<Field<'_>> {
        match &self.cells {
            Cells::Sqlite { columns, values } => {
                let index = columns.iter().position(|name| **name == *column)?;
                values.get(index).map(Field::from)
            }
            Cells::Postgres(row) => row.try_get(column).ok(),
        }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row of {:?}", self.sql)
    }
}
