//! The model hub: one file over HTTPS, taken up where it broke off.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, RANGE};

use super::{Entry, Progress};

/// The hub that is asked unless a mirror is configured.
pub(super) const ADDRESS: &str = "https://huggingface.co";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time without a byte.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Downloads the entry's file into the work folder; what an earlier try left there is continued.
pub(super) fn download(address: &str, entry: &Entry, work: &Path, progress: &dyn Progress) -> Result<PathBuf, String> {
    crate::install_tls();
    let url = format!("{}/{}/resolve/main/{}", address.trim_end_matches('/'), entry.hub_repository, entry.file);
    let path = work.join("download");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(continue_file(&url, entry, &path, progress))?;
    Ok(path)
}

async fn continue_file(url: &str, entry: &Entry, path: &Path, progress: &dyn Progress) -> Result<(), String> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build()
        .map_err(|e| e.to_string())?;
    let have = std::fs::metadata(path).map_or(0, |meta| meta.len());
    if have == entry.size {
        return Ok(());
    }
    let mut request = client.get(url);
    if have > 0 && have < entry.size {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request.send().await.map_err(|e| explain(&e))?;
    let (mut file, done) = match response.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&response, have) => {
            (OpenOptions::new().append(true).open(path).map_err(|e| e.to_string())?, have)
        }
        StatusCode::OK => (File::create(path).map_err(|e| e.to_string())?, 0),
        status => {
            let _ = std::fs::remove_file(path);
            return Err(format!("the hub answered {status}"));
        }
    };
    save(response, &mut file, done, entry, progress).await
}

/// Whether the answer goes on where the file ends.
fn starts_at(response: &reqwest::Response, have: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|v| v.to_str().ok()).unwrap_or("");
    have > 0 && range.starts_with(&format!("bytes {have}-"))
}

async fn save(
    mut response: reqwest::Response,
    file: &mut File,
    mut done: u64,
    entry: &Entry,
    progress: &dyn Progress,
) -> Result<(), String> {
    progress.bytes(done, entry.size);
    while let Some(chunk) = response.chunk().await.map_err(|e| explain(&e))? {
        done += chunk.len() as u64;
        if done > entry.size {
            return Err("the hub's file is bigger than it should be".into());
        }
        file.write_all(&chunk).map_err(|e| e.to_string())?;
        progress.bytes(done, entry.size);
    }
    file.flush().map_err(|e| e.to_string())?;
    if done < entry.size { Err(format!("the download ended at {done} of {} bytes", entry.size)) } else { Ok(()) }
}

/// The error and its innermost cause, which is the one that says something.
fn explain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if error.is_timeout() { format!("no answer in time ({text})") } else { text }
}
