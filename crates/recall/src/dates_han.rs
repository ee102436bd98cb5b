//! Times named in Chinese: 昨天, 上周, 去年五月, 2023年5月3日.

use crate::calendar::{DAY, date_of, day_of, month_start, weekday};
use crate::dates::Span;

/// The times that a Chinese text names; `today` is a day number.
pub(crate) fn spans(text: &str, today: i64) -> Vec<Span> {
    let days = |from: i64, until: i64| Span { from: from * DAY, until: until * DAY };
    let (year, month, _) = date_of(today);
    let monday = today - weekday(today);
    let mut found: Vec<Span> = [
        ("前天", days(today - 2, today - 1)),
        ("昨天", days(today - 1, today)),
        ("昨晚", days(today - 1, today)),
        ("今天", days(today, today + 1)),
        ("上周", days(monday - 7, monday)),
        ("上星期", days(monday - 7, monday)),
        ("这周", days(monday, monday + 7)),
        ("本周", days(monday, monday + 7)),
        ("上个月", days(month_start(year, month - 1), month_start(year, month))),
        ("这个月", days(month_start(year, month), month_start(year, month + 1))),
    ]
    .into_iter()
    .filter_map(|(word, span)| text.contains(word).then_some(span))
    .collect();
    let months = months(text, year, month);
    let named: Option<i64> = [("前年", year - 2), ("去年", year - 1), ("今年", year)]
        .iter()
        .find(|(word, _)| text.contains(word))
        .map(|w| w.1);
    if let (Some(year), true) = (named, months.is_empty()) {
        found.push(days(day_of(year, 1, 1), day_of(year + 1, 1, 1)));
    }
    found.extend(months);
    found
}

/// Every `月` with a number before it, with the year and the day that stand around it.
fn months(text: &str, this_year: i64, this_month: i64) -> Vec<Span> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    for (at, _) in chars.iter().enumerate().filter(|(_, c)| **c == '月') {
        let (Some(month), start) = number_before(&chars, at) else { continue };
        if !(1..=12).contains(&month) {
            continue;
        }
        let guess = if month > this_month { this_year - 1 } else { this_year };
        let year = year_before(&chars, start, this_year).unwrap_or(guess);
        let (day, _) = number_after(&chars, at + 1);
        let (from, until) = match day.filter(|d| (1..=31).contains(d)) {
            Some(day) => (day_of(year, month, day), day_of(year, month, day) + 1),
            None => (month_start(year, month), month_start(year, month + 1)),
        };
        found.push(Span { from: from * DAY, until: until * DAY });
    }
    found
}

fn year_before(chars: &[char], end: usize, this_year: i64) -> Option<i64> {
    let end = end.checked_sub(1).filter(|at| chars.get(*at) == Some(&'年'))?;
    match chars.get(end.checked_sub(1)?)? {
        '去' => Some(this_year - 1),
        '今' => Some(this_year),
        '前' => Some(this_year - 2),
        _ => number_before(chars, end).0.filter(|year| (1900..=2199).contains(year)),
    }
}

/// The number that ends before `end`, and where it begins.
fn number_before(chars: &[char], end: usize) -> (Option<i64>, usize) {
    let digits = chars[..end].iter().rev().take(4).take_while(|c| is_digit(**c)).count();
    (value(&chars[end - digits..end]), end - digits)
}

/// The number that begins at `start` and is followed by `日` or `号`.
fn number_after(chars: &[char], start: usize) -> (Option<i64>, usize) {
    let rest = chars.get(start..).unwrap_or_default();
    let digits = rest.iter().take(3).take_while(|c| is_digit(**c)).count();
    let marked = matches!(rest.get(digits), Some('日' | '号'));
    (value(&rest[..digits]).filter(|_| marked), start + digits)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || "一二三四五六七八九十".contains(c)
}

/// `12`, `十二`, `二十`, `三`.
fn value(chars: &[char]) -> Option<i64> {
    let text: String = chars.iter().collect();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let one = |c: char| "一二三四五六七八九".chars().position(|d| d == c).and_then(|n| i64::try_from(n + 1).ok());
    match chars {
        ['十'] => Some(10),
        [c] => one(*c),
        ['十', c] => Some(10 + one(*c)?),
        [c, '十'] => Some(10 * one(*c)?),
        [a, '十', c] => Some(10 * one(*a)? + one(*c)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<((i64, i64, i64), i64)> {
        let spans = spans(text, day_of(2023, 7, 19));
        spans.iter().map(|s| (date_of(s.from / DAY), (s.until - s.from) / DAY)).collect()
    }

    #[test]
    fn chinese_dates_are_read() {
        assert_eq!(read("昨天做了什么"), [((2023, 7, 18), 1)]);
        assert_eq!(read("2022年5月3日"), [((2022, 5, 3), 1)]);
        assert_eq!(read("去年五月去了哪里"), [((2022, 5, 1), 31)]);
        assert_eq!(read("十二月二十号"), [((2022, 12, 20), 1)]);
        assert_eq!(read("去年的工作"), [((2022, 1, 1), 365)]);
        assert_eq!(read("岁月如歌"), []);
    }
}
