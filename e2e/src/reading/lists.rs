//! Every list and filter that the API offers over what grows, and the mix of reads that load is made of.

use super::seed::Ground;

/// The list that the bare handler answers, too.
pub(super) const EVENTS: &str = "/api/v1/events?limit=50";

/// Each with a name for the report.
pub(super) fn lists(ground: &Ground) -> Vec<(&'static str, String)> {
    let Ground { site, door, device, person, group, middle, .. } = ground;
    let events = |filter: &str| format!("{EVENTS}{filter}");
    let persons = |filter: &str| format!("/api/v1/persons?limit=50{filter}");
    vec![
        ("events", events("")),
        ("events.device", events(&format!("&device={device}"))),
        ("events.door", events(&format!("&door={door}"))),
        ("events.site", events(&format!("&site={site}"))),
        ("events.person", events(&format!("&person={person}"))),
        ("events.kind", events("&kind=spoof_suspected")),
        ("events.kinds", events("&kind=match,unknown")),
        ("events.from", events(&format!("&from={middle}"))),
        ("events.until", events(&format!("&until={middle}"))),
        ("events.score", events("&score_min=0.98")),
        ("events.device_from", events(&format!("&device={device}&from={middle}"))),
        ("events.door_person", events(&format!("&door={door}&person={person}"))),
        ("events.after", "/api/v1/events?limit=50&after=1000".to_owned()),
        ("persons", persons("")),
        ("persons.name", persons("&name=number%2077")),
        ("persons.group", persons(&format!("&group={group}"))),
        ("persons.valid", persons("&valid=now")),
        ("persons.templates", persons("&templates=false")),
        ("devices", "/api/v1/devices".to_owned()),
        ("doors", "/api/v1/doors".to_owned()),
        ("sites", "/api/v1/sites".to_owned()),
        ("groups", "/api/v1/groups".to_owned()),
        ("audit", "/api/v1/audit?limit=50".to_owned()),
        ("audit.result", "/api/v1/audit?limit=50&result=ok".to_owned()),
        ("erasures", "/api/v1/erasures?limit=50".to_owned()),
        ("users", "/api/v1/users".to_owned()),
    ]
}

/// What somebody who watches doors asks, each with a name for the report.
pub(super) fn mix(ground: &Ground) -> Vec<(&'static str, String)> {
    let Ground { device, person, event, .. } = ground;
    vec![
        ("me", "/api/v1/me".to_owned()),
        ("events", "/api/v1/events?limit=20".to_owned()),
        ("events.device", format!("/api/v1/events?limit=20&device={device}")),
        ("event", format!("/api/v1/events/{event}")),
        ("person", format!("/api/v1/persons/{person}")),
        ("doors", "/api/v1/doors".to_owned()),
    ]
}
