//! `cargo xtask ci`: what the continuous integration runs, so that it can be tried at home.

use crate::shell;

/// Runs `.ci/run`.
///
/// # Errors
/// If it fails.
pub fn run() -> anyhow::Result<()> {
    shell::run(&mut shell::command("bash", &[".ci/run"]))
}
