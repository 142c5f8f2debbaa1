//! The kernels' tests for another processor, under emulation: the only part of the project that has code of its own for
//! each, and small enough to build for one more within a minute.

use anyhow::{Context, Result, bail};

use crate::{setup, shell};

/// The one processor beside x86-64 that there are kernels for.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Builds and runs the kernels' tests for `target`.
///
/// # Errors
/// If it is not one that can be emulated here, or a test fails.
pub fn run(target: &str, rest: &[String]) -> Result<()> {
    if target != TARGET {
        bail!("there are kernels for {TARGET} beside this machine's; asked for {target}");
    }
    if cfg!(target_arch = "aarch64") {
        // Here the plain tests are those of NEON.
        return shell::run(shell::cargo(&["test", "-p", "ostiary-kernels", "--"]).args(rest));
    }
    setup::ensure_emulation()?;
    shell::run(&mut shell::command("rustup", &["target", "add", TARGET]))
        .with_context(|| format!("getting the standard library for {TARGET}"))?;
    let mut test = shell::cargo(&["test", "-p", "ostiary-kernels", "--lib", "--target", TARGET, "--"]);
    shell::run(
        test.args(rest)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", "qemu-aarch64 -L /usr/aarch64-linux-gnu"),
    )
}

/// The same as a step of all tests.
///
/// # Errors
/// If a test fails.
pub fn step() -> Result<()> {
    run(TARGET, &[])
}
