//! The job that fetches the pages of a LINK note and keeps their readable text.

use std::time::Duration;

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use serde::Deserialize;
use url::Url;

use super::{Link, page, remember, store};
use crate::app::App;
use crate::error::Result;
use crate::http::outbound::{Ask, OutboundError, Reach};

/// The job's kind.
pub const KIND: &str = "memory.fetch_links";
/// Attempts after which a page that does not answer has failed.
const ATTEMPTS: u32 = 3;

/// The job's handler.
pub struct FetchLinks(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    note_id: i64,
}

#[async_trait]
impl Handler for FetchLinks {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn policy(&self) -> Policy {
        Policy { max_attempts: ATTEMPTS + 2, base_ms: 5_000, max_ms: 60_000, ..Policy::default() }
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        let last = job.attempt >= ATTEMPTS;
        let left = fetch(&self.0, payload.user_id, payload.note_id, last).await;
        match left.map_err(|e| JobError::Retry(e.to_string()))? {
            0 => Ok(Done::Finished),
            left => Err(JobError::Retry(format!("{left} pages did not answer"))),
        }
    }
}

/// Fetches what is pending of a note; returns how many pages are worth another attempt. On the `last` one they have failed.
///
/// # Errors
/// Storage failures only.
pub async fn fetch(app: &App, user_id: i64, note_id: i64, last: bool) -> Result<usize> {
    let mut tx = app.store().read().await?;
    let links = store::links(&mut tx, user_id, note_id).await?;
    drop(tx);
    let mut left = 0;
    for (position, link) in (0..).zip(links) {
        if link.state != "PENDING" {
            continue;
        }
        let mut got = get(app, link).await;
        if got.state == "PENDING" && last {
            got.state = "FAILED".to_owned();
        }
        left += usize::from(got.state == "PENDING");
        let mut tx = app.store().write().await?;
        store::set_link(&mut tx, user_id, note_id, position, &got, app.now()).await?;
        tx.commit().await?;
    }
    finish(app, user_id, note_id).await?;
    Ok(left)
}

/// Asks for one page. `PENDING` afterwards means that another attempt may do better.
async fn get(app: &App, link: Link) -> Link {
    let limits = &app.config().memory;
    let failed = |state: &str, failure: String| Link { state: state.to_owned(), failure, ..link.clone() };
    let Ok(url) = Url::parse(&link.url) else { return failed("FAILED", "this is not a URL".to_owned()) };
    let ask = Ask {
        reach: Reach::allowing_private(limits.links_may_be_private),
        timeout: Duration::from_secs(limits.page_seconds),
        max_bytes: limits.page_max_bytes,
        redirects: 5,
        ..Ask::get(url)
    };
    let answer = match app.outbound().send(ask).await {
        Ok(answer) => answer,
        Err(error) => {
            let again = !matches!(error, OutboundError::Url | OutboundError::Private);
            return failed(if again { "PENDING" } else { "FAILED" }, error.to_string());
        }
    };
    let status = answer.status;
    if !status.is_success() {
        let again = status.is_server_error() || status.as_u16() == 429;
        return failed(if again { "PENDING" } else { "FAILED" }, format!("the server answered {status}"));
    }
    if answer.cut {
        return failed("FAILED", format!("the page is larger than {} bytes", limits.page_max_bytes));
    }
    let limit = Duration::from_secs(limits.page_parse_seconds);
    match page::read(&answer.headers, &answer.body, answer.url.as_str(), limits.page_max_depth, limit).await {
        Ok(read) => Link {
            state: "READY".to_owned(),
            title: read.title.chars().take(limits.title_max_chars).collect(),
            content: read.text.chars().take(limits.note_max_chars).collect(),
            failure: String::new(),
            ..link
        },
        Err(why) => failed("FAILED", why),
    }
}

/// Puts what the pages say into the note, and its state.
async fn finish(app: &App, user_id: i64, note_id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    let Some(note) = store::note(&mut tx, user_id, note_id).await? else { return Ok(()) };
    let links = store::links(&mut tx, user_id, note_id).await?;
    let state = |word: &str| links.iter().filter(|link| link.state == word).count();
    let state = match (state("PENDING"), state("READY")) {
        (pending, _) if pending > 0 => "PENDING",
        (_, 0) => "FAILED",
        (_, ready) if ready == links.len() => "READY",
        _ => "PARTIAL",
    };
    let read: Vec<&Link> = links.iter().filter(|link| link.state == "READY").collect();
    let content = read.iter().map(|link| link.content.as_str()).collect::<Vec<_>>().join("\n\n");
    let title = match read.first() {
        Some(first) if note.title.is_empty() => &first.title,
        _ => &note.title,
    };
    // Words that the owner has put there meanwhile stay.
    let ours = note.content.is_empty() || note.state == "PENDING";
    let max = app.config().memory.note_max_chars;
    let content: String = if ours { content.chars().take(max).collect() } else { note.content.clone() };
    store::update(&mut tx, user_id, note_id, title, &content, app.now()).await?;
    store::set_state(&mut tx, user_id, note_id, state).await?;
    remember(&mut tx, user_id, note_id).await?;
    tx.commit().await?;
    Ok(())
}
