//! The server's tables: numbered, additive, never edited once released.

use secondme_store::{Migration, MigrationSet};

/// All of them, in order.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "server",
    migrations: &[
        Migration {
            name: "0001_foundation",
            sql: include_str!("../migrations/0001_foundation.sql"),
            sqlite: Some(include_str!("../migrations/0001_foundation.sqlite.sql")),
            postgres: Some(include_str!("../migrations/0001_foundation.postgres.sql")),
        },
        Migration {
            name: "0002_memory",
            sql: include_str!("../migrations/0002_memory.sql"),
            sqlite: Some(include_str!("../migrations/0002_memory.sqlite.sql")),
            postgres: Some(include_str!("../migrations/0002_memory.postgres.sql")),
        },
        Migration {
            name: "0003_recall",
            sql: include_str!("../migrations/0003_recall.sql"),
            sqlite: Some(include_str!("../migrations/0003_recall.sqlite.sql")),
            postgres: Some(include_str!("../migrations/0003_recall.postgres.sql")),
        },
        Migration {
            name: "0004_avatars",
            sql: include_str!("../migrations/0004_avatars.sql"),
            sqlite: Some(include_str!("../migrations/0004_avatars.sqlite.sql")),
            postgres: Some(include_str!("../migrations/0004_avatars.postgres.sql")),
        },
        Migration {
            name: "0005_visitor",
            sql: include_str!("../migrations/0005_visitor.sql"),
            sqlite: None,
            postgres: None,
        },
        Migration { name: "0006_apps", sql: include_str!("../migrations/0006_apps.sql"), sqlite: None, postgres: None },
        Migration {
            name: "0007_plaza",
            sql: include_str!("../migrations/0007_plaza.sql"),
            sqlite: Some(include_str!("../migrations/0007_plaza.sqlite.sql")),
            postgres: Some(include_str!("../migrations/0007_plaza.postgres.sql")),
        },
        Migration {
            name: "0008_voice",
            sql: include_str!("../migrations/0008_voice.sql"),
            sqlite: None,
            postgres: None,
        },
        Migration {
            name: "0010_integrations",
            sql: include_str!("../migrations/0010_integrations.sql"),
            sqlite: None,
            postgres: None,
        },
        Migration {
            name: "0011_console",
            sql: include_str!("../migrations/0011_console.sql"),
            sqlite: None,
            postgres: None,
        },
        Migration {
            name: "0012_visitor_sources",
            sql: include_str!("../migrations/0012_visitor_sources.sql"),
            sqlite: None,
            postgres: None,
        },
        Migration {
            name: "0013_plaza_counts",
            sql: "",
            sqlite: None,
            postgres: Some(include_str!("../migrations/0013_plaza_counts.postgres.sql")),
        },
        Migration {
            name: "0015_important_events",
            sql: include_str!("../migrations/0015_important_events.sql"),
            sqlite: None,
            postgres: None,
        },
    ],
};
