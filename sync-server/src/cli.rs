//! Under way.
use std::process::ExitCode;
/// Under way.
pub fn main() -> ExitCode { ExitCode::SUCCESS }
