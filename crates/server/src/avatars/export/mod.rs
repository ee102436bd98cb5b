//! The conversations of the last days as a file: a job makes it, a signed link that expires gives it out (contract 17.12).

mod csv;
pub mod http;
pub mod jobs;
mod store;

use secondme_jobs::NewJob;
use secondme_kit::{Millis, secret};
use secondme_store::Tx;
use serde_json::json;

use super::center;
use super::interactions::{self, Said};
use super::zone::Zone;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};

const DAY_MS: Millis = 86_400_000;
const PAGE: i64 = 1_000;
/// What a download's signature is for.
const PURPOSE: &str = "avatar export";

/// An export as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contract 17.12")]
pub struct Export {
    pub job_id: String,
    pub user_id: i64,
    pub avatar_id: i64,
    /// `PENDING`, `RUNNING`, `SUCCEEDED` or `FAILED`.
    pub status: String,
    pub language: String,
    pub time_zone: String,
    pub file_name: String,
    pub message_count: i64,
    pub truncated: bool,
    pub created_at: Millis,
    /// Until when the file is there.
    pub keep_until: Millis,
}

/// A link to a finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub url: String,
    /// Until when.
    pub expires_at: Millis,
}

/// Begins an export; its id.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs; `invalid.param` for an unknown time zone.
pub async fn begin(app: &App, user_id: i64, avatar_id: i64, language: Lang, time_zone: Option<&str>) -> Result<String> {
    let zone = Zone::read(app, time_zone)?;
    let (job_id, now) = (app.entropy().hex(32), app.now());
    let mut tx = app.store().write().await?;
    center::get_in(&mut tx, user_id, avatar_id, Code::AvatarUnknown).await?;
    let export = Export {
        job_id: job_id.clone(),
        user_id,
        avatar_id,
        status: "PENDING".to_owned(),
        language: language.pick("en", "zh").to_owned(),
        time_zone: zone.name,
        file_name: String::new(),
        message_count: 0,
        truncated: false,
        created_at: now,
        keep_until: now + app.config().avatars.export_keep_seconds * 1_000,
    };
    store::insert(&mut tx, &export).await?;
    let payload = json!({"userId": user_id, "jobId": job_id});
    secondme_jobs::enqueue(&mut tx, NewJob { kind: jobs::KIND, payload, run_at: now, dedupe: None }, now).await?;
    tx.commit().await?;
    Ok(job_id)
}

/// How far an export is; a fresh link when it is ready.
///
/// # Errors
/// `avatar.fetch.failed` (404) when it is not theirs, or its file was deleted.
pub async fn get(app: &App, user_id: i64, job_id: &str) -> Result<(Export, Option<Link>)> {
    let export = store::get(app.store(), user_id, job_id).await?.ok_or_else(|| ApiError::new(Code::ExportUnknown))?;
    if export.keep_until <= app.now() {
        return Err(ApiError::new(Code::ExportUnknown));
    }
    let link = (export.status == "SUCCEEDED").then(|| link(app, &export));
    Ok((export, link))
}

fn link(app: &App, export: &Export) -> Link {
    let expires_at = (app.now() + app.config().avatars.export_link_seconds * 1_000).min(export.keep_until);
    let job_id = &export.job_id;
    let signature = app.key().sign(PURPOSE, &format!("{job_id}.{expires_at}"));
    let base = app.base_url();
    let url = format!(
        "{base}/api/secondme/avatar/conversations/export/{job_id}/download?expires={expires_at}&signature={signature}"
    );
    Link { url, expires_at }
}

/// The file behind a link, and its name.
///
/// # Errors
/// `avatar.export.link_invalid` (403) for a wrong signature, `avatar.export.link_expired` (410) after its time.
pub async fn download(app: &App, job_id: &str, expires: Millis, signature: &str) -> Result<(String, Vec<u8>)> {
    let right = app.key().sign(PURPOSE, &format!("{job_id}.{expires}"));
    if !secret::same(right.as_bytes(), signature.as_bytes()) {
        return Err(ApiError::new(Code::LinkInvalid));
    }
    let expired = || ApiError::new(Code::LinkExpired);
    if expires <= app.now() {
        return Err(expired());
    }
    store::file(app.store(), job_id).await?.ok_or_else(expired)
}

/// Makes the file of an export; nothing when it was made already or its avatar is gone.
pub(super) async fn make(app: &App, user_id: i64, job_id: &str) -> Result<()> {
    let Some(export) = store::get(app.store(), user_id, job_id).await? else { return Ok(()) };
    if export.status == "SUCCEEDED" {
        return Ok(());
    }
    let mut tx = app.store().write().await?;
    store::set_status(&mut tx, user_id, job_id, "RUNNING").await?;
    tx.commit().await?;
    let lang = if export.language == "zh" { Lang::Zh } else { Lang::En };
    let zone = Zone::read(app, Some(&export.time_zone))?;
    let (messages, truncated) = collect(app, &export).await?;
    let mut file = csv::Csv::new(lang);
    for said in messages.iter().rev() {
        file.message(said, &zone);
    }
    let count = i64::try_from(messages.len()).unwrap_or(i64::MAX);
    let avatar = center::get(app, user_id, export.avatar_id).await?;
    let name = file_name(&avatar.title, lang, &zone.day(export.created_at));
    let mut tx = app.store().write().await?;
    store::finish(&mut tx, &export, &name, (count, truncated), file.into_bytes()).await?;
    tx.commit().await?;
    Ok(())
}

/// The messages of the window, the newest first, and whether there were more than there is room for.
async fn collect(app: &App, export: &Export) -> Result<(Vec<Said>, bool)> {
    let limits = &app.config().avatars;
    let most = usize::try_from(limits.export_max_messages).unwrap_or(usize::MAX);
    let since = export.created_at - limits.export_days * DAY_MS;
    let mut before = (export.created_at + 1, 0);
    let (mut messages, mut bytes) = (Vec::new(), 0);
    loop {
        let page =
            interactions::export_page(app.store(), export.user_id, export.avatar_id, before, since, PAGE).await?;
        let Some(last) = page.last() else { return Ok((messages, false)) };
        before = (last.created_at, last.id);
        for said in page {
            bytes += said.content.len();
            if messages.len() == most || bytes > limits.export_max_bytes {
                return Ok((messages, true));
            }
            messages.push(said);
        }
    }
}

/// `<title>_聊天记录_<yyyymmdd>.csv`, without what file systems refuse.
fn file_name(title: &str, lang: Lang, day: &str) -> String {
    let safe = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let title: String = title.chars().map(safe).take(60).collect();
    format!("{}_{}_{day}.csv", title.trim(), lang.pick("conversations", "聊天记录"))
}

/// Marks an export that cannot be made.
pub(super) async fn give_up(app: &App, user_id: i64, job_id: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    store::set_status(&mut tx, user_id, job_id, "FAILED").await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes at most `limit` exports whose time is over, with their files.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, now, limit).await?)
}
