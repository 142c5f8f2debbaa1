//! Starts the `ostiary-server` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ostiary_server::cli::main()
}
