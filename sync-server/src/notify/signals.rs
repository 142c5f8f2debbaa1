//! What committed events and lines of the audit log mean to rules. Pure.

use ostiary_common::ids::{GroupId, UserId};
use ostiary_common::wire::{DeviceReport, ReportKind};

use crate::domain::audit::chain::ChainedLine;
use crate::domain::audit::{JOB_DONE, JOB_FAILED};
use crate::domain::event::EventKind;
use crate::domain::notify::{Place, Signal, What};
use crate::ports::notify::Sighting;

/// The line that tells of a log-in from a new place; its target is the account.
pub const NEW_PLACE: &str = "auth.new_place";

/// What an event means; `None` if nobody is to be told of such.
#[must_use]
pub fn of_event(event: &Sighting, groups: Vec<GroupId>) -> Option<Signal> {
    let place = Place::at(event.site, event.door, Some(event.device));
    let signal = |what| Signal { event: Some(event.event), ..Signal::new(what, event.at, place) };
    match event.kind {
        EventKind::Match => Some(Signal { person: event.person, groups, ..signal(What::Seen) }),
        EventKind::Unknown => Some(signal(What::Unknown)),
        EventKind::SpoofSuspected => Some(signal(What::Spoof)),
        EventKind::Report => {
            let (what, about, words) = of_report(event.report.as_ref()?)?;
            Some(Signal { about, words, ..signal(what) })
        }
        EventKind::Unusable | EventKind::Other => None,
    }
}

/// What a device's word about itself means: the kind of thing, which of several it is, and words.
fn of_report(report: &DeviceReport) -> Option<(What, String, String)> {
    let plain = |what, words: &str| Some((what, String::new(), words.to_owned()));
    match report.kind {
        ReportKind::CameraLost => plain(What::CameraTrouble, "the camera gives no pictures"),
        ReportKind::CameraRecovered => plain(What::CameraRecovered, ""),
        ReportKind::DiskFailed => plain(What::Disk, "the device's disk refuses writes"),
        ReportKind::OutboxOverflow => {
            plain(What::Disk, "the device has dropped events or pictures: its disk budget is used up")
        }
        ReportKind::SafeMode => plain(What::DeviceTrouble, "the device runs without camera and model"),
        ReportKind::AlarmRaised | ReportKind::AlarmCleared => of_alarm(report),
        _ => None,
    }
}

/// An alarm is told as `name: words`. Alarms of cameras gather with other words about them.
fn of_alarm(report: &DeviceReport) -> Option<(What, String, String)> {
    let (name, words) = report.detail.split_once(':').unwrap_or((&report.detail, ""));
    let (name, words) = (name.trim(), words.trim().chars().take(200).collect::<String>());
    match (report.kind, name) {
        (ReportKind::AlarmRaised, camera) if camera.starts_with("camera") => {
            Some((What::CameraTrouble, String::new(), words))
        }
        (ReportKind::AlarmCleared, camera) if camera.starts_with("camera") => {
            Some((What::CameraRecovered, String::new(), words))
        }
        (ReportKind::AlarmRaised, "disk" | "flash_wear") => Some((What::Disk, String::new(), words)),
        (ReportKind::AlarmRaised, "certificate") => Some((What::Certificate, String::new(), words)),
        (ReportKind::AlarmRaised, other) => Some((What::DeviceTrouble, other.chars().take(40).collect(), words)),
        _ => None,
    }
}

/// What a line of the audit log means; `None` if nobody is to be told of such.
#[must_use]
pub fn of_line(line: &ChainedLine) -> Option<Signal> {
    let entry = &line.entry;
    let signal = |what, words| {
        let about = entry.target.clone();
        Signal { about, words, ..Signal::new(what, entry.at, Place::default()) }
    };
    match entry.action.as_str() {
        NEW_PLACE => {
            let account: UserId = entry.target.strip_prefix("user:")?.parse().ok()?;
            let words = format!("from {}, which was not used before", without_port(&entry.source));
            Some(Signal { account: Some(account), ..signal(What::NewPlace, words) })
        }
        JOB_DONE => Some(signal(What::JobDone, entry.detail.clone())),
        JOB_FAILED => Some(signal(What::JobFailed, entry.detail.clone())),
        _ => None,
    }
}

fn without_port(source: &str) -> String {
    source.parse::<std::net::SocketAddr>().map_or_else(|_| source.to_owned(), |address| address.ip().to_string())
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::{DeviceId, DoorId, EventId, SiteId};
    use ostiary_common::time::UnixMillis;

    use super::*;
    use crate::domain::audit::chain::{ChainPoint, LineHash};
    use crate::domain::audit::{AuditEntry, AuditResult, AuditTrace};

    fn check(kind: EventKind, report: Option<(ReportKind, &str)>, expected: Option<What>) {
        let event = Sighting {
            cursor: 1,
            event: EventId::generate(),
            device: DeviceId::generate(),
            site: SiteId::generate(),
            door: DoorId::generate(),
            at: UnixMillis(1),
            kind,
            person: None,
            report: report.map(|(kind, detail)| DeviceReport { kind, detail: detail.into() }),
        };
        assert_eq!(of_event(&event, Vec::new()).map(|signal| signal.what), expected, "{kind:?} {report:?}");
    }

    #[test]
    fn events_mean_what_they_tell() {
        check(EventKind::Match, None, Some(What::Seen));
        check(EventKind::Unknown, None, Some(What::Unknown));
        check(EventKind::SpoofSuspected, None, Some(What::Spoof));
        check(EventKind::Unusable, None, None);
        check(EventKind::Report, None, None);
    }

    #[test]
    fn lines_mean_what_they_tell() {
        let check = |action: &str, target: &str, expected: Option<(What, &str)>| {
            let entry = AuditEntry {
                at: UnixMillis(1),
                actor: "server".into(),
                action: action.into(),
                target: target.into(),
                source: "192.0.2.1:4000".into(),
                result: AuditResult::Ok,
                detail: "photos: 3 done, 1 refused, 0 given up".into(),
            };
            let point = ChainPoint { seq: 1, hash: LineHash([0; 32]) };
            let signal = of_line(&ChainedLine { point, entry, trace: AuditTrace::default() });
            let found = signal.as_ref().map(|signal| (signal.what, signal.about.as_str()));
            assert_eq!(found, expected, "{action}");
        };
        let account = format!("user:{}", UserId::generate());
        check(NEW_PLACE, &account, Some((What::NewPlace, &account)));
        check(NEW_PLACE, "somewhere", None);
        check(JOB_DONE, "job:1", Some((What::JobDone, "job:1")));
        check(JOB_FAILED, "job:1", Some((What::JobFailed, "job:1")));
        check("person.create", "person:1", None);
    }

    #[test]
    fn devices_tell_of_themselves() {
        use ReportKind::{AlarmCleared, AlarmRaised};
        let check = |kind, detail, expected| check(EventKind::Report, Some((kind, detail)), expected);
        check(ReportKind::CameraLost, "", Some(What::CameraTrouble));
        check(ReportKind::CameraRecovered, "", Some(What::CameraRecovered));
        check(ReportKind::DiskFailed, "", Some(What::Disk));
        check(ReportKind::Started, "", None);
        check(AlarmRaised, "camera_dark: is the lens covered?", Some(What::CameraTrouble));
        check(AlarmCleared, "camera_dark", Some(What::CameraRecovered));
        check(AlarmRaised, "disk: nearly full", Some(What::Disk));
        check(AlarmRaised, "certificate: ends", Some(What::Certificate));
        check(AlarmRaised, "hot: give it air", Some(What::DeviceTrouble));
        check(AlarmCleared, "hot", None);
        check(AlarmRaised, "", Some(What::DeviceTrouble));
    }
}
