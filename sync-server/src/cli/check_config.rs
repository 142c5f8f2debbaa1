//! `check-config`: is the configuration all right?

use std::process::ExitCode;

use crate::config::{Config, ConfigError};

/// Says so, or what is wrong.
pub fn run(config: Result<Config, ConfigError>) -> ExitCode {
    match config {
        Ok(_) => {
            println!("the configuration is all right");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
