//! SQL texts: fixed at compile time, numbered placeholders, one text for both databases unless it says otherwise.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Which database is behind a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded database.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// What [`sql!`](crate::sql) keeps of a text; made by the macro only.
#[derive(Debug)]
pub struct Statement {
    sqlite: &'static str,
    postgres: &'static str,
    file: &'static str,
    line: u32,
    numbered: OnceLock<Cow<'static, str>>,
    columns: OnceLock<Columns>,
}

/// Column names of a result, in order.
pub(crate) type Columns = Arc<[Box<str>]>;

impl Statement {
    #[doc(hidden)]
    pub const fn new(sqlite: &'static str, postgres: &'static str, file: &'static str, line: u32) -> Self {
        Self { sqlite, postgres, file, line, numbered: OnceLock::new(), columns: OnceLock::new() }
    }
}

/// A SQL text with the place where it is written. Made by [`sql!`](crate::sql) only, so it never contains input.
#[derive(Clone, Copy)]
pub struct Sql(&'static Statement);

impl Sql {
    #[doc(hidden)]
    pub const fn new(statement: &'static Statement) -> Self {
        Self(statement)
    }

    /// The text as the driver of `dialect` takes it.
    pub fn text(self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Postgres => self.0.postgres,
            Dialect::Sqlite => self.0.numbered.get_or_init(|| numbered(self.0.sqlite)),
        }
    }

    /// `file:line` of the text, for errors and logs.
    pub fn location(self) -> String {
        format!("{}:{}", self.0.file, self.0.line)
    }

    /// The result's column names, remembered after the first use.
    pub(crate) fn columns(self, statement: &rusqlite::Statement<'_>) -> Columns {
        let fresh = || statement.column_names().into_iter().map(Box::from).collect::<Columns>();
        let known = self.0.columns.get_or_init(fresh);
        // `SELECT *` may have grown since: never label values with stale names.
        if known.len() == statement.column_count() { Arc::clone(known) } else { fresh() }
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sql!({})", self.location())
    }
}

/// SQLite takes `$1` for a *name*, numbered in order of appearance; `?1` is the number we mean. Quoted text is left alone.
pub(crate) fn numbered(text: &str) -> Cow<'_, str> {
    if !text.contains('$') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        quoted ^= c == '\'';
        let placeholder = c == '$' && !quoted && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if placeholder { '?' } else { c });
    }
    Cow::Owned(out)
}

/// The only way to make a [`Sql`]: `sql!("SELECT … WHERE id = $1")`, or `sql!(sqlite: "…", postgres: "…")` where the texts
/// must differ. Takes string literals only, so that a test can find and prepare every text (`testing::prepare_all`).
#[macro_export]
macro_rules! sql {
    (sqlite: $sqlite:literal, postgres: $postgres:literal $(,)?) => {{
        static STATEMENT: $crate::Statement = $crate::Statement::new($sqlite, $postgres, file!(), line!());
        $crate::Sql::new(&STATEMENT)
    }};
    ($text:literal $(,)?) => {
        $crate::sql!(sqlite: $text, postgres: $text)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_numbers_outside_quotes_only() {
        assert_eq!(
            numbered("SELECT '$1 it''s $2' WHERE b = $2 AND a = $12"),
            "SELECT '$1 it''s $2' WHERE b = ?2 AND a = ?12"
        );
        assert_eq!(numbered("SELECT '$.path', $x"), "SELECT '$.path', $x");
    }

    #[test]
    fn a_text_knows_where_it_is() {
        let sql = sql!(sqlite: "SELECT $1", postgres: "SELECT $1::text");
        assert!(sql.location().starts_with("crates/store/src/sql.rs:"), "{}", sql.location());
        assert_eq!(sql.text(Dialect::Sqlite), "SELECT ?1");
        assert_eq!(sql.text(Dialect::Postgres), "SELECT $1::text");
    }
}
