use ostiary_common::ids::{DeviceId, DoorId, SiteId, UserId};
use ostiary_common::time::UnixMillis;

use super::*;

/// 2026-11-23 is a Monday, 09:00 UTC.
const MONDAY: UnixMillis = UnixMillis(1_795_424_400_000);

pub(crate) fn rule(what: &[What]) -> Rule {
    Rule {
        id: RuleId::generate(),
        name: Name::parse("Nights").unwrap(),
        enabled: true,
        what: what.iter().copied().collect(),
        of: None,
        absent_by: None,
        place: Scope::Everything,
        when: Schedule::default(),
        quiet: Schedule::default(),
        zone: "UTC".into(),
        whom: Whom { accounts: [UserId::generate()].into(), roles: BTreeSet::new() },
        how: How::default(),
        pause: Duration::from_secs(300),
        group_by: GroupBy::Door,
        urgent: false,
        escalation: None,
    }
}

#[test]
fn a_rule_that_says_too_little_is_none() {
    let check = |rule: Rule, expected: Result<(), InvalidRule>| assert_eq!(rule.checked().map(drop), expected);
    let person = Some(Of::Person(PersonId::generate()));
    let by = Some(Time::constant(9, 30, 0, 0));
    check(rule(&[What::Unknown]), Ok(()));
    check(rule(&[]), Err(InvalidRule::Nothing));
    check(rule(&[What::Mention]), Err(InvalidRule::Mention));
    check(Rule { whom: Whom::default(), ..rule(&[What::Spoof]) }, Err(InvalidRule::Nobody));
    check(Rule { pause: Duration::from_secs(59), ..rule(&[What::Spoof]) }, Err(InvalidRule::Pause));
    check(rule(&[What::Absent]), Err(InvalidRule::Absent));
    check(Rule { of: person, absent_by: by, ..rule(&[What::Absent]) }, Ok(()));
    check(Rule { of: person, absent_by: by, ..rule(&[What::Absent, What::Seen]) }, Err(InvalidRule::Absent));
}

#[test]
fn what_where_when_and_whom_must_fit() {
    let (site, door, group) = (SiteId::generate(), DoorId::generate(), GroupId::generate());
    let unknown = Signal::new(What::Unknown, MONDAY, Place::at(site, door, None));
    let check = |rule: Rule, signal: &Signal, expected: bool| assert_eq!(rule.matches(signal), expected, "{rule:?}");
    let base = || rule(&[What::Unknown]);
    check(base(), &unknown, true);
    check(Rule { enabled: false, ..base() }, &unknown, false);
    check(rule(&[What::Spoof]), &unknown, false);
    check(Rule { place: Scope::Door(door), ..base() }, &unknown, true);
    check(Rule { place: Scope::Site(site), ..base() }, &unknown, true);
    check(Rule { place: Scope::Door(DoorId::generate()), ..base() }, &unknown, false);
    let days = |days: &[jiff::civil::Weekday]| {
        let (from, until) = (Time::constant(8, 0, 0, 0), Time::constant(10, 0, 0, 0));
        Schedule(vec![crate::domain::notify::Window { days: days.to_vec(), from, until }])
    };
    check(Rule { when: days(&[jiff::civil::Weekday::Monday]), ..base() }, &unknown, true);
    check(Rule { when: days(&[jiff::civil::Weekday::Sunday]), ..base() }, &unknown, false);
    let vienna = Rule { when: days(&[jiff::civil::Weekday::Monday]), zone: "Europe/Vienna".into(), ..base() };
    check(vienna, &unknown, false);
    let seen = Signal { person: Some(PersonId::generate()), groups: vec![group], what: What::Seen, ..unknown };
    check(Rule { of: Some(Of::Group(group)), ..rule(&[What::Seen]) }, &seen, true);
    check(Rule { of: Some(Of::Person(PersonId::generate())), ..rule(&[What::Seen]) }, &seen, false);
}

#[test]
fn what_belongs_together_has_one_key() {
    let (site, door, device) = (SiteId::generate(), DoorId::generate(), DeviceId::generate());
    let at = Place::at(site, door, Some(device));
    let signal = |what| Signal::new(what, MONDAY, at);
    let check = |group_by, signal: &Signal, expected: String| {
        let rule = Rule { group_by, ..rule(&What::ALL) };
        assert_eq!(rule.key(signal), expected);
    };
    check(GroupBy::Door, &signal(What::Unknown), format!("unknown/door:{door}"));
    check(GroupBy::Site, &signal(What::Unknown), format!("unknown/site:{site}"));
    check(GroupBy::Rule, &signal(What::Unknown), "unknown".into());
    check(GroupBy::Door, &signal(What::DeviceLost), format!("device_lost/device:{device}"));
    let person = PersonId::generate();
    let seen = Signal { person: Some(person), ..signal(What::Seen) };
    check(GroupBy::Rule, &seen, format!("seen/person:{person}"));
    let disk = Signal { about: "disk".into(), ..Signal::new(What::Disk, MONDAY, Place::default()) };
    check(GroupBy::Door, &disk, "disk/disk".into());
    let wide = Rule { group_by: GroupBy::Site, ..rule(&What::ALL) };
    assert_eq!(wide.place_of(&seen), Place { site: Some(site), door: None, device: None });
}
