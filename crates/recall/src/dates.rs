//! Times that a question names: "last May", "on 3 June 2023", "two weeks ago", 昨天, 去年五月.

use crate::calendar::{DAY, date_of, day_of, month_start, weekday};

/// A stretch of time, in milliseconds: from the first, up to but without the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first millisecond.
    pub from: i64,
    /// The one after the last.
    pub until: i64,
}

impl Span {
    fn days(from: i64, until: i64) -> Self {
        Self { from: from * DAY, until: until * DAY }
    }

    /// How far a moment is from the stretch, in days; 0 within it.
    pub fn distance_days(self, at: i64) -> f64 {
        let away = (self.from - at).max(at - self.until + 1).max(0);
        away as f64 / DAY as f64
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const NUMBERS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The times that a question names, in UTC; `now` is what "yesterday" is counted from.
pub fn spans(text: &str, now: i64) -> Vec<Span> {
    let lower = text.to_lowercase();
    let tokens: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|token| !token.is_empty()).collect();
    let today = now.div_euclid(DAY);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let rest = &tokens[at..];
        let read = iso(rest)
            .or_else(|| with_month(rest, at.checked_sub(1).map(|i| tokens[i]), today))
            .or_else(|| relative(rest, today))
            .or_else(|| year_alone(rest));
        match read {
            Some((span, used)) => {
                found.push(span);
                at += used.max(1);
            }
            None => at += 1,
        }
    }
    found.extend(crate::dates_han::spans(&lower, today));
    found
}

/// `2023-05-03`
fn iso(rest: &[&str]) -> Option<(Span, usize)> {
    let [year, month, day, ..] = rest else { return None };
    let (year, month, day) = (year_of(year)?, number(month)?, number(day)?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| {
        let first = day_of(year, month, day);
        (Span::days(first, first + 1), 3)
    })
}

/// `3 May 2023`, `May 3rd`, `May 2023`, `last May`, `in May`.
fn with_month(rest: &[&str], before: Option<&str>, today: i64) -> Option<(Span, usize)> {
    let (day_first, after) = match rest {
        [day, "of", month, ..] if month_of(month).is_some() => (day_number(day)?, &rest[2..]),
        [day, month, ..] if month_of(month).is_some() && day_number(day).is_some() => (day_number(day)?, &rest[1..]),
        _ => (0, rest),
    };
    let month = month_of(after.first()?)?;
    // "may" is a month only beside something that makes it one.
    let told = matches!(
        before,
        Some(
            "in" | "last"
                | "of"
                | "on"
                | "since"
                | "during"
                | "until"
                | "by"
                | "this"
                | "early"
                | "late"
                | "mid"
                | "next"
        )
    );
    let mut used = rest.len() - after.len() + 1;
    let mut day = day_first;
    let mut tail = &after[1..];
    if day == 0
        && let Some(number) = tail.first().and_then(|t| day_number(t))
    {
        day = number;
        tail = &tail[1..];
        used += 1;
    }
    let year = tail.first().and_then(|t| year_of(t));
    used += usize::from(year.is_some());
    if month == 5 && day == 0 && year.is_none() && !told {
        return None;
    }
    let year = year.unwrap_or_else(|| latest_year(month, day.max(1), today, before == Some("last")));
    let span = if day > 0 {
        let first = day_of(year, month, day);
        Span::days(first, first + 1)
    } else {
        Span::days(month_start(year, month), month_start(year, month + 1))
    };
    Some((span, used))
}

/// The year in which a month was last; `before` this month when it is called the last one.
fn latest_year(month: i64, day: i64, today: i64, last: bool) -> i64 {
    let (year, this_month, _) = date_of(today);
    let future = day_of(year, month, day) > today;
    year - i64::from(future || (last && month == this_month))
}

/// `yesterday`, `last week`, `this month`, `two weeks ago`, `last Friday`.
fn relative(rest: &[&str], today: i64) -> Option<(Span, usize)> {
    let (year, month, _) = date_of(today);
    let monday = today - weekday(today);
    let day = |n: i64| Span::days(today + n, today + n + 1);
    match rest {
        ["today" | "tonight", ..] => Some((day(0), 1)),
        ["yesterday", ..] => Some((day(-1), 1)),
        ["last", "night", ..] => Some((day(-1), 2)),
        ["last", "week", ..] => Some((Span::days(monday - 7, monday), 2)),
        ["this", "week", ..] => Some((Span::days(monday, monday + 7), 2)),
        ["last", "weekend", ..] => Some((Span::days(monday - 2, monday), 2)),
        ["last", "month", ..] => Some((Span::days(month_start(year, month - 1), month_start(year, month)), 2)),
        ["this", "month", ..] => Some((Span::days(month_start(year, month), month_start(year, month + 1)), 2)),
        ["last", "year", ..] => Some((Span::days(day_of(year - 1, 1, 1), day_of(year, 1, 1)), 2)),
        ["this", "year", ..] => Some((Span::days(day_of(year, 1, 1), day_of(year + 1, 1, 1)), 2)),
        ["last", name, ..] => {
            let wanted = WEEKDAYS.iter().position(|w| w == name)? as i64;
            let back = (weekday(today) - wanted - 1).rem_euclid(7) + 1;
            Some((day(-back), 2))
        }
        [count, unit, "ago", ..] => {
            let count = number(count).or_else(|| matches!(*count, "a" | "an").then_some(1))?;
            ago(count, unit, today).map(|span| (span, 3))
        }
        _ => None,
    }
}

/// A stretch around "that long ago": the vaguer the unit, the wider.
fn ago(count: i64, unit: &str, today: i64) -> Option<Span> {
    let (days, slack) = match unit.trim_end_matches('s') {
        "day" => (count, 0),
        "week" => (count * 7, 3),
        "month" => (count * 30, 15),
        "year" => (count.min(1_000) * 365, 182),
        _ => return None,
    };
    (count <= 100_000).then(|| Span::days(today - days - slack, today - days + slack + 1))
}

/// `2023`
fn year_alone(rest: &[&str]) -> Option<(Span, usize)> {
    let year = year_of(rest.first()?)?;
    Some((Span::days(day_of(year, 1, 1), day_of(year + 1, 1, 1)), 1))
}

fn month_of(token: &str) -> Option<i64> {
    let whole = MONTHS.iter().position(|name| *name == token);
    let short = || MONTHS.iter().position(|name| token.len() == 3 && name.starts_with(token));
    let at = whole.or_else(short).or_else(|| (token == "sept").then_some(8))?;
    i64::try_from(at + 1).ok()
}

fn year_of(token: &str) -> Option<i64> {
    (token.len() == 4).then(|| token.parse().ok()).flatten().filter(|year| (1900..=2199).contains(year))
}

fn day_number(token: &str) -> Option<i64> {
    let digits = token.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &token[digits.len()..];
    let day: i64 = digits.parse().ok()?;
    (matches!(ending, "" | "st" | "nd" | "rd" | "th") && (1..=31).contains(&day)).then_some(day)
}

fn number(token: &str) -> Option<i64> {
    let word = || NUMBERS.iter().position(|name| *name == token).and_then(|n| i64::try_from(n).ok());
    if token.len() <= 6 { token.parse().ok().or_else(word) } else { word() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Wednesday.
    fn now() -> i64 {
        day_of(2023, 7, 19) * DAY + 12 * 3_600_000
    }

    fn read(text: &str) -> Vec<((i64, i64, i64), i64)> {
        spans(text, now()).iter().map(|s| (date_of(s.from / DAY), (s.until - s.from) / DAY)).collect()
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        for text in ["on 3 May 2023", "on May 3rd, 2023?", "2023-05-03", "the 3rd of May", "on 3 may 2023"] {
            assert_eq!(read(text), [((2023, 5, 3), 1)], "{text}");
        }
        assert_eq!(read("in May 2022"), [((2022, 5, 1), 31)]);
        assert_eq!(read("last May"), [((2023, 5, 1), 31)]);
        assert_eq!(read("last July"), [((2022, 7, 1), 31)]);
        assert_eq!(read("in December"), [((2022, 12, 1), 31)]);
        assert_eq!(read("What happened in 2021?"), [((2021, 1, 1), 365)]);
        assert_eq!(read("May I ask? You may."), []);
    }

    #[test]
    fn relative_times_are_counted_from_now() {
        assert_eq!(read("yesterday"), [((2023, 7, 18), 1)]);
        assert_eq!(read("last week"), [((2023, 7, 10), 7)]);
        assert_eq!(read("last Friday"), [((2023, 7, 14), 1)]);
        assert_eq!(read("last Wednesday"), [((2023, 7, 12), 1)]);
        assert_eq!(read("two weeks ago"), [((2023, 7, 2), 7)]);
        assert_eq!(read("a month ago"), [((2023, 6, 4), 31)]);
        assert_eq!(read("last year"), [((2022, 1, 1), 365)]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_fall(text in "\\PC{0,60}", now in -1_000_000_000_000i64..4_000_000_000_000) {
            for span in spans(&text, now) {
                prop_assert!(span.from < span.until);
            }
        }

        #[test]
        fn words_around_numbers_are_read_without_a_fall(
            words in prop::collection::vec("(last|may|of|[0-9]{1,7}|ago|weeks|years|june|3rd|年|月|日|去年|上)", 0..8)
        ) {
            for span in spans(&words.join(" "), 1_700_000_000_000) {
                prop_assert!(span.from < span.until);
            }
        }
    }
}
