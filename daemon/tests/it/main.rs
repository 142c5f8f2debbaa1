//! The program itself, as a person or a script meets it: commands, their answers, their exit codes.

mod cli;
mod eval;

use std::process::Command;

/// The program. Where it is built for another processor, `OSTIARY_TEST_RUNNER` tells what runs it here.
fn program() -> Command {
    let path = env!("CARGO_BIN_EXE_ostiaryd");
    let runner = std::env::var("OSTIARY_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(first) = words.next() else { return Command::new(path) };
    let mut command = Command::new(first);
    command.args(words).arg(path);
    command
}
