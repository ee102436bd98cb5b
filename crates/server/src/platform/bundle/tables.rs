//! The registry: every table that belongs to a user, and what becomes of it when they take their things along or go.

use secondme_store::copy::Owner;

/// What becomes of a table's rows in a bundle. All of them are deleted with the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Exported and imported.
    Carried,
    /// Exported so that the user can read it; not imported, as it means something on this server only.
    Record,
    /// Not exported: secrets, and what is made anew from the rest.
    Stays,
}

/// A table that belongs to users.
#[derive(Clone, Copy, Debug)]
pub struct Belonging {
    /// The table.
    pub table: &'static str,
    /// Whose a row is.
    pub owner: Owner,
    /// What becomes of it.
    pub fate: Fate,
    /// Columns that are not exported: secrets, and what the database makes.
    pub secret: &'static [&'static str],
    /// Columns that are exported but not imported: what the server or its operator decides.
    pub fixed: &'static [&'static str],
    /// Columns of text that are unique on a server. Where an import finds one taken, it gets a new random text.
    pub unique: &'static [&'static str],
    /// Columns that hold a JSON list of another table's numbers: (column, table).
    pub lists: &'static [(&'static str, &'static str)],
    /// Two columns that name a row together: what it is, and which one (`memory_entries.kind`, `item_id`).
    pub items: Option<(&'static str, &'static str)>,
    /// Columns that name a row of another table without a foreign key: (column, table, its column).
    pub names: &'static [(&'static str, &'static str, &'static str)],
}

const USER: Owner = Owner::Column("user_id");

/// What belongs to an app belongs to its developer.
const OF_APP: Owner = Owner::Through { column: "app_id", table: "apps", key: "app_id", owner: "owner_user_id" };

const fn of(table: &'static str, owner: Owner, fate: Fate) -> Belonging {
    Belonging { table, owner, fate, secret: &[], fixed: &[], unique: &[], lists: &[], items: None, names: &[] }
}

const fn carried(table: &'static str) -> Belonging {
    of(table, USER, Fate::Carried)
}

const fn record(table: &'static str) -> Belonging {
    of(table, USER, Fate::Record)
}

const fn stays(table: &'static str) -> Belonging {
    of(table, USER, Fate::Stays)
}

/// Every table that belongs to users. The user's own row is the first.
pub const BELONGINGS: &[Belonging] = &[
    Belonging {
        secret: &["password_hash", "demo"],
        fixed: &["email", "account_status", "operator"],
        unique: &["route"],
        ..of("users", Owner::Column("id"), Fate::Carried)
    },
    carried("shades"),
    Belonging { unique: &["share_code"], lists: &[("related_note_ids", "notes")], ..carried("avatars") },
    Belonging { secret: &["secret_hash"], ..record("avatar_api_keys") },
    Belonging { unique: &["session_id"], ..carried("avatar_interactions") },
    carried("avatar_messages"),
    carried("avatar_traffic"),
    // The operator's to decide.
    record("avatar_contracts"),
    Belonging { unique: &["skill_key"], ..carried("avatar_custom_skills") },
    stays("avatar_exports"),
    Belonging { unique: &["run_id"], ..carried("avatar_evaluations") },
    Belonging { unique: &["session_id"], ..carried("chat_sessions") },
    Belonging { unique: &["message_id"], names: &[("sender_user_id", "users", "id")], ..carried("chat_messages") },
    of(
        "chat_images",
        Owner::Through { column: "message_id", table: "chat_messages", key: "message_id", owner: "user_id" },
        Fate::Carried,
    ),
    Belonging {
        secret: &["secret_hash", "previous_secret_hash", "previous_secret_until"],
        ..of("apps", Owner::Column("owner_user_id"), Fate::Record)
    },
    Belonging { secret: &["secret", "previous_secret"], ..of("webhooks", OF_APP, Fate::Record) },
    of("webhook_events", OF_APP, Fate::Stays),
    record("authorizations"),
    record("app_access"),
    // The last requests of apps, kept for their developers for a while.
    stays("app_requests"),
    stays("authorization_codes"),
    stays("tokens"),
    stays("browser_sessions"),
    carried("memory_settings"),
    carried("memory_events"),
    carried("notes"),
    carried("note_links"),
    Belonging { names: &[("superseded_by", "key_memories", "id")], ..carried("key_memories") },
    Belonging { items: Some(("source_kind", "source_id")), ..carried("key_memory_sources") },
    carried("key_memory_links"),
    Belonging { names: &[("position", "chat_messages", "id")], ..carried("learning_cursors") },
    Belonging { lists: &[("memories", "key_memories")], ..carried("portraits") },
    record("forget_receipts"),
    Belonging {
        unique: &["session_id"],
        secret: &["key_id", "app_id", "epoch", "answering", "answering_until"],
        ..carried("visitor_sessions")
    },
    Belonging { unique: &["message_id"], ..carried("visitor_messages") },
    of(
        "visitor_frames",
        Owner::Through { column: "session_id", table: "visitor_sessions", key: "session_id", owner: "user_id" },
        Fate::Carried,
    ),
    carried("visitor_settings"),
    // What was said among people here stays among them.
    record("uploads"),
    record("plaza_certificates"),
    of("plaza_invitations", Owner::Column("inviter_id"), Fate::Record),
    stays("plaza_redeem_failures"),
    of("plaza_posts", Owner::Column("author_id"), Fate::Record),
    of("plaza_post_counts", Owner::Column("author_id"), Fate::Stays),
    record("plaza_likes"),
    of("plaza_comments", Owner::Column("author_id"), Fate::Record),
    record("plaza_comment_likes"),
    of("plaza_reports", Owner::Column("reporter_id"), Fate::Record),
    of("friend_invitations", Owner::Column("from_id"), Fate::Record),
    record("friendships"),
    stays("discover_places"),
    stays("spoken_texts"),
    // What can be recalled. Its numbers of changes and its words are made anew.
    Belonging {
        secret: &["version", "worded", "embedded"],
        items: Some(("kind", "item_id")),
        ..carried("memory_entries")
    },
    stays("memory_heads"),
    stays("memory_gone"),
    stays("memory_vectors"),
    // Which memories were in the prompt of an answer here.
    record("chat_sources"),
    record("chat_tool_calls"),
    record("integrations"),
    Belonging { secret: &["secrets"], ..record("integration_versions") },
    record("enabled_skills"),
    record("visitor_sources"),
];

impl Belonging {
    /// Whether its rows name rows of other tables in ways that the schema does not know: these must be there before it.
    pub fn names_others(&self) -> bool {
        self.items.is_some() || self.names.iter().any(|(_, table, _)| *table != self.table && *table != "users")
    }
}

/// The entry of a table.
pub fn belonging(table: &str) -> Option<&'static Belonging> {
    BELONGINGS.iter().find(|belonging| belonging.table == table)
}
