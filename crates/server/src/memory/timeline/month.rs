//! A month of the timeline: how much every day has, and of which app.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::day;
use super::store::{self, Slot};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::memory::settings;

/// A month, day by day.
#[derive(Clone, Debug)]
pub struct Month {
    /// Its first day.
    pub first: Date,
    /// Its days in order.
    pub days: Vec<MonthDay>,
    /// The platforms of the month with their names, when they are this server's apps; the busiest first.
    pub platforms: Vec<(String, Option<String>)>,
}

/// A day of a [`Month`].
#[derive(Clone, Debug)]
pub struct MonthDay {
    /// The day.
    pub date: Date,
    /// Events.
    pub total: i64,
    /// Important ones among them.
    pub important: i64,
    /// Events of each of [`Month::platforms`].
    pub shares: Vec<i64>,
}

/// How many events the days of a month (`2026-11`; default: this one) have in the user's time zone.
///
/// # Errors
/// `invalid.param` when the month means nothing; storage failures.
pub async fn month(app: &App, user_id: i64, month: Option<&str>) -> Result<Month> {
    let zone = settings::zone(app, user_id).await?;
    let first = day::first_of(month, &zone, app.now()).ok_or_else(|| {
        ApiError::invalid("month", &Problem::Expected("a month such as 2026-11", " yyyy-MM 格式的月份"))
    })?;
    let mut tx = app.store().read().await?;
    let slots = store::slots(&mut tx, user_id, day::bounds(first, &zone)).await?;
    let mut platforms = Vec::new();
    for platform in busiest(&slots) {
        let name = store::app_name(&mut tx, &platform).await?;
        platforms.push((platform, name));
    }
    let days = days(first, &slots, &platforms, &zone);
    Ok(Month { first, days, platforms })
}

/// The platforms, the busiest first.
fn busiest(slots: &[Slot]) -> Vec<String> {
    let mut totals: Vec<(String, i64)> = Vec::new();
    for slot in slots {
        match totals.iter_mut().find(|(platform, _)| *platform == slot.platform) {
            Some((_, total)) => *total += slot.total,
            None => totals.push((slot.platform.clone(), slot.total)),
        }
    }
    totals.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    totals.into_iter().map(|(platform, _)| platform).collect()
}

fn days(first: Date, slots: &[Slot], platforms: &[(String, Option<String>)], zone: &TimeZone) -> Vec<MonthDay> {
    let mut days: Vec<MonthDay> = first
        .series(jiff::Span::new().days(1))
        .take_while(|date| date.month() == first.month())
        .map(|date| MonthDay { date, total: 0, important: 0, shares: vec![0; platforms.len()] })
        .collect();
    for slot in slots {
        let at = day::date_of(slot.begins, zone);
        let Some(day) = days.iter_mut().find(|day| day.date == at) else { continue };
        day.total += slot.total;
        day.important += slot.important;
        let place = platforms.iter().position(|(platform, _)| *platform == slot.platform);
        if let Some(share) = place.and_then(|place| day.shares.get_mut(place)) {
            *share += slot.total;
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_an_hour_belongs_to_the_day_of_its_zone() {
        let zone = TimeZone::get("Asia/Kathmandu").unwrap();
        let first: Date = "2026-11-01".parse().unwrap();
        let slot = |text: &str, total| Slot {
            begins: text.parse::<jiff::Timestamp>().unwrap().as_millisecond(),
            platform: "a".to_owned(),
            total,
            important: 1,
        };
        // Midnight there is 18:15 in Greenwich.
        let slots = [slot("2026-11-02T18:00:00Z", 2), slot("2026-11-02T18:15:00Z", 3)];
        let days = days(first, &slots, &[("a".to_owned(), None)], &zone);
        assert_eq!(days.len(), 30);
        assert_eq!((days[1].total, days[2].total, days[2].shares[0], days[2].important), (2, 3, 3, 1));
        assert_eq!(busiest(&slots), ["a"]);
    }
}
