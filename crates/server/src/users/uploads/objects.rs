//! The place where files lie: a folder, an S3-compatible service, or memory; opened when it is first needed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::config::{Config, Uploads};

/// Why an object could not be stored or read.
pub(super) type Failure = object_store::Error;

/// The objects of this server, and the slots for decoding pictures.
pub struct Objects {
    opened: OnceLock<Arc<dyn ObjectStore>>,
    decoding: Arc<Semaphore>,
}

impl Objects {
    /// Not opened yet.
    pub fn new(config: &Config) -> Self {
        let decoding = Arc::new(Semaphore::new(config.uploads.decoding_concurrency.max(1)));
        Self { opened: OnceLock::new(), decoding }
    }

    /// A place among those who decode.
    pub(super) async fn slot(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.decoding).acquire_owned().await
    }

    pub(super) async fn put(&self, app: &App, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        self.open(app.config())?.put(&path(name), PutPayload::from(bytes)).await.map(|_| ())
    }

    /// The object, when it is there; a part of it, when it has that part.
    pub(super) async fn get(
        &self,
        app: &App,
        name: &str,
        range: Option<GetRange>,
    ) -> Result<Option<GetResult>, Failure> {
        let (store, path) = (self.open(app.config())?, path(name));
        if range.is_some()
            && let Ok(found) = store.get_opts(&path, GetOptions { range, ..GetOptions::default() }).await
        {
            return Ok(Some(found));
        }
        match store.get(&path).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn delete(&self, app: &App, name: &str) -> Result<(), Failure> {
        match self.open(app.config())?.delete(&path(name)).await {
            Err(Failure::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn open(&self, config: &Config) -> Result<&Arc<dyn ObjectStore>, Failure> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = open(config)?;
        Ok(self.opened.get_or_init(|| opened))
    }
}

fn open(config: &Config) -> Result<Arc<dyn ObjectStore>, Failure> {
    match config.uploads.store.as_str() {
        "memory" => Ok(Arc::new(InMemory::new())),
        "s3" => Ok(Arc::new(s3(&config.uploads)?)),
        _ => {
            let folder = config.data_dir().join("uploads");
            std::fs::create_dir_all(&folder).map_err(|e| Failure::Generic { store: "folder", source: Box::new(e) })?;
            Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?))
        }
    }
}

fn s3(uploads: &Uploads) -> Result<AmazonS3, Failure> {
    let endpoint = &uploads.s3_endpoint;
    let timeout = Duration::from_secs(uploads.s3_timeout_seconds.max(1));
    let client = ClientOptions::new().with_timeout(timeout).with_allow_http(endpoint.starts_with("http://"));
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&uploads.s3_bucket)
        .with_region(&uploads.s3_region)
        .with_access_key_id(&uploads.s3_access_key)
        .with_secret_access_key(uploads.s3_secret_key.expose())
        .with_client_options(client)
        .with_retry(RetryConfig { max_retries: uploads.s3_retries, ..RetryConfig::default() });
    if endpoint.is_empty() { builder.build() } else { builder.with_endpoint(endpoint).build() }
}

/// Whether the configured place answers; nothing is written.
///
/// # Errors
/// In the words of the service.
pub async fn probe(config: &Config) -> Result<(), String> {
    let place = open(config).map_err(|e| e.to_string())?;
    match place.list(Some(&Path::from("probe"))).next().await {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(error.to_string()),
    }
}

/// Two letters of the hash as a folder, so that none holds millions of files.
fn path(name: &str) -> Path {
    Path::from(format!("{}/{name}", name.get(..2).unwrap_or_default()))
}
