//! `[memory]`: limits of events, notes and key memories.

use super::section::section;

section! {
    /// Limits of what users and apps put into memory.
    Memory {
        /// Time zone of users who named none: an IANA name such as `Europe/Lisbon`.
        time_zone: String = "UTC".to_owned(),
        /// Most events in one body.
        events_max: usize = 100,
        /// Most `refs` of an event.
        refs_max: usize = 50,
        /// Longest `action`, `kind`, `object_type`, `type`, `platform`, in characters.
        word_max_chars: usize = 100,
        /// Longest `action_label`, ids and idempotency key, in characters.
        label_max_chars: usize = 500,
        /// Longest URL, in characters.
        url_max_chars: usize = 4_000,
        /// Longest `display_text`, `content_preview` and `event_desc`, in characters.
        display_max_chars: usize = 4_000,
        /// Longest `snapshot.text`, in characters.
        snapshot_max_chars: usize = 50_000,
        /// Largest event as stored (with payload, meta and unknown fields), in bytes.
        event_max_bytes: usize = 256 * 1024,
        /// Important events that `activity/day-overview` shows for an app.
        important_events_max: i64 = 20,
        /// Longest content of a note, in characters.
        note_max_chars: usize = 50_000,
        /// Longest title of a note, in characters.
        title_max_chars: usize = 200,
        /// Most `urls` of a LINK note.
        note_urls_max: usize = 10,
        /// Longest content of a key memory, in characters.
        key_memory_max_chars: usize = 5_000,
        /// Longest search text, in characters.
        keyword_max_chars: usize = 200,
        /// Lets LINK notes read pages of this machine and its network: for development only.
        links_may_be_private: bool = false,
        /// Largest page that a LINK note reads, in bytes.
        page_max_bytes: usize = 2 * 1024 * 1024,
        /// How long fetching one page may take, in seconds.
        page_seconds: u64 = 20,
        /// How long reading one page's text may take, in seconds.
        page_parse_seconds: u64 = 10,
        /// Deepest nesting of a page's elements that is read.
        page_max_depth: usize = 800,
    }
}
