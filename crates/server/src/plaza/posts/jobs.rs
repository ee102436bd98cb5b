//! The job that looks at the page a post links to, through the protected door (`http/outbound`), and keeps its preview.

use std::time::Duration;

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use serde::Deserialize;
use url::Url;

use super::{LinkMeta, preview, store};
use crate::app::App;
use crate::error::Result;
use crate::http::outbound::{Answer, Ask, OutboundError, Reach};
use crate::plaza::words;
use crate::users::uploads;

/// The kind of job.
pub const KIND: &str = "plaza.preview";

/// The job's handler.
pub struct Preview(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    post_id: String,
}

#[async_trait]
impl Handler for Preview {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn policy(&self) -> Policy {
        Policy { max_attempts: 4, timeout_ms: 60_000, ..Policy::default() }
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        look(&self.0, &payload.post_id).await
    }
}

/// Fetches the preview of a post's link; a post that is gone, or has one, needs none.
async fn look(app: &App, id: &str) -> std::result::Result<Done, JobError> {
    let mut tx = app.store().read().await?;
    let Some((seq, author, content, link)) = store::linked(&mut tx, id).await? else { return Ok(Done::Finished) };
    drop(tx);
    let Ok(url) = Url::parse(&link) else { return Ok(Done::Finished) };
    let answer = match fetch(app, url).await {
        Ok(answer) => answer,
        Err(OutboundError::Url | OutboundError::Private) => return Ok(Done::Finished),
        Err(error) => return Err(JobError::Retry(error.to_string())),
    };
    if answer.status.is_server_error() || answer.status.as_u16() == 429 {
        return Err(JobError::Retry(format!("the page answered {}", answer.status)));
    }
    if !answer.status.is_success() {
        return Ok(Done::Finished);
    }
    let Some(mut meta) = preview::read(&answer, app.config()) else { return Ok(Done::Finished) };
    meta.url = link;
    meta.thumbnail = thumbnail(app, author, &meta.thumbnail).await.unwrap_or_default();
    keep(app, seq, &content, &meta).await.map_err(|e| JobError::Retry(e.to_string()))?;
    Ok(Done::Finished)
}

async fn fetch(app: &App, url: Url) -> std::result::Result<Answer, OutboundError> {
    let plaza = &app.config().plaza;
    let ask = Ask {
        reach: Reach::allowing_private(plaza.previews_may_be_private),
        timeout: Duration::from_secs(plaza.preview_seconds),
        max_bytes: plaza.preview_max_bytes,
        redirects: 5,
        ..Ask::get(url)
    };
    app.outbound().send(ask).await
}

/// The page's picture, copied here: readers do not show themselves to the page, and what is shown is a picture.
async fn thumbnail(app: &App, author: i64, address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let answer = fetch(app, url).await.ok()?;
    if !answer.status.is_success() || answer.cut {
        return None;
    }
    uploads::store_image(app, author, answer.body.to_vec()).await.ok().map(|stored| stored.url)
}

async fn keep(app: &App, seq: i64, content: &str, meta: &LinkMeta) -> Result<()> {
    let text = format!("{content}\n{}\n{}", meta.title, meta.description);
    let keys = words::keys(&text).join(" ");
    let mut tx = app.store().write().await?;
    if store::set_link_meta(&mut tx, seq, &serde_json::to_string(meta).unwrap_or_default()).await? > 0 {
        store::delete_words(&mut tx, seq).await?;
        store::insert_words(&mut tx, seq, &keys).await?;
    }
    tx.commit().await?;
    Ok(())
}
