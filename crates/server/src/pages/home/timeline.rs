//! `/home/timeline`: a month at a glance, and a day with everything in it.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jiff::civil::Date;
use secondme_kit::Page as Slice;
use serde::Deserialize;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::memory::events::IMPORTANT;
use crate::memory::timeline::{self, Day, Month, http::name_of};
use crate::pages::chart::{self, Bar};
use crate::pages::pager::Pager;
use crate::pages::when::Clock;
use crate::users::accounts::Member;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/home/timeline", get(show))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Where {
    date: Option<String>,
    month: Option<String>,
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

/// A square of the calendar.
struct Square {
    day: i8,
    date: String,
    total: i64,
    important: i64,
    /// From 0 to 4: how busy it is beside the busiest.
    heat: i64,
}

/// An event of the day.
struct Line {
    at: i64,
    platform: String,
    label: String,
    text: String,
    important: bool,
    link: Option<String>,
}

#[derive(Template)]
#[template(path = "home/timeline.html")]
struct TimelineTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    title: String,
    before: String,
    after: String,
    weekdays: [&'static str; 7],
    /// Empty places before the first of the month.
    lead: usize,
    squares: &'a [Square],
    shown: &'a str,
    chart: String,
    /// Name, series of the chart, events of the month.
    platforms: &'a [(String, usize, i64)],
    total: i64,
    important: i64,
    lines: &'a [Line],
    pager: &'a Pager,
}

async fn show(State(app): State<App>, me: Member, Query(at): Query<Where>) -> Result<Page> {
    let lang = me.lang();
    let day = Day::new(&app, me.user_id(), at.date.as_deref(), None).await?;
    let wanted = at.month.clone().or_else(|| day.date.get(..7).map(str::to_owned));
    let month = timeline::month(&app, me.user_id(), wanted.as_deref()).await?;
    let slice = Slice::new(at.page, None, 50);
    let overview =
        timeline::overview(&app, me.user_id(), Some(&day.date), None, Slice::new(None, Some(100), 100)).await?;
    let lines = lines(&app, &me, &day, slice, lang).await?;
    let clock = Clock::of(&app, &me).await?;
    let platforms = platforms(&month, lang);
    Ok(Page::new(&TimelineTemplate {
        lang,
        frame: &me.frame,
        clock: &clock,
        title: title(month.first, lang),
        before: month.first.yesterday().unwrap_or(month.first).strftime("%Y-%m").to_string(),
        after: month.first.last_of_month().tomorrow().unwrap_or(month.first).strftime("%Y-%m").to_string(),
        weekdays: match lang {
            Lang::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            Lang::Zh => ["一", "二", "三", "四", "五", "六", "日"],
        },
        lead: usize::try_from(month.first.weekday().to_monday_zero_offset()).unwrap_or(0),
        squares: &squares(&month),
        shown: &day.date,
        chart: chart(&month, &platforms, lang),
        platforms: &platforms,
        total: overview.total,
        important: overview.important,
        lines: &lines,
        pager: &Pager::new(&me.frame, slice, overview.total),
    }))
}

fn title(first: Date, lang: Lang) -> String {
    first.strftime(lang.pick("%B %Y", "%Y年%-m月")).to_string()
}

fn squares(month: &Month) -> Vec<Square> {
    let most = month.days.iter().map(|day| day.total).max().unwrap_or(0).max(1);
    let square = |day: &timeline::MonthDay| Square {
        day: day.date.day(),
        date: day.date.to_string(),
        total: day.total,
        important: day.important,
        heat: if day.total == 0 { 0 } else { 1 + day.total * 3 / most },
    };
    month.days.iter().map(square).collect()
}

/// The chart is narrow: only some days are named.
fn label(date: Date) -> String {
    match date.day() {
        day if day == 1 || day % 10 == 5 => day.to_string(),
        _ => String::new(),
    }
}

/// The platforms of a month: name, series in the chart, how many events.
fn platforms(month: &Month, lang: Lang) -> Vec<(String, usize, i64)> {
    let named = month.platforms.iter().enumerate().map(|(at, (platform, name))| {
        let total = month.days.iter().filter_map(|day| day.shares.get(at)).sum();
        (name_of(platform, name.as_deref(), lang), chart::series(at), total)
    });
    named.collect()
}

fn chart(month: &Month, platforms: &[(String, usize, i64)], lang: Lang) -> String {
    let bars: Vec<Bar> =
        month.days.iter().map(|day| Bar { label: label(day.date), parts: day.shares.clone() }).collect();
    let names: Vec<&str> = platforms.iter().map(|(name, ..)| name.as_str()).collect();
    chart::bars(&bars, &names, lang.pick("Events per day and app", "每日各应用事件数"))
}

async fn lines(app: &App, me: &Member, day: &Day, slice: Slice, lang: Lang) -> Result<Vec<Line>> {
    let events = timeline::events_of(app, me.user_id(), day, slice).await?;
    let mut lines = Vec::with_capacity(events.len());
    for (event, app_name) in events {
        lines.push(Line {
            at: event.event_time,
            platform: name_of(&event.platform, app_name.as_deref(), lang),
            link: timeline::link_of(&event).map(str::to_owned),
            label: if event.action_label.is_empty() { event.action } else { event.action_label },
            important: event.importance >= IMPORTANT,
            text: event.display_text,
        });
    }
    Ok(lines)
}
