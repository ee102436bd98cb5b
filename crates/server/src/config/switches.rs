//! The short sections: search, compatibility switches, policy, logs.

use super::section::section;

section! {
    /// Web search for chats with `enableWebSearch`.
    Search {
        /// A SearXNG-compatible search address, for example `http://localhost:8888/search`. Empty: no search, no tool events.
        url: String = String::new(),
        /// Longest wait for results, in seconds.
        timeout_seconds: u64 = 8,
        /// Results given to the model.
        results_max: usize = 5,
    }
}

section! {
    /// Switches for older clients (HOUSE-RULES); the defaults follow the newest documents.
    Compat {
        /// Adds a top-level `content` to every chat chunk, which the Python SDK reads.
        sdk_content: bool = true,
        /// Maps the provider model names of March 2026 to `secondme/nano` and `secondme/pro` in place of a 422.
        legacy_models: bool = false,
        /// Lets apps of February and March 2026, which asked for v1 scopes only, use agent memory without the scope `agent_memory`.
        agent_memory_without_scope: bool = false,
        /// Gives apps behind skills the very token that the caller came with, in place of one for that app and user alone. Such an app can then do whatever the caller can.
        forward_user_token: bool = false,
    }
}

section! {
    /// What the operator allows.
    Policy {
        /// Client IDs of apps that are refused with `secondme.app.banned`.
        banned_apps: Vec<String> = Vec::new(),
        /// New apps, and apps that ask to be listed, wait until the operator approves them (`secondme app approve`). Off: approved at once.
        app_review: bool = false,
        /// Client IDs of the apps that may use notes. Empty: every app with the scope.
        note_whitelist: Vec<String> = Vec::new(),
    }
}

section! {
    /// Logs.
    Log {
        /// `text` for people, `json` for machines.
        format: String = "text".to_owned(),
        /// What is logged, as in `RUST_LOG`: `info`, `debug`, `secondme_server=debug,info`.
        filter: String = "info".to_owned(),
    }
}
