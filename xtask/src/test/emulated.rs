//! Tests for another processor, under emulation. In full: everything a camera's board runs (`common`, `models`, the
//! daemon). As a step of all tests: the kernels alone, which have code of their own for each processor and are built for
//! one more within a minute.

use anyhow::{Context, Result, bail};

use crate::dist::Target;
use crate::{setup, shell};

/// What runs on boards.
const ALL: [&str; 4] = ["ostiary-common", "ostiary-kernels", "ostiary-models", "ostiary-daemon"];
/// What has code of its own for each processor.
const KERNELS: [&str; 1] = ["ostiary-kernels"];

/// Builds and runs the tests of everything a board runs for `target`; `rest` goes to the tests.
///
/// # Errors
/// If it is not one that can be emulated here, or a test fails.
pub fn run(target: &str, rest: &[String]) -> Result<()> {
    if target != Target::Arm64.triple() {
        bail!("tests are run for {} beside this machine's processor; asked for {target}", Target::Arm64.triple());
    }
    test(&ALL, rest)
}

/// The kernels alone, as a step of all tests.
///
/// # Errors
/// If a test fails.
pub fn step() -> Result<()> {
    test(&KERNELS, &[])
}

fn test(packages: &[&str], rest: &[String]) -> Result<()> {
    let mut test = shell::cargo(&["test", "--lib", "--no-fail-fast"]);
    for package in packages {
        test.args(["-p", package]);
    }
    let target = Target::Arm64;
    if target == Target::host() {
        // Here the plain tests are those of NEON.
        return shell::run(test.arg("--").args(rest));
    }
    setup::ensure_emulation()?;
    shell::run(&mut shell::command("rustup", &["target", "add", target.triple()]))
        .with_context(|| format!("getting the standard library for {}", target.triple()))?;
    target.tools(&mut test);
    let runner = "qemu-aarch64 -L /usr/aarch64-linux-gnu";
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner);
    shell::run(test.args(["--target", target.triple(), "--"]).args(rest))
}
