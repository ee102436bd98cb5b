//! A day of a user: from midnight to midnight in their time zone, which is 23 to 25 hours.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use secondme_kit::Millis;

use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::memory::settings;

/// A day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// `2026-11-22`.
    pub date: String,
    /// The zone's name.
    pub time_zone: String,
    /// The first millisecond.
    pub begins: Millis,
    /// The first millisecond after it.
    pub ends: Millis,
}

impl Day {
    /// The day `date` (default: today) in `zone` (default: the user's).
    ///
    /// # Errors
    /// `invalid.param` when either means nothing.
    pub async fn new(app: &App, user_id: i64, date: Option<&str>, zone: Option<&str>) -> Result<Self> {
        let zone = match zone {
            Some(name) => TimeZone::get(name).map_err(|_| {
                ApiError::invalid(
                    "timeZone",
                    &Problem::Expected("an IANA time zone such as Europe/Lisbon", " IANA 时区名称"),
                )
            })?,
            None => settings::zone(app, user_id).await?,
        };
        Self::of(date, &zone, app.now()).ok_or_else(|| {
            ApiError::invalid("date", &Problem::Expected("a date such as 2026-11-22", " yyyy-MM-dd 格式的日期"))
        })
    }

    fn of(date: Option<&str>, zone: &TimeZone, now: Millis) -> Option<Self> {
        let date: Date = match date {
            // jiff also reads longer forms; the route takes the one it documents.
            Some(text) if text.len() == 10 => text.parse().ok()?,
            Some(_) => return None,
            None => Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).date(),
        };
        // Where a clock skips midnight, the day begins at the first moment there is.
        let start = |date: Date| zone.to_ambiguous_zoned(date.at(0, 0, 0, 0)).compatible().ok();
        Some(Self {
            date: date.to_string(),
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            begins: start(date)?.timestamp().as_millisecond(),
            ends: start(date.tomorrow().ok()?)?.timestamp().as_millisecond(),
        })
    }
}

/// The first day of a month (`2026-11`; default: of this one).
pub(super) fn first_of(month: Option<&str>, zone: &TimeZone, now: Millis) -> Option<Date> {
    match month {
        Some(text) if text.len() == 7 => format!("{text}-01").parse().ok(),
        Some(_) => None,
        None => Some(date_of(now, zone).first_of_month()),
    }
}

/// The date in a zone.
pub(super) fn date_of(at: Millis, zone: &TimeZone) -> Date {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).date()
}

/// The first millisecond of a month, and the first after it.
pub(super) fn bounds(first: Date, zone: &TimeZone) -> (Millis, Millis) {
    let start = |date: Date| {
        let zoned = zone.to_ambiguous_zoned(date.at(0, 0, 0, 0)).compatible();
        zoned.map_or(0, |zoned| zoned.timestamp().as_millisecond())
    };
    (start(first), start(first.last_of_month().tomorrow().unwrap_or(first)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn day(date: &str, zone: &str) -> Day {
        Day::of(Some(date), &TimeZone::get(zone).unwrap(), 0).unwrap()
    }

    #[test]
    fn days_have_the_hours_their_zone_gives_them() {
        let length = |date, zone| (day(date, zone).ends - day(date, zone).begins) / HOUR;
        assert_eq!(length("2026-11-22", "Asia/Shanghai"), 24);
        assert_eq!(length("2026-03-29", "Europe/Berlin"), 23);
        assert_eq!(length("2026-10-25", "Europe/Berlin"), 25);
        // Clocks went from 00:00 to 01:00, so the day began an hour late.
        assert_eq!(length("2018-11-04", "America/Sao_Paulo"), 23);
        assert_eq!(day("2026-11-22", "Asia/Shanghai").begins, 1_795_276_800_000);
        assert_eq!(day("1970-01-01", "UTC").begins, 0);
    }

    #[test]
    fn today_is_a_day_of_the_zone() {
        let at = 1_795_276_800_000 - 1; // a millisecond before midnight in Shanghai
        let today = |zone| Day::of(None, &TimeZone::get(zone).unwrap(), at).unwrap().date;
        assert_eq!((today("Asia/Shanghai").as_str(), today("Asia/Tokyo").as_str()), ("2026-11-21", "2026-11-22"));
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in ["", "2026-13-01", "2026-02-30", "22.11.2026", "2026-11-22T00:00", "today", "9999-12-31"] {
            assert_eq!(Day::of(Some(text), &TimeZone::UTC, 0), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_tile_time(offset in -1_000_000_000_000i64..2_000_000_000_000, which in 0usize..5) {
            let zone = ["UTC", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe"][which];
            let zone = TimeZone::get(zone).unwrap();
            let today = Day::of(None, &zone, offset).unwrap();
            prop_assert!(today.begins <= offset && offset < today.ends);
            let next = Day::of(None, &zone, today.ends).unwrap();
            prop_assert_eq!(next.begins, today.ends);
        }
    }
}
