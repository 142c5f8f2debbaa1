//! Hours of the week: when a rule holds, and when nobody is to be disturbed. Counted by a time zone's clocks, so that
//! 22:00 is 22:00 in summer and winter.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ostiary_common::time::UnixMillis;

/// Hours of some days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days it begins on.
    pub days: Vec<Weekday>,
    /// It begins at.
    pub from: Time,
    /// It ends before; at or before `from`, that is on the next day.
    pub until: Time,
}

/// Windows together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(pub Vec<Window>);

/// The most windows that may follow each other without a gap before [`Schedule::next_outside`] gives up: two weeks' worth.
const MOST_IN_A_ROW: usize = 64;

impl Window {
    /// Its span if it begins on `date`; `None` if it does not.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(&date.weekday()) {
            return None;
        }
        let last = if self.until <= self.from { date.tomorrow().ok()? } else { date };
        let at = |date: Date, time: Time| date.to_datetime(time).to_zoned(zone.clone()).ok().map(|at| at.timestamp());
        Some((at(date, self.from)?, at(last, self.until)?))
    }

    /// When the span that `at` lies in ends; `None` if it lies in none.
    fn end_around(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = at.to_zoned(zone.clone()).date();
        let spans = [today.checked_sub(1.day()).ok(), Some(today)].into_iter().flatten();
        let spans = spans.filter_map(|date| self.on(date, zone));
        spans.filter(|(from, until)| (*from..*until).contains(&at)).map(|(_, until)| until).max()
    }
}

impl Schedule {
    /// Whether nothing is said, which each user of a schedule reads as it must.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a moment lies in one of the windows.
    #[must_use]
    pub fn holds(&self, at: UnixMillis, zone: &TimeZone) -> bool {
        stamp(at).is_some_and(|at| self.end_around(at, zone).is_some())
    }

    /// The first moment from `at` on that lies in no window; `at` itself if the windows leave no gap.
    #[must_use]
    pub fn next_outside(&self, at: UnixMillis, zone: &TimeZone) -> UnixMillis {
        let Some(mut moment) = stamp(at) else { return at };
        for _ in 0..MOST_IN_A_ROW {
            match self.end_around(moment, zone) {
                Some(end) => moment = end,
                None => return UnixMillis(moment.as_millisecond()),
            }
        }
        at
    }

    fn end_around(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.0.iter().filter_map(|window| window.end_around(at, zone)).max()
    }
}

/// A time zone by its IANA name; UTC if there is none of that name.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn stamp(at: UnixMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn at(text: &str) -> UnixMillis {
        let local: jiff::civil::DateTime = text.parse().unwrap();
        UnixMillis(local.to_zoned(zone("Europe/Vienna")).unwrap().timestamp().as_millisecond())
    }

    fn nights() -> Schedule {
        let days = vec![Weekday::Monday, Weekday::Friday];
        Schedule(vec![Window { days, from: time(22, 0, 0, 0), until: time(6, 30, 0, 0) }])
    }

    #[test]
    fn windows_pass_midnight_and_end_where_they_say() {
        let check = |text: &str, expected: bool| {
            assert_eq!(nights().holds(at(text), &zone("Europe/Vienna")), expected, "{text}");
        };
        // 2026-11-23 is a Monday.
        check("2026-11-23T21:59:59", false);
        check("2026-11-23T22:00:00", true);
        check("2026-11-24T06:29:59", true);
        check("2026-11-24T06:30:00", false);
        check("2026-11-24T23:00:00", false);
        check("2026-11-27T23:00:00", true);
        check("2026-11-28T05:00:00", true);
    }

    #[test]
    fn the_end_is_where_the_clock_says_even_when_it_is_changed() {
        let all_week =
            Schedule(vec![Window { days: vec![Weekday::Saturday], from: time(22, 0, 0, 0), until: time(7, 0, 0, 0) }]);
        let vienna = zone("Europe/Vienna");
        // In the night to 2026-10-25 the clock is set back: the window is an hour longer.
        let (from, until) = (at("2026-10-24T22:00:00"), all_week.next_outside(at("2026-10-24T22:00:00"), &vienna));
        assert_eq!((until, until.since_ms(from)), (at("2026-10-25T07:00:00"), 10 * 3_600_000));
        assert_eq!(all_week.next_outside(at("2026-10-24T12:00:00"), &vienna), at("2026-10-24T12:00:00"));
    }

    #[test]
    fn windows_that_follow_each_other_are_one_and_a_whole_week_has_no_outside() {
        let day = |day, from, until| Window { days: vec![day], from, until };
        let row = Schedule(vec![
            day(Weekday::Monday, time(8, 0, 0, 0), time(12, 0, 0, 0)),
            day(Weekday::Monday, time(12, 0, 0, 0), time(0, 0, 0, 0)),
        ]);
        let vienna = zone("Europe/Vienna");
        assert_eq!(row.next_outside(at("2026-11-23T09:00:00"), &vienna), at("2026-11-24T00:00:00"));
        let days = (1..=7).map(|n| Weekday::from_monday_one_offset(n).unwrap()).collect();
        let always = Schedule(vec![Window { days, from: time(0, 0, 0, 0), until: time(0, 0, 0, 0) }]);
        assert_eq!(always.next_outside(at("2026-11-23T09:00:00"), &vienna), at("2026-11-23T09:00:00"));
        assert_eq!(zone("Nowhere/Land"), TimeZone::UTC);
    }
}
