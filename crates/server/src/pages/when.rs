//! Times for people: short, in their time zone and language.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secondme_kit::Millis;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::memory::settings;
use crate::users::accounts::Member;

/// What a page needs to show times.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    now: Millis,
    lang: Lang,
}

impl Clock {
    /// The clock of somebody's pages.
    ///
    /// # Errors
    /// Storage failures only.
    pub async fn of(app: &App, me: &Member) -> Result<Self> {
        Ok(Self { zone: settings::zone(app, me.user_id()).await?, now: app.now(), lang: me.lang() })
    }

    /// The time of day today, day and month this year, else the date.
    pub fn short(&self, at: &Millis) -> String {
        let (then, now) = (self.at(*at), self.at(self.now));
        let format = match self.lang {
            _ if then.date() == now.date() => "%H:%M",
            Lang::En if then.year() == now.year() => "%b %-d",
            Lang::Zh if then.year() == now.year() => "%-m月%-d日",
            _ => "%Y-%m-%d",
        };
        then.strftime(format).to_string()
    }

    /// Day and time of day.
    pub fn full(&self, at: &Millis) -> String {
        let (then, now) = (self.at(*at), self.at(self.now));
        let format = match self.lang {
            _ if then.date() == now.date() => "%H:%M",
            Lang::En if then.year() == now.year() => "%b %-d, %H:%M",
            Lang::Zh if then.year() == now.year() => "%-m月%-d日 %H:%M",
            _ => "%Y-%m-%d %H:%M",
        };
        then.strftime(format).to_string()
    }

    /// For `<time datetime>`.
    pub fn machine(&self, at: &Millis) -> String {
        secondme_kit::clock::iso(*at)
    }

    fn at(&self, at: Millis) -> jiff::Zoned {
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_short_as_they_can_be() {
        let now = "2026-11-22T19:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
        let hour = 3_600_000;
        let clock = |lang| Clock { zone: TimeZone::UTC, now, lang };
        assert_eq!(clock(Lang::En).short(&(now - hour)), "18:00");
        assert_eq!(clock(Lang::En).short(&(now - 48 * hour)), "Nov 20");
        assert_eq!(clock(Lang::Zh).full(&(now - 48 * hour)), "11月20日 19:00");
        assert_eq!(clock(Lang::Zh).short(&0), "1970-01-01");
    }
}
