//! `[visitor]`: conversations of visitors with avatars, their sockets and their limits.

use super::section::section;

section! {
    /// Conversations of visitors with avatars: sockets, the log behind them, and what visitors may use.
    Visitor {
        /// Longest message, in characters.
        message_max_chars: usize = 10_000,
        /// A conversation that was silent this long has to be opened again with `init`, in days.
        session_days: i64 = 90,
        /// How long frames stay in the log for clients that come back, in hours. Messages are kept.
        log_hours: i64 = 168,
        /// How long the address of a socket can be used, in seconds.
        credential_seconds: i64 = 43_200,
        /// The origin of socket addresses, when it is not the server's own: `wss://ws.example.org`. Empty: from `server.public_url`.
        ws_url: String = String::new(),
        /// Sockets and event streams open on one conversation at a time; the oldest is closed when there are more.
        sockets_per_session: usize = 16,
        /// Sockets and event streams of this process.
        sockets_max: usize = 50_000,
        /// A silent socket is asked for a sign of life this often, in seconds; one that gives none until the next time is closed.
        ping_seconds: u64 = 30,
        /// A client that takes nothing for this long is closed, in seconds. It finds everything in the log when it comes back.
        write_seconds: u64 = 20,
        /// Messages that a client may send into a socket between two signs of life; nothing is read from them.
        inbound_max: u32 = 60,
        /// Replies that this process generates at a time; more wait.
        replies_max: usize = 128,
        /// A reply whose process died is taken up by another one after this long, in milliseconds.
        lease_ms: i64 = 5_000,
        /// A reply that failed this often, crashes included, is given up and the visitor is told.
        attempts_max: i64 = 20,
        /// Most tokens of a reply.
        max_tokens: u32 = 1_000,
        /// How long `ws-chat/send` waits for the reply, in seconds.
        wait_seconds: u64 = 120,
        /// Messages that one visitor may send to one avatar in a minute. 0: any number, here and in the following.
        visitor_per_minute: i64 = 20,
        /// Messages that the visitors of one app may send in a minute, all together.
        app_per_minute: i64 = 600,
        /// Conversations that one app may open, or open again, in a minute.
        inits_per_minute: i64 = 600,
        /// Messages that one avatar takes from visitors in a minute.
        avatar_per_minute: i64 = 300,
        /// Messages that an anonymous visitor may send to a FREE avatar in a day (UTC).
        free_anonymous_per_day: i64 = 200,
        /// Messages that a visitor who signed in may send to FREE avatars in a day (UTC), all together.
        free_user_per_day: i64 = 1_000,
        /// Messages that the owner of a SPONSORED avatar pays for in a day (UTC).
        sponsored_per_day: i64 = 5_000,
    }
}
