//! `cargo xtask faults all`: each trial in short, one after the other, in about ten minutes.

use anyhow::{Context, Result};
use clap::Parser;

use super::FaultsArgs;

/// The short forms, as one would type them.
const SHORT: [&str; 3] = ["sim --seeds 500", "kill --events 2000 --kills 40 --seconds 120", "power --minutes 2"];

/// A line after `cargo xtask faults`.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    faults: FaultsArgs,
}

/// Runs every trial; a broken promise in one does not keep the others from being run.
///
/// # Errors
/// If one of them failed; the first failure is told.
pub fn run() -> Result<()> {
    let outcomes = SHORT.map(|line| {
        let outcome = run_line(line).with_context(|| format!("cargo xtask faults {line}"));
        outcome.inspect_err(|error| eprintln!("error: {error:#}"))
    });
    outcomes.into_iter().collect()
}

fn run_line(line: &str) -> Result<()> {
    let words = ["faults"].into_iter().chain(line.split(' '));
    super::run(&Line::try_parse_from(words)?.faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_forms_are_lines_one_could_type() {
        for line in SHORT {
            let words = ["faults"].into_iter().chain(line.split(' '));
            assert!(Line::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
