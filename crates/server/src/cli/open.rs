//! Opening what a command needs: key, database, models.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secondme_bus::{Bus, LocalBus, NatsBus};
use secondme_kit::{Entropy, SecretKey, SystemClock};
use secondme_llm::Scripted;
use secondme_store::{Location, Store, StoreError, Synchronous};

use crate::app::{App, Parts};
use crate::chat::models::Models;
use crate::config::Config;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often a migration gives way to those who write meanwhile.
const MIGRATION_TRIES: u32 = 60;

/// The database of a server, brought to this version.
pub(super) async fn store(config: &Config) -> Result<Store> {
    beside_newer(Store::open(&location(config)?).await?).await
}

/// The database for a short command, while a server may be running on it.
pub(super) async fn store_beside(config: &Config) -> Result<Store> {
    beside_newer(Store::open_beside(&location(config)?).await?).await
}

/// While nodes are replaced one by one, those that wait for their turn work on what the first new one has extended already.
async fn beside_newer(store: Store) -> Result<Store> {
    let mut tries = 0;
    let unknown = loop {
        match store.migrate_beside_newer(&[&secondme_jobs::MIGRATIONS, &crate::migrations::MIGRATIONS]).await {
            // Older nodes write meanwhile: of two that wait for each other's tables, PostgreSQL sends one away.
            Err(StoreError::Busy(why)) if tries < MIGRATION_TRIES => {
                tries += 1;
                tracing::warn!(why, tries, "the migration makes room for those who write, and tries again");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            outcome => break outcome?,
        }
    };
    if let Some(last) = unknown.last() {
        tracing::warn!(last, count = unknown.len(), "the database was extended by a newer version; finish the upgrade");
    }
    Ok(store)
}

/// The database with exactly the tables and columns of this version, for those that copy all of it.
pub(super) async fn migrated(store: Store) -> Result<Store> {
    store.migrate(&[&secondme_jobs::MIGRATIONS, &crate::migrations::MIGRATIONS]).await?;
    Ok(store)
}

pub(super) fn location(config: &Config) -> Result<Location> {
    let database = &config.database;
    if !database.url.is_empty() {
        return Ok(Location::Postgres { url: database.url.clone(), pool: database.pool });
    }
    let dir = config.data_dir();
    std::fs::create_dir_all(&dir).map_err(|e| format!("cannot make the data folder {}: {e}", dir.display()))?;
    Ok(Location::Sqlite {
        path: dir.join("secondme.db"),
        readers: database.readers,
        synchronous: if database.synchronous == "normal" { Synchronous::Normal } else { Synchronous::Full },
    })
}

/// The server's key: from the configuration, else from `server.key` in the data folder, made at first start.
pub(super) fn key(config: &Config) -> Result<SecretKey> {
    let configured = config.server.secret_key.expose();
    if !configured.is_empty() {
        return parse_key(configured, "server.secret_key");
    }
    if !config.database.url.is_empty() {
        return Err(
            "set server.secret_key (64 hexadecimal digits, the same on every node) when the database is PostgreSQL; \
                    `openssl rand -hex 32` makes one"
                .into(),
        );
    }
    let path = config.data_dir().join("server.key");
    match std::fs::read_to_string(&path) {
        Ok(text) => parse_key(text.trim(), &path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = Entropy::system().hex(64);
            write_private(&path, &text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
            parse_key(&text, "new key")
        }
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    }
}

/// The server's key in hexadecimal, if there is one already.
pub(super) fn key_text(config: &Config) -> Result<Option<String>> {
    let configured = config.server.secret_key.expose();
    if !configured.is_empty() {
        return Ok(Some(configured.to_owned()));
    }
    let path = config.data_dir().join("server.key");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    }
}

fn parse_key(text: &str, origin: &str) -> Result<SecretKey> {
    let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    Ok(SecretKey::new(bytes.ok_or_else(|| format!("{origin} is not a key: 64 hexadecimal digits are needed"))?))
}

/// Writes a file that only its owner may read, and waits until it is on disk.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The bus of a server.
pub(super) async fn bus(config: &Config) -> Result<Arc<dyn Bus>> {
    let url = &config.bus.url;
    if url.is_empty() {
        return Ok(Arc::new(LocalBus::default()));
    }
    Ok(Arc::new(NatsBus::connect(url).await.map_err(|e| format!("{e}; check bus.url, and that NATS is running"))?))
}

/// An [`App`] for commands that talk to the database only.
pub(super) async fn app(config: Config) -> Result<App> {
    let echo: Arc<dyn secondme_llm::ChatModel> = Arc::new(Scripted::echo().forgetful());
    app_with(config, Models::new(echo.clone(), echo)).await
}

/// An [`App`] for commands that also ask a model.
pub(super) async fn app_with(config: Config, models: Models) -> Result<App> {
    let port = config.listen()?.port();
    Ok(App::new(Parts {
        public_url: config.public_url(port),
        store: store_beside(&config).await?,
        clock: Arc::new(SystemClock),
        entropy: Entropy::system(),
        key: key(&config)?,
        models,
        bus: Arc::new(LocalBus::default()),
        config,
    }))
}

/// The folder of fetched models: shared by all runs of this user.
#[expect(clippy::disallowed_methods, reason = "the cache folder is the user's, not the server's, configuration")]
pub(super) fn model_cache() -> PathBuf {
    let home = || std::env::var("HOME").map_or_else(|_| PathBuf::from("."), PathBuf::from).join(".cache");
    let cache = std::env::var("XDG_CACHE_HOME").ok().filter(|dir| !dir.is_empty()).map_or_else(home, PathBuf::from);
    cache.join("secondme").join("models")
}
