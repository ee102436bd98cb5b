//! One SQL text, two databases: a [`Store`] opens transactions ([`Tx`]) on SQLite or PostgreSQL, and both behave the same.
//!
//! - SQL is written once with `$1` placeholders through [`sql!`]; a pair only where the texts must differ.
//! - A transaction is a value: dropped without [`Tx::commit`], it is rolled back. After a failed statement it can only be dropped.
//! - An acknowledged commit is on disk. On SQLite the transactions that wait share one fsync (see `sqlite::group`).

pub mod copy;
mod error;
mod migrate;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod tx;
mod usage;
mod value;

pub use error::{Fault, StoreError};
pub use migrate::{CONTRACTS, Migration, MigrationSet};
pub use row::Row;
pub use sql::{Dialect, Sql, Statement};
pub use store::{Location, Store, Synchronous};
pub use tx::Tx;
pub use usage::{Troubles, Usage, troubles, usage};
pub use value::{Field, FromValue, IntoValue, Params, Value};
