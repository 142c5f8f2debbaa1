//! Tests for another processor, under emulation. In full: everything a camera's board runs (`common`, `models`, the
//! daemon). As a step of all tests: the kernels alone, which have code of their own for each processor and are built for
//! one more within a minute.

use anyhow::{Result, bail};

use crate::{boards, shell};

/// What has code of its own for each processor.
const KERNELS: [&str; 1] = ["ostiary-kernels"];

/// Builds and runs the tests of everything a board runs for `target`; `rest` goes to the tests.
///
/// # Errors
/// If it is not one that can be emulated here, or a test fails.
pub fn run(target: &str, rest: &[String]) -> Result<()> {
    let known = boards::TARGET.triple();
    if target != known {
        bail!("tests are run for {known} beside this machine's processor; asked for {target}");
    }
    shell::run(boards::test(&boards::PACKAGES)?.args(["--tests", "--"]).args(rest))
}

/// The kernels alone, as a step of all tests.
///
/// # Errors
/// If a test fails.
pub fn step() -> Result<()> {
    shell::run(boards::test(&KERNELS)?.arg("--lib"))
}
