//! What the program tells of itself: log lines, errors by kind, figures, and traces where they are wanted.
//!
//! Start at [`start`]. [`faults`] groups errors, [`reports`] tells others of them, [`metrics`] names every figure.

pub mod faults;
pub mod metrics;
mod panics;
pub mod reports;
pub mod traces;

use std::sync::OnceLock;

use anyhow::{Context, Result};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::config::{LogConfig, LogFormat};

/// Starts the log of this process, and the book of its errors.
///
/// # Errors
/// If the filter is none, or a log was started before.
pub fn start(config: &LogConfig) -> Result<()> {
    let filter = config.filter().context("log.level")?;
    let traces = match config.traces_url.as_str() {
        "" => None,
        url => Some(traces::Traces::begin(url, config.traces_share)?),
    };
    let spans = traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer()));
    let registry = tracing_subscriber::registry().with(filter).with(spans);
    let registry = registry.with(faults::FaultLayer::new(faults::book()));
    let writer = std::io::stderr;
    match config.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(writer).with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(writer)).try_init(),
    }
    .context("starting the log")?;
    panics::log_them();
    if let Some(traces) = traces {
        // The log is started once, and so are they.
        let _ = TRACES.set(traces);
    }
    Ok(())
}

/// The traces of this process, where they are wanted.
pub fn traces() -> Option<&'static traces::Traces> {
    TRACES.get()
}

static TRACES: OnceLock<traces::Traces> = OnceLock::new();
