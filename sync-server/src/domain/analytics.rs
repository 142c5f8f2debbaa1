//! Figures about visits and use, from counts that name nobody. Pure; [`chart`] draws them.

pub mod chart;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ostiary_common::ids::DoorId;

use super::event::EventKind;

/// The step visits are counted by, seconds: every time zone is a whole number of them away from UTC.
pub const STEP_S: i64 = 900;
/// Upper ends of the buckets that times to a decision are counted in, ms; the last bucket has none.
pub const DECISION_MS: [u32; 11] = [100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000];

/// The bucket of a time to a decision.
#[must_use]
pub fn bucket(ms: u32) -> usize {
    DECISION_MS.iter().position(|end| ms <= *end).unwrap_or(DECISION_MS.len())
}

/// The time within which a share of decisions was made: the upper end of the bucket it falls in; `None` if there were
/// none, or if it lies beyond the last end.
#[must_use]
pub fn quantile(counts: &[u64], share: f64) -> Option<u32> {
    let total: u64 = counts.iter().sum();
    let wanted = (total as f64 * share).ceil().max(1.0) as u64;
    let mut passed = 0;
    for (place, count) in counts.iter().enumerate() {
        passed += count;
        if total > 0 && passed >= wanted {
            return DECISION_MS.get(place).copied();
        }
    }
    None
}

/// Visits of a kind within a step at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitCount {
    /// Quarters of an hour since 1970.
    pub step: i64,
    /// The door.
    pub door: DoorId,
    /// How the visits ended.
    pub kind: EventKind,
    /// How many.
    pub count: u64,
}

/// What visits are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Hour of the day.
    Hour,
    /// Day of the week.
    Weekday,
    /// Day.
    Day,
    /// Door.
    Door,
}

/// The kinds that are counted, as columns.
pub const KINDS: [EventKind; 4] =
    [EventKind::Match, EventKind::Unknown, EventKind::SpoofSuspected, EventKind::Unusable];

/// Counts of each kind, by label.
pub type Tally = BTreeMap<String, [u64; KINDS.len()]>;

const WEEKDAYS: [&str; 7] = ["1 Mon", "2 Tue", "3 Wed", "4 Thu", "5 Fri", "6 Sat", "7 Sun"];

/// Counts visits by hour, weekday, day or door, by a time zone's clocks. Hours and weekdays without visits are there too.
#[must_use]
pub fn tally(counts: &[VisitCount], by: By, zone: &TimeZone) -> Tally {
    let mut tally = Tally::new();
    match by {
        By::Hour => tally.extend((0..24).map(|hour| (format!("{hour:02}:00"), [0; KINDS.len()]))),
        By::Weekday => tally.extend(WEEKDAYS.map(|day| (day.to_owned(), [0; KINDS.len()]))),
        By::Day | By::Door => {}
    }
    for count in counts {
        let Some(column) = KINDS.iter().position(|kind| *kind == count.kind) else { continue };
        let Some(label) = label(count, by, zone) else { continue };
        tally.entry(label).or_default()[column] += count.count;
    }
    tally
}

fn label(count: &VisitCount, by: By, zone: &TimeZone) -> Option<String> {
    let at = || Some(Timestamp::from_second(count.step * STEP_S).ok()?.to_zoned(zone.clone()));
    Some(match by {
        By::Door => count.door.to_string(),
        By::Hour => format!("{:02}:00", at()?.hour()),
        By::Day => at()?.date().to_string(),
        By::Weekday => {
            let day = usize::try_from(at()?.weekday().to_monday_zero_offset()).ok()?;
            WEEKDAYS.get(day)?.to_string()
        }
    })
}

/// The share of those judged that were known: matches among matches and unknowns; `None` if there were none.
#[must_use]
pub fn known_share(tally: &Tally) -> Option<f64> {
    let [known, unknown] = [0, 1].map(|column| tally.values().map(|counts| counts[column]).sum::<u64>());
    (known + unknown > 0).then(|| known as f64 / (known + unknown) as f64)
}

/// The labels with the most visits, the most first.
#[must_use]
pub fn busiest(tally: &Tally, most: usize) -> Vec<(String, u64)> {
    let mut totals: Vec<(String, u64)> =
        tally.iter().map(|(label, counts)| (label.clone(), counts.iter().sum())).collect();
    totals.retain(|(_, total)| *total > 0);
    totals.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    totals.truncate(most);
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_buckets_and_shares_are_read_from_them() {
        let check = |ms: u32, expected: usize| assert_eq!(bucket(ms), expected, "{ms}");
        check(0, 0);
        check(100, 0);
        check(101, 1);
        check(10_000, 10);
        check(10_001, 11);
        let mut counts = [0; DECISION_MS.len() + 1];
        assert_eq!(quantile(&counts, 0.5), None);
        (counts[1], counts[4], counts[11]) = (50, 45, 5);
        assert_eq!(
            [0.5, 0.51, 0.95, 0.96].map(|share| quantile(&counts, share)),
            [Some(200), Some(750), Some(750), None]
        );
    }

    #[test]
    fn visits_are_counted_by_the_clock_of_the_place() {
        let door = DoorId::generate();
        // 2026-11-23 is a Monday; 23:30 UTC is 00:30 on Tuesday in Vienna.
        let step = 1_795_476_600 / STEP_S;
        let count = |kind, count| VisitCount { step, door, kind, count };
        let counts = [count(EventKind::Match, 3), count(EventKind::Unknown, 1), count(EventKind::Report, 9)];
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let by = |by| tally(&counts, by, &zone);
        assert_eq!(by(By::Hour)["00:00"], [3, 1, 0, 0]);
        assert_eq!((by(By::Hour).len(), by(By::Weekday).len()), (24, 7));
        assert_eq!(by(By::Weekday)["2 Tue"], [3, 1, 0, 0]);
        assert_eq!(by(By::Day)["2026-11-24"], [3, 1, 0, 0]);
        assert_eq!(by(By::Door)[&door.to_string()], [3, 1, 0, 0]);
        assert_eq!(known_share(&by(By::Day)), Some(0.75));
        assert_eq!(known_share(&Tally::new()), None);
        assert_eq!(busiest(&by(By::Hour), 3), [("00:00".to_owned(), 4)]);
    }
}
