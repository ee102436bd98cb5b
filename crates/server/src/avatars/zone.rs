//! Time zones: days, weeks and hours as they are where the owner is.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use secondme_kit::Millis;

use crate::app::App;
use crate::error::{ApiError, Problem, Result};

/// A known time zone with its name.
#[derive(Clone, Debug)]
pub struct Zone {
    /// As it was asked for.
    pub name: String,
    zone: TimeZone,
}

/// How long a bucket of time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// By the clock; a day has 23 to 25 of them.
    Hour,
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

impl Interval {
    /// The word in requests and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// From a request; none: unknown.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week, Self::Month].into_iter().find(|i| i.word() == word)
    }
}

impl Zone {
    /// A zone by its IANA name, else that of the configuration.
    ///
    /// # Errors
    /// `invalid.param` for an unknown name.
    pub fn read(app: &App, name: Option<&str>) -> Result<Self> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let name = name.unwrap_or(&app.config().avatars.time_zone);
        let problem = || {
            ApiError::invalid(
                "timezone",
                &Problem::Expected("an IANA time zone such as Asia/Shanghai", " IANA 时区，例如 Asia/Shanghai"),
            )
        };
        let zone = TimeZone::get(name).map_err(|_| problem())?;
        Ok(Self { name: name.to_owned(), zone })
    }

    fn at(&self, at: Millis) -> Zoned {
        Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(self.zone.clone())
    }

    /// `YYYY-MM-DD HH:MM:SS` there.
    pub fn plain(&self, at: Millis) -> String {
        self.at(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `YYYYMMDD` there.
    pub fn day(&self, at: Millis) -> String {
        self.at(at).strftime("%Y%m%d").to_string()
    }

    /// A bucket's name: `06-15 14:00`, `2025-06-15`, `2025-06`.
    pub fn label(&self, at: Millis, interval: Interval) -> String {
        let form = match interval {
            Interval::Hour => "%m-%d %H:00",
            Interval::Day | Interval::Week => "%Y-%m-%d",
            Interval::Month => "%Y-%m",
        };
        self.at(at).strftime(form).to_string()
    }

    /// The bucket around a moment: from, to. Every moment is in exactly one, and `to` is where the next begins.
    pub fn bucket(&self, at: Millis, interval: Interval) -> (Millis, Millis) {
        let there = self.at(at);
        let found = match interval {
            Interval::Hour => return self.hour(at),
            Interval::Day => {
                there.start_of_day().and_then(|start| Ok((start.clone(), start.tomorrow()?.start_of_day()?)))
            }
            Interval::Week => {
                let back = i64::from(there.weekday().to_monday_zero_offset());
                there.checked_sub(Span::new().days(back)).and_then(|day| {
                    let start = day.start_of_day()?;
                    let end = start.checked_add(Span::new().weeks(1))?.start_of_day()?;
                    Ok((start, end))
                })
            }
            Interval::Month => there.first_of_month().and_then(|day| {
                let start = day.start_of_day()?;
                let end = start.checked_add(Span::new().months(1))?.start_of_day()?;
                Ok((start, end))
            }),
        };
        // Only at the ends of time, ten thousand years away.
        found.map_or((at, at + 1), |(from, to)| (millis(&from), millis(&to)))
    }

    /// From the last full hour of the clock there; an hour that is repeated in autumn is two buckets.
    fn hour(&self, at: Millis) -> (Millis, Millis) {
        let there = self.at(at);
        let into = i64::from(there.minute()) * 60_000 + i64::from(there.second()) * 1_000 + at.rem_euclid(1_000);
        (at - into, at - into + 3_600_000)
    }

    /// The buckets that tile `from..to`, the first and the last cut to it; none when there are more than `most`.
    pub fn tiles(
        &self,
        (from, to): (Millis, Millis),
        interval: Interval,
        most: usize,
    ) -> Option<Vec<(Millis, Millis)>> {
        let mut tiles = Vec::new();
        let mut at = from;
        while at < to {
            if tiles.len() == most {
                return None;
            }
            let end = self.bucket(at, interval).1.clamp(at + 1, to);
            tiles.push((at, end));
            at = end;
        }
        Some(tiles)
    }
}

fn millis(at: &Zoned) -> Millis {
    at.timestamp().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone(name: &str) -> Zone {
        Zone { name: name.to_owned(), zone: TimeZone::get(name).unwrap() }
    }

    #[test]
    fn days_end_at_midnight_there() {
        // 2025-06-15 15:06:40 UTC is 23:06:40 in Shanghai; the day there ends in less than an hour.
        let shanghai = zone("Asia/Shanghai");
        assert_eq!(shanghai.bucket(1_750_000_000_000, Interval::Day), (1_749_916_800_000, 1_750_003_200_000));
        assert_eq!(shanghai.plain(1_750_000_000_000), "2025-06-15 23:06:40");
        assert_eq!(shanghai.bucket(1_750_000_000_000, Interval::Week).0, 1_749_398_400_000);
        assert_eq!(shanghai.label(1_750_000_000_000, Interval::Month), "2025-06");
        // The day the clocks go forward in Berlin has 23 hours, the one they go back 25.
        let berlin = zone("Europe/Berlin");
        let length = |at| {
            let (from, to) = berlin.bucket(at, Interval::Day);
            (to - from) / 3_600_000
        };
        assert_eq!((length(1_743_292_800_000), length(1_761_436_800_000 + 43_200_000)), (23, 25));
    }

    proptest! {
        #[test]
        fn tiles_have_no_gap_and_no_overlap(
            from in 1_500_000_000_000i64..1_900_000_000_000,
            hours in 1i64..900,
            name in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
            interval in prop::sample::select(vec![Interval::Hour, Interval::Day, Interval::Week, Interval::Month]),
        ) {
            let to = from + hours * 3_600_000;
            let zone = zone(name);
            let tiles = zone.tiles((from, to), interval, 2_000).unwrap();
            prop_assert_eq!((tiles[0].0, tiles[tiles.len() - 1].1), (from, to));
            for pair in tiles.windows(2) {
                prop_assert_eq!(pair[0].1, pair[1].0);
                prop_assert!(zone.label(pair[0].0, interval) != zone.label(pair[1].0, interval) || interval == Interval::Hour);
            }
        }
    }
}
