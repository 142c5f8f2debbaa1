//! What runs on a camera's board, built for a board's processor on another machine, in one selection: its tests under
//! emulation and its programs in an emulated machine are compiled from the same dependencies, once.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::dist::Target;
use crate::{setup, shell};

/// What runs on boards.
pub const PACKAGES: [&str; 4] = ["ostiary-common", "ostiary-kernels", "ostiary-models", "ostiary-daemon"];
/// The processor.
pub const TARGET: Target = Target::Arm64;
/// What runs a board's program here.
pub const RUNNER: &str = "qemu-aarch64 -L /usr/aarch64-linux-gnu";

/// What was built.
pub struct Built {
    /// Unit tests, by crate.
    tests: Vec<(String, PathBuf)>,
    /// `ostiaryd`.
    pub daemon: PathBuf,
}

impl Built {
    /// The unit tests of a crate.
    ///
    /// # Errors
    /// If it has none.
    pub fn tests_of(&self, name: &str) -> Result<&PathBuf> {
        let found = self.tests.iter().find(|(built, _)| built == name);
        found.map(|(_, path)| path).with_context(|| format!("cargo built no unit tests of {name}"))
    }
}

/// `cargo test` of `packages` for the board's processor, with everything that takes here; on such a board the plain one.
///
/// # Errors
/// If compilers or the standard library cannot be had.
pub fn test(packages: &[&str]) -> Result<Command> {
    let mut test = shell::cargo(&["test", "--no-fail-fast"]);
    for package in packages {
        test.args(["-p", package]);
    }
    if TARGET == Target::host() {
        return Ok(test);
    }
    setup::ensure_emulation()?;
    TARGET.add()?;
    TARGET.tools(&mut test);
    test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER);
    // Tests that start the program themselves.
    test.env("OSTIARY_TEST_RUNNER", RUNNER);
    test.args(["--target", TARGET.triple()]);
    Ok(test)
}

/// Builds the programs and the tests.
///
/// # Errors
/// If they do not compile.
pub fn build() -> Result<Built> {
    let mut build = test(&PACKAGES)?;
    build.args(["--tests", "--no-run", "--message-format=json"]);
    let found = executables(&shell::output(&mut build)?);
    let daemon = found.iter().find(|found| found.name == "ostiaryd" && !found.is_test);
    let daemon = daemon.context("cargo built no ostiaryd")?.path.clone();
    let tests = found.into_iter().filter(|found| found.is_test && found.is_library);
    Ok(Built { tests: tests.map(|found| (found.name, found.path)).collect(), daemon })
}

/// A file that runs.
pub struct Executable {
    /// The crate's name.
    pub name: String,
    /// Whether it is tests.
    pub is_test: bool,
    /// Whether it is those of a library.
    pub is_library: bool,
    /// Where it is.
    pub path: PathBuf,
}

/// Everything that runs of what cargo says it built.
pub fn executables(messages: &str) -> Vec<Executable> {
    let artifacts = messages.lines().filter(|line| line.contains("\"compiler-artifact\""));
    let artifacts = artifacts.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = |artifact: Value| {
        let kinds = artifact["target"]["kind"].as_array()?;
        Some(Executable {
            name: artifact["target"]["name"].as_str()?.to_owned(),
            is_test: artifact["profile"]["test"] == true,
            is_library: kinds.iter().any(|kind| kind == "lib"),
            path: PathBuf::from(artifact["executable"].as_str()?),
        })
    };
    artifacts.filter_map(found).collect()
}
