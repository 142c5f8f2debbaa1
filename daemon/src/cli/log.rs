//! Where log lines go: stderr, for stdout is for the command's answer.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, registry, reload};

use crate::config::{LogFormat, LogSection};
use crate::telemetry::log_lines::{self, Kept};

/// Starts logging. `RUST_LOG` wins over the configured level.
pub fn start(settings: &LogSection) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| log_lines::filter(&settings.level))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let lines = registry().with(filter);
    // Fails only if logging was started before, as in tests.
    let started = match settings.format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with(fmt::layer().with_writer(Kept).with_ansi(colours)).try_init()
        }
        LogFormat::Json => lines.with(fmt::layer().with_writer(Kept).json().flatten_event(true)).try_init(),
    };
    if started.is_ok() {
        log_lines::control(handle);
    }
}
