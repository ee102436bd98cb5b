//! The task that hears the bus, and writes down what clients have.

use std::time::Duration;

use futures::StreamExt;
use secondme_bus::{BusStream, Message};
use tokio::time::MissedTickBehavior;

use super::{log, sessions};
use crate::app::App;

/// Everything about visitors on the bus.
const EVERYTHING: &str = "visitor.>";
const TICK: Duration = Duration::from_secs(1);
/// How often readers look into the log while the bus is away.
const POLL: Duration = Duration::from_millis(250);

/// Starts the task, once; what is published after this returns is heard.
pub async fn start(app: &App) {
    let start = async {
        let news = app.bus().subscribe(EVERYTHING).await;
        let listening = app.clone();
        app.spawn(async move { listen(&listening, news).await });
    };
    app.live().started.get_or_init(|| start).await;
}

async fn listen(app: &App, mut news: BusStream) {
    let mut warm: Vec<Box<str>> = Vec::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping().cancelled() => break,
            message = news.next() => match message {
                Some(message) => warm.extend(heard(app, &message)),
                None => {
                    // The bus went away. It is asked again, and meanwhile the log is what there is.
                    tokio::time::sleep(TICK).await;
                    news = app.bus().subscribe(EVERYTHING).await;
                    app.live().missed();
                }
            },
            _ = poll.tick() => {
                if app.bus().is_away() {
                    app.live().missed();
                }
            }
            _ = tick.tick() => {
                if news.take_missed() > 0 {
                    app.live().missed();
                }
                warm.retain(|session_id| !app.live().cool(session_id));
                write_acks(app).await;
            }
        }
    }
    write_acks(app).await;
}

/// Hands a message on; the conversation that it woke.
fn heard(app: &App, message: &Message) -> Option<Box<str>> {
    let (subject, session_id) = message.subject.rsplit_once('.')?;
    if subject == log::SUBJECT {
        let (head, frames) = log::parse_news(&message.payload)?;
        return app.live().deliver(session_id, head, frames).then(|| session_id.into());
    }
    if subject == sessions::END_SUBJECT {
        let epoch = std::str::from_utf8(&message.payload).ok()?.parse().ok()?;
        app.live().end_before(session_id, epoch);
    }
    None
}

async fn write_acks(app: &App) {
    let acks = app.live().take_acks();
    if !acks.is_empty()
        && let Err(error) = sessions::write_acks(app, &acks).await
    {
        // They are asked for again by whoever comes back; at worst a frame is shown twice to a client without a cursor.
        tracing::warn!(cause = %error, "positions of visitors were not written down");
    }
}
