//! Days and months without a clock or a table of zones: the civil calendar, in days since 1970.

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// The day number of a date (Howard Hinnant's formula).
pub fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day number.
pub fn date_of(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The first day of a month; months beyond 1 to 12 are those of other years.
pub fn month_start(year: i64, month: i64) -> i64 {
    day_of(year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1, 1)
}

/// 0 is Monday.
pub fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dates_and_day_numbers_are_inverse(days in -800_000i64..800_000) {
            let (year, month, day) = date_of(days);
            prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            prop_assert_eq!(day_of(year, month, day), days);
            let (_, next_month, next_day) = date_of(days + 1);
            prop_assert!(next_day == day + 1 || (next_day == 1 && next_month != month));
        }
    }

    #[test]
    fn known_days() {
        assert_eq!((day_of(1970, 1, 1), day_of(2000, 3, 1), day_of(2024, 2, 29)), (0, 11_017, 19_782));
        assert_eq!(weekday(day_of(2026, 11, 22)), 6);
        assert_eq!(month_start(2025, 13), day_of(2026, 1, 1));
        assert_eq!(month_start(2025, 0), day_of(2024, 12, 1));
    }
}
