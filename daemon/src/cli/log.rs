//! Where log lines go: stderr, for stdout is for the command's answer.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogFormat, LogSection};

/// Starts logging. `RUST_LOG` wins over the configured level.
pub fn start(settings: &LogSection) {
    // A target names every crate that begins with it: `tract` is `tract_core`, `tract_hir` and the rest.
    let quiet = "rumqttc=warn,sled=warn,tract=warn,hyper=warn,reqwest=warn,rustls=warn";
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(format!("{},{quiet}", settings.level)))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only if logging was started before, as in tests.
    let _ = match settings.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
