//! Conditions: a device is lost, a disk is full, somebody was not seen. Each is told when it begins to hold, and some
//! when it no longer does. Pure; the herald asks and remembers.

use std::collections::HashMap;
use std::time::Duration;

use ostiary_common::time::UnixMillis;

use crate::domain::device::{Device, DeviceState};
use crate::domain::health::Level;
use crate::domain::notify::{Place, Rule, Signal, What, schedule};
use crate::health::PartReport;

/// A device that is back within this was never lost for anybody.
const LOST_FOR: Duration = Duration::from_secs(30);
/// A part of the server that is itself again within this was never in trouble for anybody.
const ILL_FOR: Duration = Duration::from_secs(60);

/// What changed of conditions, and what is told of it.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What is told.
    pub signals: Vec<Signal>,
    /// Conditions that hold now.
    pub raised: Vec<(String, UnixMillis)>,
    /// Conditions that no longer do.
    pub cleared: Vec<String>,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty() && self.raised.is_empty() && self.cleared.is_empty()
    }

    fn turn(&mut self, known: &HashMap<String, UnixMillis>, key: String, holds: Option<UnixMillis>) -> Turn {
        match (known.contains_key(&key), holds) {
            (false, Some(since)) => {
                self.raised.push((key, since));
                Turn::Begins
            }
            (true, None) => {
                self.cleared.push(key);
                Turn::Ends
            }
            _ => Turn::Same,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Begins,
    Ends,
    Same,
}

/// Which devices went without a word, and which are back.
pub fn devices(changes: &mut Changes, known: &HashMap<String, UnixMillis>, devices: &[Device], now: UnixMillis) {
    for device in devices.iter().filter(|device| device.state == DeviceState::Active) {
        let is_lost = device.presence.state == "lost";
        let since = device.presence.since.filter(|since| is_lost && since.plus(LOST_FOR) <= now);
        let place = Place::at(device.site, device.door, Some(device.id));
        let (what, at) = match changes.turn(known, format!("device:{}", device.id), since) {
            Turn::Begins => (What::DeviceLost, since.unwrap_or(now)),
            // It may be lost again already, for less than counts.
            Turn::Ends if !is_lost => (What::DeviceRecovered, now),
            Turn::Ends | Turn::Same => continue,
        };
        changes.signals.push(Signal::new(what, at, place));
    }
}

/// Which parts of the server do not work as they should.
pub fn parts(changes: &mut Changes, known: &HashMap<String, UnixMillis>, reports: &[PartReport], now: UnixMillis) {
    for report in reports {
        let what = match report.part {
            // Devices and errors are told of one by one, or not at all.
            "fleet" | "errors" => continue,
            "disk" => What::Disk,
            "certificates" => What::Certificate,
            "gallery" => What::Accuracy,
            _ => What::Server,
        };
        let is_ill = report.finding.level != Level::Ok && report.since.plus(ILL_FOR) <= now;
        if changes.turn(known, format!("part:{}", report.part), is_ill.then_some(report.since)) == Turn::Begins {
            let words = format!("{}: {}", report.part, report.finding.cause);
            let signal = Signal::new(what, now, Place::default());
            changes.signals.push(Signal { about: report.part.into(), words, ..signal });
        }
    }
}

/// The last time of day by which somebody should have been seen, and the midnight before, if that day is one the rule
/// holds on.
#[must_use]
pub fn due(rule: &Rule, now: UnixMillis) -> Option<(UnixMillis, UnixMillis)> {
    let by = rule.absent_by.filter(|_| rule.what.contains(&What::Absent))?;
    let zone = schedule::zone(&rule.zone);
    let today = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone()).date();
    let at = |time| {
        let zoned = today.to_datetime(time).to_zoned(zone.clone()).ok()?;
        Some(UnixMillis(zoned.timestamp().as_millisecond()))
    };
    let (midnight, deadline) = (at(jiff::civil::Time::midnight())?, at(by)?);
    let holds = rule.when.is_empty() || rule.when.holds(deadline, &zone);
    (deadline <= now && holds).then_some((midnight, deadline))
}

#[cfg(test)]
mod tests {
    use jiff::civil::Time;
    use ostiary_common::ids::{DeviceId, DoorId, SiteId};

    use super::*;
    use crate::domain::device::Door;
    use crate::domain::health::Finding;
    use crate::health::Weight;
    use crate::notify::form::RuleForm;

    const NOW: UnixMillis = UnixMillis(1_795_424_400_000);

    fn device(state: &str, since_s: i64) -> Device {
        let door = Door { id: DoorId::generate(), site: SiteId::generate(), name: "Front".into(), created_at: NOW };
        let mut device = Device::pending(DeviceId::generate(), "cam".into(), &door, NOW);
        device.state = DeviceState::Active;
        device.presence.state = state.into();
        device.presence.since = Some(UnixMillis(NOW.0 - since_s * 1000));
        device
    }

    #[test]
    fn a_device_is_told_lost_once_and_back_once() {
        let check = |device: &Device, known: bool, expected: Option<What>| {
            let key = format!("device:{}", device.id);
            let known = if known { HashMap::from([(key, NOW)]) } else { HashMap::new() };
            let mut changes = Changes::default();
            devices(&mut changes, &known, std::slice::from_ref(device), NOW);
            assert_eq!(changes.signals.first().map(|signal| signal.what), expected);
        };
        check(&device("online", 0), false, None);
        check(&device("lost", 29), false, None);
        check(&device("lost", 30), false, Some(What::DeviceLost));
        check(&device("lost", 30), true, None);
        check(&device("online", 0), true, Some(What::DeviceRecovered));
        check(&device("stopped", 90), false, None);
    }

    #[test]
    fn a_part_is_told_when_it_stays_ill() {
        let check = |part, level, since_s: i64, expected: Option<What>| {
            let cause = Finding { level, ..Finding::degraded("cause", "advice") };
            let report = PartReport {
                part,
                weight: Weight::Inner,
                finding: cause,
                since: UnixMillis(NOW.0 - since_s * 1000),
                checked_at: NOW,
            };
            let mut changes = Changes::default();
            parts(&mut changes, &HashMap::new(), &[report], NOW);
            assert_eq!(changes.signals.first().map(|signal| signal.what), expected, "{part}");
        };
        check("disk", Level::Degraded, 60, Some(What::Disk));
        check("disk", Level::Degraded, 59, None);
        check("disk", Level::Ok, 600, None);
        check("certificates", Level::Failed, 600, Some(What::Certificate));
        check("link", Level::Failed, 600, Some(What::Server));
        check("fleet", Level::Failed, 600, None);
    }

    #[test]
    fn somebody_is_missed_when_the_hour_has_come() {
        let form: RuleForm = serde_json::from_value(serde_json::json!({
            "name": "x", "what": ["absent"], "person": uuid::Uuid::from_u128(1), "absent_by": "09:30",
            "whom": {"roles": ["admin"]},
        }))
        .unwrap();
        let rule = form.rule(crate::domain::notify::RuleId::generate()).unwrap();
        assert_eq!(rule.absent_by, Some(Time::constant(9, 30, 0, 0)));
        assert_eq!(due(&rule, NOW), None, "it is nine");
        let later = NOW.plus(Duration::from_secs(1800));
        assert_eq!(due(&rule, later), Some((UnixMillis(NOW.0 - 9 * 3_600_000), later)));
    }
}
