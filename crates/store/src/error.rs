//! What can go wrong, the same on both databases. No message ever contains a parameter's value.

use deadpool_postgres::PoolError;
use rusqlite::ErrorCode;
use tokio_postgres::error::{DbError, SqlState};

use crate::sql::Sql;
use crate::usage::{Trouble, trouble};

/// A failed storage operation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique key exists already. The transaction is over (PostgreSQL aborts it, so SQLite does too): where a conflict is
    /// an expected answer, write `ON CONFLICT … DO NOTHING` and look at the number of rows.
    #[error("a row with the same unique key exists")]
    Conflict,
    /// No connection, or no turn to write, within the time limit.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// The database cannot be reached, or went away. A commit that fails so may have happened or not.
    #[error("the database is unavailable: {0}")]
    Unavailable(Fault),
    /// The disk is full.
    #[error("the disk of the database is full")]
    DiskFull,
    /// Another process has the SQLite file open.
    #[error("{path} is in use by another process; is a server running on it?")]
    InUse {
        /// The data file.
        path: String,
    },
    /// The database was migrated by a newer binary.
    #[error(
        "the database has the migration {set}/{name}, which this version does not know: it was written by a newer version"
    )]
    NewerDatabase {
        /// The migration set.
        set: String,
        /// The unknown migration.
        name: String,
    },
    /// A column is missing from a row, or is not of the type that was asked for.
    #[error("column {column} of the statement at {at}: {why}")]
    Decode {
        /// The column that was asked for.
        column: String,
        /// What is wrong with it.
        why: &'static str,
        /// `file:line` of the statement.
        at: String,
    },
    /// An earlier statement of this transaction failed or was abandoned; it can only be rolled back.
    #[error("an earlier statement of this transaction failed; it was rolled back")]
    Aborted,
    /// Anything else: a defect in a statement, a broken rule of the schema, a damaged file.
    #[error("database error: {0}")]
    Other(Fault),
}

/// A driver's error without the data in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} [{code}]{}", at.as_ref().map(|at| format!(" in the statement at {at}")).unwrap_or_default())]
pub struct Fault {
    /// SQLSTATE, or SQLite's extended result code, or the kind of driver error.
    pub code: String,
    /// The database's message, shortened where it could quote data.
    pub message: String,
    /// `file:line` of the statement.
    pub at: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>, at: Option<Sql>) -> Self {
        Self { code: code.into(), message: message.into(), at: at.map(Sql::location) }
    }
}

impl StoreError {
    pub(crate) fn other(message: impl Into<String>, at: Option<Sql>) -> Self {
        Self::Other(Fault::new("store", message, at))
    }

    /// The runtime went away under a commit.
    pub(crate) fn stopping() -> Self {
        Self::Unavailable(Fault::new("stopping", "the server is stopping", None))
    }

    pub(crate) fn sqlite(error: &rusqlite::Error, at: Option<Sql>) -> Self {
        Self::from_sqlite(error, at).counted()
    }

    /// Every refusal that is the database's own state and not a defect of ours is counted, for whoever watches.
    fn counted(self) -> Self {
        match &self {
            Self::Busy(_) => trouble(Trouble::Busy),
            Self::DiskFull => trouble(Trouble::Full),
            Self::Unavailable(fault) if fault.code == SqlState::READ_ONLY_SQL_TRANSACTION.code() => {
                trouble(Trouble::ReadOnly);
            }
            Self::Unavailable(_) => trouble(Trouble::Away),
            _ => {}
        }
        self
    }

    fn from_sqlite(error: &rusqlite::Error, at: Option<Sql>) -> Self {
        let (failure, message) = match error {
            rusqlite::Error::SqliteFailure(failure, message) => (failure, message.as_deref()),
            rusqlite::Error::SqlInputError { error, msg, .. } => (error, Some(msg.as_str())),
            other => return Self::Other(Fault::new("rusqlite", other.to_string(), at)),
        };
        let text = || scrub_sqlite(message.unwrap_or("no message"));
        let fault = || Fault::new(failure.extended_code.to_string(), text(), at);
        match (failure.code, failure.extended_code) {
            (_, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Self::Conflict
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Self::Busy("another process is writing"),
            (ErrorCode::DiskFull, _) => Self::DiskFull,
            (ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly, _) => Self::Unavailable(fault()),
            _ => Self::Other(fault()),
        }
    }

    pub(crate) fn postgres(error: &tokio_postgres::Error, at: Option<Sql>) -> Self {
        Self::from_postgres(error, at).counted()
    }

    fn from_postgres(error: &tokio_postgres::Error, at: Option<Sql>) -> Self {
        let Some(db) = error.as_db_error() else {
            let fault = Fault::new("connection", chain(error), at);
            return if error.is_closed() || is_io(error) { Self::Unavailable(fault) } else { Self::Other(fault) };
        };
        let code = db.code();
        // Class 22 (data exceptions) quotes the data; `detail` quotes keys and rows and is never used.
        let message = if code.code().starts_with("22") { "invalid data" } else { db.message() };
        let named = db.constraint().map(|name| format!("{message} (constraint {name})"));
        let fault = Fault::new(code.code(), named.unwrap_or_else(|| message.to_owned()), at);
        match code {
            &SqlState::UNIQUE_VIOLATION => Self::Conflict,
            &SqlState::DISK_FULL => Self::DiskFull,
            &SqlState::T_R_DEADLOCK_DETECTED => Self::Busy("two transactions waited for each other"),
            &SqlState::TOO_MANY_CONNECTIONS => Self::Busy("too many connections"),
            &SqlState::READ_ONLY_SQL_TRANSACTION => Self::Unavailable(fault),
            _ if is_stale(db) => Self::Busy("a newer version changed a table"),
            code if code.code().starts_with("57P") || code.code().starts_with("08") => Self::Unavailable(fault),
            _ => Self::Other(fault),
        }
    }

    pub(crate) fn pool(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match Self::from_postgres(&error, None) {
                // Whatever keeps us from connecting (a missing database, a wrong password) is: unavailable.
                Self::Other(fault) => Self::Unavailable(fault),
                other => other,
            },
            PoolError::Timeout(_) => Self::Busy("no free connection in time"),
            other => Self::Unavailable(Fault::new("pool", other.to_string(), None)),
        }
        .counted()
    }
}

/// A statement was prepared before a column was added to what it reads as a whole.
fn is_stale(error: &DbError) -> bool {
    error.code() == &SqlState::FEATURE_NOT_SUPPORTED && error.message().starts_with("cached plan must not change")
}

/// Whether everything that is prepared has to be prepared anew.
pub(crate) fn prepared_is_stale(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(is_stale)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

/// The driver's message with its causes ("error connecting to server: connection refused").
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Full-text queries are quoted in FTS5's own errors.
fn scrub_sqlite(message: &str) -> String {
    match message.split_once(':') {
        Some((kind @ "fts5", _)) => format!("{kind}: invalid query"),
        _ => message.to_owned(),
    }
}
