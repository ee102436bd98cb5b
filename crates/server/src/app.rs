//! All that a request or a job may use. Time, randomness, spawning and HTTP clients go through here.

use std::future::Future;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use secondme_bus::Bus;
use secondme_jobs::Runner;
use secondme_kit::{Clock, Entropy, Millis, SecretKey};
use secondme_llm::Embedder;
use secondme_store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::log::AccessLog;
use crate::access::revocations::Revocations;
use crate::access::tokens::{self, GrantCache};
use crate::chat::models::Models;
use crate::chat::stops::Stops;
use crate::config::Config;
use crate::http::limits::Limits;
use crate::http::outbound::Outbound;
use crate::integrations::bridge::Calls;
use crate::memory::retrieval::Images;
use crate::oauth::inspector::Inspector;
use crate::plaza::feed::walk::Walks;
use crate::telemetry::Metrics;
use crate::users::uploads::Objects;
use crate::visitor::live::Live;
use crate::voice::Speaker;

/// The server's parts. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    parts: Parts,
    grants: GrantCache,
    revocations: Revocations,
    access_log: AccessLog,
    inspector: Inspector,
    started_at: Millis,
    hashing: Semaphore,
    tasks: TaskTracker,
    stopping: CancellationToken,
    http: OnceLock<reqwest::Client>,
    outbound: Outbound,
    uploads: Objects,
    walks: Walks,
    calls: Calls,
    metrics: Metrics,
    embedder: OnceLock<Arc<dyn Embedder>>,
    images: Images,
    live: Arc<Live>,
    speaker: Speaker,
    limits: Limits,
    stops: Stops,
}

/// What an [`App`] is made of; tests bring their own clock, entropy and models.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The URL that browsers and apps use, without a trailing slash.
    pub public_url: String,
    /// The database.
    pub store: Store,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and tokens come from.
    pub entropy: Entropy,
    /// The key under which secrets are hashed.
    pub key: SecretKey,
    /// `secondme/nano` and `secondme/pro`.
    pub models: Models,
    /// Where live news goes: to this process, or to all nodes.
    pub bus: Arc<dyn Bus>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("public_url", &self.0.parts.public_url).finish_non_exhaustive()
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let config = &parts.config;
        let grants = tokens::cache(Duration::from_millis(config.oauth.token_cache_ms));
        Self(Arc::new(Inner {
            revocations: Revocations::new(grants.clone()),
            access_log: AccessLog::default(),
            inspector: Inspector::default(),
            started_at: parts.clock.now(),
            grants,
            hashing: Semaphore::new(config.accounts.hashing_concurrency.max(1)),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            http: OnceLock::new(),
            outbound: Outbound::default(),
            uploads: Objects::new(config),
            walks: Walks::default(),
            calls: Calls::default(),
            metrics: Metrics::default(),
            embedder: OnceLock::new(),
            images: Images::default(),
            live: Arc::new(Live::new(config.visitor.replies_max)),
            speaker: Speaker::default(),
            limits: Limits::new(&config.limits, &config.server.trusted_proxies),
            stops: Stops::default(),
            parts,
        }))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.parts.config
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// Now, in milliseconds since the Unix epoch.
    pub fn now(&self) -> Millis {
        self.0.parts.clock.now()
    }

    /// The clock itself, for parts that keep time on their own.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.parts.clock)
    }

    /// Randomness.
    pub fn entropy(&self) -> &Entropy {
        &self.0.parts.entropy
    }

    /// The server's key.
    pub fn key(&self) -> &SecretKey {
        &self.0.parts.key
    }

    /// Looked-up tokens.
    pub fn grants(&self) -> &GrantCache {
        &self.0.grants
    }

    /// What is open for users in apps, and ends when its access does.
    pub fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// What apps do for users, counted until it is written.
    pub fn access_log(&self) -> &AccessLog {
        &self.0.access_log
    }

    /// The last requests of apps, for their developers.
    pub fn inspector(&self) -> &Inspector {
        &self.0.inspector
    }

    /// When this process was put together.
    pub fn started_at(&self) -> Millis {
        self.0.started_at
    }

    /// The models that clients can name.
    pub fn models(&self) -> &Models {
        &self.0.parts.models
    }

    /// Fan-out of live news that may be lost; what must not be is in the database.
    pub fn bus(&self) -> &dyn Bus {
        &*self.0.parts.bus
    }

    /// What turns texts into vectors, once it is there.
    pub fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.0.embedder.get()
    }

    /// Puts the embedder in its place; the first one stays.
    pub fn set_embedder(&self, embedder: Arc<dyn Embedder>) {
        let _ = self.0.embedder.set(embedder);
    }

    /// Users' memories in memory.
    pub fn images(&self) -> &Images {
        &self.0.images
    }

    /// Who reads conversations of visitors along, in this process.
    pub fn live(&self) -> &Arc<Live> {
        &self.0.live
    }

    /// Who speaks with the users' voices.
    pub fn speaker(&self) -> &Speaker {
        &self.0.speaker
    }

    /// Answers that are being given in this process, for those who want to stop theirs.
    pub fn stops(&self) -> &Stops {
        &self.0.stops
    }

    /// Slots for hashing passwords.
    pub fn hashing(&self) -> &Semaphore {
        &self.0.hashing
    }

    /// How often somebody may ask.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Counters and histograms.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The URL that browsers and apps use, without a trailing slash.
    pub fn public_url(&self) -> &str {
        &self.0.parts.public_url
    }

    /// The API's base: what clients call `{BASE}`.
    pub fn base_url(&self) -> String {
        format!("{}/gate/lab", self.0.parts.public_url)
    }

    /// Cancelled when the server begins to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// The client for outgoing requests to addresses that the operator configured.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn http(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(client) = self.0.http.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("secondme-server/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .build()?;
        Ok(self.0.http.get_or_init(|| client))
    }

    /// The door to addresses that users and developers chose: webhooks, links.
    pub fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// The place where uploaded files lie.
    pub fn uploads(&self) -> &Objects {
        &self.0.uploads
    }

    /// Where the pages of feeds begin that clients ask for by number.
    pub fn walks(&self) -> &Walks {
        &self.0.walks
    }

    /// Calls to apps under way, by user.
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// Runs `future` to its end even when the request that started it is gone; a stop waits for it.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to spawning")]
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(self.0.tasks.track_future(future));
    }

    /// Runs the durable jobs until the server stops.
    pub fn run_jobs(&self, runner: Runner) {
        let stopping = self.0.stopping.clone();
        self.spawn(async move { runner.run(stopping).await });
    }

    /// Begins to stop: streams end with an error event, and tasks get `config.server.shutdown_seconds` to store what they have.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        let limit = Duration::from_secs(self.config().server.shutdown_seconds);
        if tokio::time::timeout(limit, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.0.tasks.len(), "stopping although tasks still run");
        }
    }
}
