//! `GET activity/day-overview` (contract 14.3).

use axum::extract::State;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AppDay, Overview, jump_url};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Data, Query, Reply};
use crate::memory::events::Event;

/// The routes of the timeline, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(day_overview))
}

/// Which day to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct DayQuery {
    /// `yyyy-MM-dd`; default today.
    date: Option<String>,
    /// IANA name; default the zone of the user's settings (ours).
    #[serde(alias = "time_zone")]
    time_zone: Option<String>,
    /// Page of apps, from 1. Also `page`.
    #[serde(alias = "page", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_no: Option<i64>,
    /// Apps on a page, at most 100, default 10. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
}

/// A day in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayOverview {
    date: String,
    time_zone: String,
    total_count: i64,
    important_count: i64,
    /// The busiest apps first.
    apps: Vec<DayAppRow>,
    page_no: i64,
    page_size: i64,
    has_more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DayAppRow {
    /// An app's Client ID, or `secondme_…` for what happened on this server.
    platform: String,
    platform_label: String,
    total_count: i64,
    important_count: i64,
    /// Action → how often.
    #[schema(value_type = Value)]
    action_count: Map<String, Value>,
    /// Action → its label.
    #[schema(value_type = Value)]
    action_labels: Map<String, Value>,
    important_events: Vec<EventRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventRow {
    event_id: i64,
    event_time: i64,
    action: String,
    action_label: String,
    display_text: String,
    importance: f64,
    /// Link back to the content; empty when the app gave none.
    jump_url: String,
}

impl From<Event> for EventRow {
    fn from(event: Event) -> Self {
        Self {
            jump_url: jump_url(&event).unwrap_or_default().to_owned(),
            event_id: event.id,
            event_time: event.event_time,
            action: event.action,
            action_label: event.action_label,
            display_text: event.display_text,
            importance: event.importance,
        }
    }
}

/// Names of the server's own platforms, English and Chinese.
const OWN_LABELS: [(&str, &str, &str); 4] = [
    ("secondme_chat", "Chats", "对话"),
    ("secondme_plaza", "Plaza", "小镇广场"),
    ("secondme_discover", "Discover", "发现"),
    ("secondme_visitor", "Visitors", "访客"),
];

fn label(app: &AppDay, lang: Lang) -> String {
    name_of(&app.platform, app.app_name.as_deref(), lang)
}

/// What people call a platform: the server's own words, else the app's name, else its id.
pub(crate) fn name_of(platform: &str, app_name: Option<&str>, lang: Lang) -> String {
    let own = OWN_LABELS.iter().find(|(known, ..)| *known == platform);
    own.map_or_else(|| app_name.unwrap_or(platform), |(_, en, zh)| lang.pick(en, zh)).to_owned()
}

fn row(app: AppDay, lang: Lang) -> DayAppRow {
    DayAppRow {
        platform_label: label(&app, lang),
        platform: app.platform,
        total_count: app.total,
        important_count: app.important,
        action_count: app.actions.into_iter().map(|(action, n)| (action, n.into())).collect(),
        action_labels: app.labels.into_iter().map(|(action, label)| (action, label.into())).collect(),
        important_events: app.important_events.into_iter().map(EventRow::from).collect(),
    }
}

/// What the caller did on a day of their time zone: reported events, and chats, plaza and discover on this server.
#[utoipa::path(get, path = "/secondme/activity/day-overview", tag = "Activity", params(DayQuery),
    security(("token" = ["activity"])), responses((status = 200, body = Envelope<DayOverview>)))]
async fn day_overview(
    State(app): State<App>,
    auth: Auth<permissions::Activity>,
    lang: Lang,
    Query(query): Query<DayQuery>,
) -> Reply<DayOverview> {
    overview(&app, auth.caller.user_id, &query, lang).await.map(Data)
}

/// The same for whoever has a token of another kind.
pub(crate) async fn overview(app: &App, user_id: i64, query: &DayQuery, lang: Lang) -> Result<DayOverview> {
    let page = Page::new(query.page_no, query.page_size, 10);
    let (date, zone) = (query.date.as_deref(), query.time_zone.as_deref());
    let Overview { day, total, important, app_count, apps } = super::overview(app, user_id, date, zone, page).await?;
    Ok(DayOverview {
        date: day.date,
        time_zone: day.time_zone,
        total_count: total,
        important_count: important,
        apps: apps.into_iter().map(|app| row(app, lang)).collect(),
        page_no: page.number,
        page_size: page.size,
        has_more: page.has_more(app_count),
    })
}
