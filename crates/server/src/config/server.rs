//! `[server]`: address, data folder, limits of a request.

use super::section::section;

section! {
    /// The address, the data folder and the limits of a single request.
    Server {
        /// Address and port to listen on.
        listen: String = "127.0.0.1:8787".to_owned(),
        /// The URL under which browsers and apps reach this server, without a trailing slash. Empty: `http://localhost:<port>`.
        public_url: String = String::new(),
        /// Addresses and networks (`10.0.0.0/8`) of the proxies whose `X-Forwarded-For` is believed when requests are counted.
        trusted_proxies: Vec<String> = Vec::new(),
        /// Folder of the database, the server's key and `demo.json`.
        data_dir: String = "data".to_owned(),
        /// Key that tokens are hashed with: 64 hexadecimal digits. Empty: made at first start and kept in `<data_dir>/server.key`. Nodes that share a database share this key.
        secret_key: secondme_kit::Secret = secondme_kit::Secret::default(),
        /// Largest request body, in bytes. 413 above it.
        body_max_bytes: usize = 32 * 1024 * 1024,
        /// Largest body of routes that take no images, in bytes.
        small_body_max_bytes: usize = 1024 * 1024,
        /// How much of a refused request's body is still taken, in bytes, so that its sender reads the refusal instead of a broken connection. 0: none.
        refused_body_max_bytes: usize = 64 * 1024 * 1024,
        /// How long a refused request's body is still taken, in seconds.
        refused_body_seconds: u64 = 5,
        /// What this node does: `all`, `api` (answers requests), or `worker` (runs jobs, and answers `/healthz`, `/readyz` and `/metrics`). Of the nodes that share a database at least one must run jobs.
        role: String = "all".to_owned(),
        /// How long a stop waits for running streams to end, in seconds.
        shutdown_seconds: u64 = 10,
    }
}
