//! `[database]`: SQLite in the data folder, or PostgreSQL.

use super::section::section;

section! {
    /// Where the state lives.
    Database {
        /// `postgres://user:password@host/name`. Empty: SQLite in `<data_dir>/secondme.db`.
        url: secondme_kit::Secret = secondme_kit::Secret::default(),
        /// Connections to PostgreSQL.
        pool: usize = 16,
        /// Read-only connections to SQLite.
        readers: usize = 4,
        /// SQLite's durability: `full` (an answered write survives a power cut) or `normal` (it survives a crash of the process).
        synchronous: String = "full".to_owned(),
    }
}
