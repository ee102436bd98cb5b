//! Uploaded files (contract 7.5): pictures, and recordings for a voice, behind public addresses that nobody can guess.
//!
//! Invariants: what a file is, its bytes decide and not its name; a picture is stored as it was encoded here, so that nothing
//! but the picture is left of it; the same bytes are stored once. A file's name is the keyed hash of its bytes: who has the
//! file but not the server's key cannot tell whether it was uploaded.

mod audio;
pub mod http;
mod image;
pub mod jobs;
mod objects;
pub mod public;
mod store;

use std::sync::atomic::{AtomicU64, Ordering};

use object_store::{GetRange, GetResult};
use secondme_kit::Millis;

pub use objects::{Objects, probe};

use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// What may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A picture; encoded anew.
    Image,
    /// A recording; kept as it is.
    Audio,
}

/// A file that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The name below `/cdn/`: the hash of the bytes and an extension.
    pub name: String,
    /// The address that anybody can fetch it from.
    pub url: String,
    /// Picture or recording.
    pub kind: Kind,
}

/// Why a file was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Empty,
    Unknown,
    Broken,
    TooLarge,
}

impl From<Flaw> for ApiError {
    fn from(flaw: Flaw) -> Self {
        let problem = match flaw {
            Flaw::Empty => Problem::Expected("a file that is not empty", "非空文件"),
            Flaw::Unknown => Problem::Expected(
                "a PNG, JPEG, WebP or GIF picture, or a WAV, MP3, Ogg, FLAC, M4A or WebM recording",
                " PNG、JPEG、WebP、GIF 图片或 WAV、MP3、Ogg、FLAC、M4A、WebM 录音",
            ),
            Flaw::Broken => Problem::Expected("a complete, undamaged file", "完整且未损坏的文件"),
            Flaw::TooLarge => Problem::Expected("a picture of fewer pixels", "像素更少的图片"),
        };
        Self::new(Code::UploadRefused).about("file", &problem)
    }
}

/// A file as it will be stored.
#[derive(Clone, Debug)]
struct Clean {
    bytes: Vec<u8>,
    extension: &'static str,
    kind: Kind,
}

/// The extensions that files are stored under, and their media types. Nothing that a browser runs is among them.
const TYPES: [(&str, &str); 8] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("m4a", "audio/mp4"),
    ("webm", "audio/webm"),
];

/// Stores a file of a user.
///
/// # Errors
/// `cos.upload.failed`: 400 for what is no picture or recording, 413 when the user's space is used up, 500 when the storage fails.
pub async fn store(app: &App, user_id: i64, bytes: Vec<u8>) -> Result<Stored> {
    let clean = examined(app, bytes).await?;
    put(app, user_id, clean).await
}

/// Stores a picture of a user; a recording is refused.
///
/// # Errors
/// As [`store`].
pub async fn store_image(app: &App, user_id: i64, bytes: Vec<u8>) -> Result<Stored> {
    let clean = examined(app, bytes).await?;
    if clean.kind == Kind::Image { put(app, user_id, clean).await } else { Err(Flaw::Unknown.into()) }
}

/// Stores a text that was spoken for a user: an MP3 file that this server made.
///
/// # Errors
/// As [`store`].
pub async fn store_spoken(app: &App, user_id: i64, mp3: Vec<u8>) -> Result<Stored> {
    put(app, user_id, Clean { bytes: mp3, extension: "mp3", kind: Kind::Audio }).await
}

/// Refuses before work is done for a file that there is no space for.
///
/// # Errors
/// `cos.upload.failed`, 413.
pub async fn check_space(app: &App, user_id: i64) -> Result<()> {
    let used = store::used_bytes(app.store(), user_id, "").await?;
    if used < app.config().uploads.user_max_bytes { Ok(()) } else { Err(ApiError::new(Code::UploadQuota)) }
}

/// The public address of a stored file.
pub fn url(app: &App, name: &str) -> String {
    format!("{}/cdn/{name}", app.public_url())
}

/// Decodes and encodes off the async threads, a bounded number at a time.
async fn examined(app: &App, bytes: Vec<u8>) -> Result<Clean> {
    let limits = app.config().uploads.clone();
    let slot = app.uploads().slot().await.map_err(ApiError::internal)?;
    let clean = tokio::task::spawn_blocking(move || {
        let clean = examine(bytes, &limits);
        drop(slot);
        clean
    });
    match clean.await {
        Ok(clean) => Ok(clean?),
        // Readers of media panic at what their authors did not foresee: that is the file's fault.
        Err(error) if error.is_panic() => Err(ApiError::from(Flaw::Broken).caused_by(error)),
        Err(error) => Err(ApiError::internal(error)),
    }
}

fn examine(bytes: Vec<u8>, limits: &crate::config::Uploads) -> std::result::Result<Clean, Flaw> {
    if bytes.is_empty() {
        return Err(Flaw::Empty);
    }
    if let Some(format) = image::sniff(&bytes) {
        return image::clean(&bytes, format, limits);
    }
    let extension = audio::sniff(&bytes).ok_or(Flaw::Unknown)?;
    audio::check(&bytes, extension)?;
    Ok(Clean { bytes, extension, kind: Kind::Audio })
}

/// The object first, then the row: a row always has its object. Each time bytes are written they get a place of their own, so
/// that a sweep which removes an old object never takes a new one with it.
async fn put(app: &App, user_id: i64, clean: Clean) -> Result<Stored> {
    let bytes = i64::try_from(clean.bytes.len()).unwrap_or(i64::MAX);
    let hash = hex::encode(secondme_kit::secret::sha256(&clean.bytes));
    let name = format!("{}.{}", app.key().sign("upload", &hash), clean.extension);
    let used = store::used_bytes(app.store(), user_id, &name).await?;
    if used.saturating_add(bytes) > app.config().uploads.user_max_bytes {
        return Err(ApiError::new(Code::UploadQuota));
    }
    let stored = Stored { url: url(app, &name), name, kind: clean.kind };
    if take_known(app, user_id, &stored.name).await? {
        return Ok(stored);
    }
    let place = app.entropy().hex(32);
    app.uploads().put(app, &place, clean.bytes).await.map_err(failed)?;
    let mut tx = app.store().write().await?;
    let ours = store::insert_object(&mut tx, &stored.name, &place, bytes, app.now()).await? > 0;
    store::insert_owner(&mut tx, user_id, &stored.name, app.now()).await?;
    tx.commit().await?;
    if !ours {
        // Somebody stored the same bytes at the same moment.
        app.uploads().delete(app, &place).await.map_err(failed)?;
    }
    Ok(stored)
}

/// Makes the user an owner of a file that is stored already; whether it is.
async fn take_known(app: &App, user_id: i64, name: &str) -> Result<bool> {
    let mut tx = app.store().write().await?;
    if store::touch(&mut tx, name, app.now()).await? == 0 {
        return Ok(false);
    }
    store::insert_owner(&mut tx, user_id, name, app.now()).await?;
    tx.commit().await?;
    Ok(true)
}

fn failed(error: objects::Failure) -> ApiError {
    FAILURES.fetch_add(1, Ordering::Relaxed);
    ApiError::new(Code::UploadFailed).caused_by(error)
}

static FAILURES: AtomicU64 = AtomicU64::new(0);

/// How often the place of files failed in this process.
pub fn failures() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}

/// Deletes files that no user has any more and that are old enough; how many.
///
/// # Errors
/// Failures of storage or database.
pub async fn sweep(app: &App) -> Result<usize> {
    let before: Millis = app.now() - app.config().uploads.keep_orphans_seconds * 1_000;
    let mut swept = 0;
    for name in store::orphans(app.store(), before, 1_000).await? {
        let mut tx = app.store().write().await?;
        let place = store::delete_orphan(&mut tx, &name).await?;
        tx.commit().await?;
        if let Some(place) = place {
            app.uploads().delete(app, &place).await.map_err(failed)?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// What uploaded files take.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Files.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Who has most: id, name and bytes.
    pub largest: Vec<(i64, String, i64)>,
}

/// What uploaded files take, and the `limit` users who have most.
///
/// # Errors
/// Storage failures only.
pub async fn usage(app: &App, limit: i64) -> Result<Usage> {
    let (files, bytes) = store::totals(app.store()).await?;
    Ok(Usage { files, bytes, largest: store::largest(app.store(), limit).await? })
}

/// A stored file, whole.
///
/// # Errors
/// `cos.upload.failed` when it is gone, or the storage fails.
pub async fn file(app: &App, name: &str) -> Result<GetResult> {
    open(app, name, None).await?.ok_or_else(|| ApiError::new(Code::UploadFailed))
}

/// The object behind a public name, or a part of it, when there is one.
async fn open(app: &App, name: &str, range: Option<GetRange>) -> Result<Option<GetResult>> {
    let Some(place) = store::place(app.store(), name).await? else { return Ok(None) };
    app.uploads().get(app, &place, range).await.map_err(failed)
}

/// The media type of a stored name; none when no file can have it.
fn media_type(name: &str) -> Option<&'static str> {
    let (hash, extension) = name.split_once('.')?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    TYPES.iter().find(|(known, _)| is_hash && *known == extension).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
