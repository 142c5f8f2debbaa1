//! `ostiaryd check-config` and `ostiaryd generate-config`.

use std::path::Path;
use std::process::ExitCode;

use crate::config::{self, DEFAULT_PATH, TEMPLATE};

/// Says whether the configuration can be used.
pub fn check(path: Option<&Path>) -> anyhow::Result<ExitCode> {
    config::load(path)?;
    println!("{}: configuration is valid", path.unwrap_or(Path::new(DEFAULT_PATH)).display());
    Ok(ExitCode::SUCCESS)
}

/// Prints a configuration to start from.
pub fn generate() -> anyhow::Result<ExitCode> {
    print!("{TEMPLATE}");
    Ok(ExitCode::SUCCESS)
}
