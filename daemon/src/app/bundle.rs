//! What helps to find a fault, in one file: figures, alarms, settings, the last log lines, how earlier runs ended. No
//! biometrics, no names, no secrets: none of them is in any of these.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::board;
use crate::config::Config;
use crate::selftest;
use crate::shared::Shared;
use crate::telemetry::log_lines;

/// Packs it as JSON under gzip, of at most `max_bytes`; older log lines are left out first.
///
/// # Errors
/// In words, if it does not fit even without the log.
pub fn pack(shared: &Shared, config: &Config, max_bytes: usize) -> Result<Vec<u8>, String> {
    let mut lines = log_lines::recent();
    loop {
        let bytes = compressed(&contents(shared, config, &lines)).map_err(|error| error.to_string())?;
        if bytes.len() <= max_bytes {
            return Ok(bytes);
        }
        if lines.is_empty() {
            return Err(format!("{} bytes do not fit into an answer", bytes.len()));
        }
        lines.drain(..lines.len().div_ceil(2));
    }
}

fn contents(shared: &Shared, config: &Config, lines: &[String]) -> Value {
    let vitals = shared.board.vitals.load();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "hardware": board::hardware(),
        "system": board::system(),
        "camera": board::camera(config),
        "model_pack": shared.pack.to_string(),
        "alarms": vitals.alarms.iter().map(|alarm| alarm.name()).collect::<Vec<_>>(),
        "metrics": crate::health::snapshot(shared).metrics,
        "self_test": selftest::run(shared, config).to_string(),
        "settings": format!("{:?}", shared.settings.load().report()),
        // The configuration names where secrets lie, and holds none.
        "configuration": config,
        "log": lines,
    })
}

fn compressed(contents: &Value) -> std::io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(contents.to_string().as_bytes())?;
    gzip.finish()
}
