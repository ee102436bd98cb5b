//! An avatar's numbers over a time, and their trend in buckets of the owner's time zone (contract 17.11).
//!
//! A visitor is counted once per bucket and once in the summary; messages of the trend add up to those of the summary.

pub mod http;

use secondme_kit::Millis;

use super::center::{self, Avatar};
use super::interactions::{self, SLOT_MS, Traffic};
use super::zone::{Interval, Zone};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

const DAY_MS: Millis = 86_400_000;
/// Most buckets of one answer.
const BUCKETS_MAX: usize = 400;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The avatar.
    pub avatar_id: i64,
    /// From when; default 30 days before `to`.
    pub from: Option<Millis>,
    /// Until when; default now.
    pub to: Option<Millis>,
    /// `auto`, which is the default, or one of [`Interval`]'s words.
    pub interval: Option<String>,
    /// An IANA name; default that of the configuration.
    pub time_zone: Option<String>,
}

/// A part of the time.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// From when.
    pub from: Millis,
    /// Until when.
    pub to: Millis,
    /// Its name for a chart.
    pub label: String,
    /// Who came in it.
    pub traffic: Traffic,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// The avatar.
    pub avatar: Avatar,
    /// The length of its buckets.
    pub interval: Interval,
    /// Over the whole time.
    pub summary: Traffic,
    /// In order, without gaps.
    pub trend: Vec<Bucket>,
}

/// Counts.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs; `invalid.param` for a time that ends before it begins, an unknown
/// interval or zone, or too many buckets.
pub async fn get(app: &App, user_id: i64, wanted: &Wanted) -> Result<Dashboard> {
    let zone = Zone::read(app, wanted.time_zone.as_deref())?;
    let to = wanted.to.unwrap_or_else(|| app.now() + 1);
    let from = wanted.from.unwrap_or(to - 30 * DAY_MS);
    if from < 0 || from >= to {
        return Err(ApiError::invalid("from", &Problem::Expected("a time in ms before `to`", "早于 to 的毫秒时间")));
    }
    let interval = interval(wanted.interval.as_deref(), to - from)?;
    let tiles = zone.tiles((from, to), interval, BUCKETS_MAX).ok_or_else(|| {
        ApiError::invalid("interval", &Problem::Parser(format!("makes more than {BUCKETS_MAX} buckets of this time")))
    })?;
    let mut tx = app.store().read().await?;
    let avatar = center::get_in(&mut tx, user_id, wanted.avatar_id, Code::AvatarUnknown).await?;
    let summary = interactions::traffic(&mut tx, user_id, avatar.id, slots(from, to)).await?;
    let mut trend = Vec::with_capacity(tiles.len());
    for (start, end) in tiles {
        let rows = (slots(start, end).0, if end == to { slots(start, end).1 } else { end.div_euclid(SLOT_MS) });
        let traffic = interactions::traffic(&mut tx, user_id, avatar.id, rows).await?;
        trend.push(Bucket { from: start, to: end, label: zone.label(start, interval), traffic });
    }
    Ok(Dashboard { avatar, interval, summary, trend })
}

/// The rows of traffic that a time touches. Between two buckets, a row belongs to the later one.
fn slots(from: Millis, to: Millis) -> (i64, i64) {
    (from.div_euclid(SLOT_MS), (to + SLOT_MS - 1).div_euclid(SLOT_MS))
}

fn interval(word: Option<&str>, length: Millis) -> Result<Interval> {
    match word {
        None | Some("auto") => Ok(match length / DAY_MS {
            ..2 => Interval::Hour,
            2..93 => Interval::Day,
            93..731 => Interval::Week,
            _ => Interval::Month,
        }),
        Some(word) => Interval::parse(word).ok_or_else(|| {
            let problem = Problem::Expected("auto, hour, day, week or month", " auto、hour、day、week 或 month");
            ApiError::invalid("interval", &problem)
        }),
    }
}
