//! Whether a message may leave the house now: what its reader wishes, how late it is, and how many there were.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use ostiary_common::time::UnixMillis;

use super::{Rule, RuleId, Schedule, What, schedule};

/// Pauses between tries of a message; after the last it is given up.
const PAUSES_S: [u64; 8] = [5, 30, 120, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600];

/// What somebody wants of messages. The centre has everything whatever they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Whether messages come by e-mail at all.
    pub email: bool,
    /// Whether they come to browsers that take messages.
    pub push: bool,
    /// Rules whose messages are not wanted.
    pub muted_rules: BTreeSet<RuleId>,
    /// Kinds of things whose messages are not wanted.
    pub muted: BTreeSet<What>,
    /// When messages wait.
    pub quiet: Schedule,
    /// IANA name of the quiet hours' time zone.
    pub zone: String,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            email: true,
            push: true,
            muted_rules: BTreeSet::new(),
            muted: BTreeSet::new(),
            quiet: Schedule::default(),
            zone: "UTC".into(),
        }
    }
}

/// By what a message goes to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By e-mail.
    Email,
    /// To browsers.
    Push,
}

/// What is to become of a message now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes.
    Send,
    /// It goes, and is the last one that may within the hour, which it says.
    SendLast,
    /// It waits until then.
    Wait(UnixMillis),
    /// It does not go, for this reason.
    Hold(&'static str),
}

/// What is known when a message is to go.
#[derive(Clone, Debug)]
pub struct Sending<'a> {
    /// The kind of thing it tells of.
    pub what: What,
    /// The rule it is by, if that still stands.
    pub rule: Option<&'a Rule>,
    /// What its reader wants; of webhooks, nothing.
    pub wanted: Option<&'a Preferences>,
    /// By what it would go.
    pub way: Way,
    /// How many its reader was sent within the last hour.
    pub sent_lately: u64,
    /// The most that may be sent within an hour.
    pub most_an_hour: u64,
    /// Whether it is told because nobody read it.
    pub is_escalation: bool,
}

impl Sending<'_> {
    /// Judges a message at `now`.
    #[must_use]
    pub fn judge(&self, now: UnixMillis) -> Verdict {
        if let Some(verdict) = self.wanted.and_then(|wanted| self.unwanted(wanted)) {
            return verdict;
        }
        let urgent = self.is_escalation || self.rule.is_some_and(|rule| rule.urgent);
        let hours = [
            self.rule.map(|rule| (&rule.quiet, rule.zone.as_str())),
            self.wanted.filter(|_| !urgent).map(|wanted| (&wanted.quiet, wanted.zone.as_str())),
        ];
        if let Some(until) = quiet_until(hours.into_iter().flatten(), now) {
            return Verdict::Wait(until);
        }
        match self.sent_lately {
            _ if urgent || self.wanted.is_none() => Verdict::Send,
            sent if sent + 1 < self.most_an_hour => Verdict::Send,
            sent if sent + 1 == self.most_an_hour => Verdict::SendLast,
            _ => Verdict::Hold("too many within an hour; it is in the notification centre"),
        }
    }

    fn unwanted(&self, wanted: &Preferences) -> Option<Verdict> {
        let (wants, [never, by_rule, of_kind]) = match self.way {
            Way::Email => (
                wanted.email,
                [
                    "its reader wants no e-mail",
                    "its reader wants no e-mail by this rule",
                    "its reader wants no e-mail of this kind",
                ],
            ),
            Way::Push => (
                wanted.push,
                [
                    "its reader wants nothing in browsers",
                    "its reader wants nothing by this rule",
                    "its reader wants nothing of this kind",
                ],
            ),
        };
        if !wants {
            Some(Verdict::Hold(never))
        } else if self.rule.is_some_and(|rule| wanted.muted_rules.contains(&rule.id)) {
            Some(Verdict::Hold(by_rule))
        } else if wanted.muted.contains(&self.what) {
            Some(Verdict::Hold(of_kind))
        } else {
            None
        }
    }
}

/// When all quiet hours are over; `None` if none hold.
fn quiet_until<'a>(
    hours: impl Iterator<Item = (&'a Schedule, &'a str)> + Clone,
    now: UnixMillis,
) -> Option<UnixMillis> {
    let mut at = now;
    // The end of one may lie within the other.
    for _ in 0..4 {
        let ends = hours.clone().map(|(schedule, name)| {
            let zone: TimeZone = schedule::zone(name);
            schedule.next_outside(at, &zone)
        });
        let end = ends.max().unwrap_or(at);
        if end <= at {
            break;
        }
        at = end;
    }
    (at > now).then_some(at)
}

/// When a message that failed `attempts` times is tried again; `None` if it is given up.
#[must_use]
pub fn next_try(attempts: u64, now: UnixMillis) -> Option<UnixMillis> {
    let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
    PAUSES_S.get(place).map(|seconds| now.plus(Duration::from_secs(*seconds)))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, Weekday};

    use super::*;
    use crate::domain::notify::Window;
    use crate::domain::notify::rule::tests::rule;

    /// 2026-11-23 is a Monday, 09:00 UTC.
    const MONDAY: UnixMillis = UnixMillis(1_795_424_400_000);

    fn until(hour: i8) -> Schedule {
        let (from, until) = (Time::constant(8, 0, 0, 0), Time::constant(hour, 0, 0, 0));
        Schedule(vec![Window { days: vec![Weekday::Monday], from, until }])
    }

    #[test]
    fn wishes_hours_and_bounds_are_heeded() {
        let plain = rule(&[What::Unknown]);
        let check = |rule: &Rule, wanted: &Preferences, sent_lately, is_escalation, expected: Verdict| {
            let sending = Sending {
                what: What::Unknown,
                rule: Some(rule),
                wanted: Some(wanted),
                way: Way::Email,
                sent_lately,
                most_an_hour: 20,
                is_escalation,
            };
            assert_eq!(sending.judge(MONDAY), expected);
        };
        let wants = Preferences::default;
        let hour = |n: i64| UnixMillis(MONDAY.0 + n * 3_600_000);
        check(&plain, &wants(), 0, false, Verdict::Send);
        check(&plain, &wants(), 19, false, Verdict::SendLast);
        let held = |wanted: &Preferences, sent| {
            let sending = Sending {
                what: What::Unknown,
                rule: Some(&plain),
                wanted: Some(wanted),
                way: Way::Email,
                sent_lately: sent,
                most_an_hour: 20,
                is_escalation: false,
            };
            matches!(sending.judge(MONDAY), Verdict::Hold(_))
        };
        assert!(held(&wants(), 20));
        assert!(held(&Preferences { email: false, ..wants() }, 0));
        assert!(!held(&Preferences { push: false, ..wants() }, 0));
        assert!(held(&Preferences { muted_rules: [plain.id].into(), ..wants() }, 0));
        assert!(held(&Preferences { muted: [What::Unknown].into(), ..wants() }, 0));
        check(&plain, &Preferences { quiet: until(11), ..wants() }, 0, false, Verdict::Wait(hour(2)));
        check(&plain, &Preferences { quiet: until(11), ..wants() }, 30, true, Verdict::Send);
        let urgent = Rule { urgent: true, ..plain.clone() };
        check(&urgent, &Preferences { quiet: until(11), ..wants() }, 30, false, Verdict::Send);
        let quiet = Rule { quiet: until(10), ..plain.clone() };
        check(&quiet, &wants(), 0, false, Verdict::Wait(hour(1)));
        check(&quiet, &Preferences { quiet: until(12), ..wants() }, 0, false, Verdict::Wait(hour(3)));
    }

    #[test]
    fn what_fails_is_tried_for_half_a_day_and_then_given_up() {
        assert_eq!(next_try(1, MONDAY), Some(UnixMillis(MONDAY.0 + 5_000)));
        assert_eq!(next_try(8, MONDAY), Some(UnixMillis(MONDAY.0 + 6 * 3_600_000)));
        assert_eq!((next_try(9, MONDAY), next_try(0, MONDAY)), (None, None));
    }
}
