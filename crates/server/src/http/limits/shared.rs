//! Nodes tell each other what clients took, so that who asks several nodes has one limit. What gets lost is not counted elsewhere.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::bucket::Taken;
use crate::app::App;

const SUBJECT: &str = "limits.taken";
/// How long others may not know what was taken here.
const EVERY: Duration = Duration::from_millis(500);
/// Subjects in one message: some 200 kB.
const MOST: usize = 8_000;

/// What a node says.
#[derive(Debug, Serialize, Deserialize)]
struct News {
    /// Who says it: nobody listens to themselves.
    node: String,
    /// Which limit, by its place.
    limit: usize,
    taken: Vec<Taken>,
}

/// Tells and listens until the server stops.
pub async fn run(app: App) {
    let node = app.entropy().hex(16);
    let mut heard = app.bus().subscribe(SUBJECT).await;
    tell(&app, &node).await;
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = app.stopping().cancelled() => return,
            _ = ticks.tick() => tell(&app, &node).await,
            Some(message) = heard.next() => hear(&app, &node, &message.payload),
        }
    }
}

async fn tell(app: &App, node: &str) {
    for (limit, (rate, buckets)) in app.limits().all().into_iter().enumerate() {
        if rate.is_none() {
            continue;
        }
        for taken in buckets.untold().chunks(MOST) {
            let news = News { node: node.to_owned(), limit, taken: taken.to_vec() };
            if let Ok(text) = serde_json::to_vec(&news) {
                app.bus().publish(SUBJECT, Bytes::from(text)).await;
            }
        }
    }
}

/// What another version says in other words is not heard.
fn hear(app: &App, node: &str, payload: &[u8]) {
    let Ok(news) = serde_json::from_slice::<News>(payload) else { return };
    let Some((Some(rate), buckets)) = app.limits().all().get(news.limit).copied().filter(|_| news.node != node) else {
        return;
    };
    for taken in news.taken {
        buckets.taken_elsewhere(taken, *rate, app.now());
    }
}
