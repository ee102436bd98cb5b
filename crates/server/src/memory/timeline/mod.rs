//! The activity timeline: what a user did on a day, per app (contract 14.3).
//!
//! Everything is counted when it is asked for, from the time at which each event happened: a late event or another time zone
//! moves an event to another day, and never counts it twice.

mod day;
pub mod http;
mod month;
mod store;

use secondme_kit::secret::sha256;
use secondme_kit::{Millis, Page};
use secondme_store::{StoreError, Tx};
use serde_json::{Map, Value, json};

pub use day::Day;
pub use month::{Month, MonthDay, month};

use super::events::{self, Event, NewEvent, OWN};
use crate::app::App;
use crate::error::Result;

/// Something the user did on this server.
#[derive(Clone, Debug)]
pub struct Noted<'a> {
    /// Who did it.
    pub user_id: i64,
    /// `secondme_chat`, `secondme_plaza`, `secondme_discover`, ….
    pub platform: &'a str,
    /// What happened, as apps would name it.
    pub action: &'a str,
    /// The same in words.
    pub action_label: &'a str,
    /// What the timeline shows.
    pub display_text: &'a str,
    /// From 0 to 1; from 0.7 on important.
    pub importance: f64,
    /// What it was done to: type and id. The same action on the same thing is noted once.
    pub object: (&'a str, &'a str),
    /// When.
    pub at: Millis,
}

/// Notes what the user did on this server, once, in the caller's transaction. The switch for apps does not apply.
///
/// # Errors
/// Storage failures only.
pub async fn note(tx: &mut Tx, noted: &Noted<'_>) -> std::result::Result<(), StoreError> {
    let (object_type, object_id) = noted.object;
    let mut body = Map::new();
    body.insert("channel".to_owned(), json!({"kind": object_type, "id": object_id, "platform": noted.platform}));
    body.insert("refs".to_owned(), json!([{"objectType": object_type, "objectId": object_id}]));
    let key = format!("{}:{}:{object_type}:{object_id}", noted.platform, noted.action);
    let event = NewEvent {
        dedup_key: sha256(key.as_bytes()),
        platform: noted.platform.to_owned(),
        action: noted.action.to_owned(),
        action_label: noted.action_label.to_owned(),
        display_text: noted.display_text.to_owned(),
        importance: noted.importance,
        event_time: noted.at,
        body,
        text: String::new(),
        channel: None,
    };
    events::put(tx, noted.user_id, OWN, &event, noted.at).await.map(|_| ())
}

/// A day in numbers.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Which day.
    pub day: Day,
    /// Events of the day.
    pub total: i64,
    /// Important ones among them.
    pub important: i64,
    /// How many apps the day has.
    pub app_count: i64,
    /// The page of apps, the busiest first.
    pub apps: Vec<AppDay>,
}

/// An app's share of a day.
#[derive(Clone, Debug, Default)]
pub struct AppDay {
    /// Client ID or `secondme_…`.
    pub platform: String,
    /// The app's name, when it is one of this server's apps.
    pub app_name: Option<String>,
    /// Events.
    pub total: i64,
    /// Important ones among them.
    pub important: i64,
    /// Action → how often.
    pub actions: Vec<(String, i64)>,
    /// Action → its label.
    pub labels: Vec<(String, String)>,
    /// The important ones, newest first, up to a limit.
    pub important_events: Vec<Event>,
}

/// What a user did on a day of their time zone.
///
/// # Errors
/// `invalid.param` when date or zone mean nothing; storage failures.
pub async fn overview(app: &App, user_id: i64, date: Option<&str>, zone: Option<&str>, page: Page) -> Result<Overview> {
    let day = Day::new(app, user_id, date, zone).await?;
    let mut tx = app.store().read().await?;
    let mut apps = by_app(store::counts(&mut tx, user_id, &day).await?);
    let (total, important) = apps.iter().fold((0, 0), |(t, i), app| (t + app.total, i + app.important));
    let app_count = i64::try_from(apps.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.size).unwrap_or(0);
    apps = apps.into_iter().skip(skip).take(size).collect();
    let limit = app.config().memory.important_events_max;
    for share in &mut apps {
        share.app_name = store::app_name(&mut tx, &share.platform).await?;
        if share.important > 0 {
            share.important_events = store::important(&mut tx, user_id, &day, &share.platform, limit).await?;
        }
    }
    Ok(Overview { day, total, important, app_count, apps })
}

/// A page of a user's events of a day, newest first, with the names of their apps.
///
/// # Errors
/// Storage failures only.
pub async fn events_of(app: &App, user_id: i64, day: &Day, page: Page) -> Result<Vec<(Event, Option<String>)>> {
    let mut tx = app.store().read().await?;
    let mut named = Vec::new();
    for event in store::of_day(&mut tx, user_id, day, page).await? {
        let name = store::app_name(&mut tx, &event.platform).await?;
        named.push((event, name));
    }
    Ok(named)
}

/// Where an event leads back to, when that is a web address.
pub fn link_of(event: &Event) -> Option<&str> {
    jump_url(event).filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}

/// From counts per platform and action to shares per platform, the busiest first.
fn by_app(counts: Vec<store::Count>) -> Vec<AppDay> {
    let mut apps: Vec<AppDay> = Vec::new();
    for count in counts {
        let at = apps.iter().position(|app| app.platform == count.platform).unwrap_or_else(|| {
            apps.push(AppDay { platform: count.platform.clone(), ..AppDay::default() });
            apps.len() - 1
        });
        let Some(app) = apps.get_mut(at) else { continue };
        app.total += count.total;
        app.important += count.important;
        app.actions.push((count.action.clone(), count.total));
        let label = if count.label.is_empty() { count.action.clone() } else { count.label };
        app.labels.push((count.action, label));
    }
    apps.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.platform.cmp(&b.platform)));
    apps
}

/// The link that the timeline shows for an event: `payload.jumpUrl`, else the first ref's or the channel's.
pub(super) fn jump_url(event: &Event) -> Option<&str> {
    let body = &event.body;
    let payload = body.get("payload");
    let named = payload.and_then(|p| p.get("jumpUrl").or_else(|| p.get("jump_url"))).and_then(Value::as_str);
    let reference = || body.get("refs").and_then(|refs| refs.get(0)?.get("url")?.as_str());
    let channel = || body.get("channel").and_then(|channel| channel.get("url")?.as_str());
    named.or_else(reference).or_else(channel)
}
