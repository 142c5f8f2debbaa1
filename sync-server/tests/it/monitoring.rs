//! Dashboards and alerts name figures there are.

use std::collections::BTreeSet;
use std::path::Path;

use ostiary_server::telemetry::metrics::{FIGURES, Kind};

/// Every name in a text that looks like a figure's.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("ostiary_")).collect()
}

fn is_known(name: &str) -> bool {
    let parts = ["_bucket", "_sum", "_count"];
    FIGURES.iter().any(|figure| match figure.kind {
        Kind::Histogram => parts.iter().any(|part| name.strip_suffix(part) == Some(figure.name)),
        Kind::Counter | Kind::Gauge => name == figure.name,
    })
}

#[test]
fn dashboards_and_alerts_name_figures_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../monitoring");
    let mut seen = BTreeSet::new();
    for file in ["grafana/server.json", "grafana/doors.json", "prometheus/ostiary.rules.yml"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        if file.ends_with("json") {
            let board: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(board["panels"].as_array().is_some_and(|panels| !panels.is_empty()), "{file}");
        }
        for name in names(&text) {
            assert!(is_known(name), "{file} names {name}, which is no figure of the server");
            seen.insert(name.to_owned());
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    assert!(!is_known("ostiary_server_http_request_seconds"), "a histogram is asked for by its parts");
}
