//! What the program tells of itself: log lines, errors by kind, figures, and traces where they are wanted.
//!
//! Start at [`start`]. [`faults`] groups errors, [`metrics`] names every figure.

pub mod faults;
pub mod metrics;
mod panics;

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
    let registry = tracing_subscriber::registry().with(filter).with(faults::FaultLayer::new(faults::book()));
    let writer = std::io::stderr;
    match config.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(writer).with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(writer)).try_init(),
    }
    .context("starting the log")?;
    panics::log_them();
    Ok(())
}
