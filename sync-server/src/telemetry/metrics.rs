//! Every figure the program tells Prometheus: name, kind, unit and what it means, in [`FIGURES`].
//!
//! Names are Prometheus's: `ostiary_` first, base units, `_total` at the end of what only grows. A test holds the table
//! equal to what the code counts.

mod figures;

use std::sync::OnceLock;

use anyhow::{Context, Result};
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use figures::{FIGURES, Figure, Kind};

/// Seconds; from a fast query to a photo of fifty megapixels.
const BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Things taken together.
const BUCKETS_COUNT: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// The handle that renders all figures; the recorder is installed by the first call. There is one per process, since
/// the macros know one.
///
/// # Errors
/// If the buckets are none.
pub fn handle() -> Result<PrometheusHandle> {
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS_S).context("metric buckets")?;
    let batches = Matcher::Suffix("_batches".to_owned());
    let builder = builder.set_buckets_for_metric(batches, &BUCKETS_COUNT).context("metric buckets")?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Somebody else may have been first, which only a test with several servers does; theirs is then used.
    if metrics::set_global_recorder(recorder).is_ok() {
        FIGURES.iter().for_each(describe);
        metrics::gauge!("ostiary_server_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let _ = HANDLE.set(handle.clone());
    }
    Ok(HANDLE.get().cloned().unwrap_or(handle))
}

fn describe(figure: &Figure) {
    match figure.kind {
        Kind::Counter => describe_counter!(figure.name, figure.help),
        Kind::Gauge => describe_gauge!(figure.name, figure.help),
        Kind::Histogram => describe_histogram!(figure.name, figure.help),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What the code counts: macro and name.
    fn counted(folder: &Path, found: &mut BTreeSet<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                counted(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for kind in ["counter", "gauge", "histogram"] {
                // The macro's name is put together here, so that this file is not found itself.
                for after in text.split(&format!("{kind}!(")).skip(1) {
                    if let Some(name) = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                        found.insert((kind.to_owned(), name.to_owned()));
                    }
                }
            }
        }
    }

    #[test]
    fn the_table_is_what_the_code_counts() {
        let mut found = BTreeSet::new();
        counted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let told: BTreeSet<_> =
            FIGURES.iter().map(|figure| (figure.kind.as_str().to_owned(), figure.name.to_owned())).collect();
        let missing: Vec<_> = found.difference(&told).collect();
        let gone: Vec<_> = told.difference(&found).collect();
        assert!(missing.is_empty() && gone.is_empty(), "not in the table: {missing:?}; not counted: {gone:?}");
        assert_eq!(told.len(), FIGURES.len(), "a name stands twice");
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for Figure { name, kind, help } in FIGURES {
            let words: Vec<&str> = name.split('_').collect();
            let plain =
                |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            assert!(words[0] == "ostiary" && words.iter().all(plain), "{name}");
            for unit in ["ms", "milliseconds", "minutes", "hours", "percent", "kb", "mb", "count", "sum", "bucket"] {
                assert!(!words.contains(&unit), "{name} has no base unit, or ends like a part of a histogram");
            }
            let last = *words.last().unwrap();
            match kind {
                Kind::Counter => assert_eq!(last, "total", "{name} only grows"),
                Kind::Gauge => assert_ne!(last, "total", "{name} does not only grow"),
                Kind::Histogram => assert!(["seconds", "bytes", "batches"].contains(&last), "{name} of what?"),
            }
            assert!(help.len() > 10 && !help.contains('\n') && help.ends_with('.'), "{name}: {help}");
            assert!(help.starts_with(|c: char| c.is_uppercase()), "{name}: {help}");
        }
    }
}
