//! The program `ostiaryd`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ostiary_daemon::cli::main()
}
