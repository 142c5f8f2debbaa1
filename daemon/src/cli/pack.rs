//! `ostiaryd pack check DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

use ostiary_models::pack::{Severity, check_dir};

/// Examine model packs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say everything that is wrong with a pack, and how to mend it.
    Check {
        /// The pack's directory.
        dir: PathBuf,
    },
}

/// Examines a pack; fails if it cannot be used.
pub fn pack(command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Check { dir } = command;
    let findings = check_dir(dir);
    for finding in &findings {
        let mark = match finding.severity {
            Severity::Ok => "ok",
            Severity::Warning => "warn",
            Severity::Error => "fail",
        };
        println!("{mark:4}  {}", finding.what);
        if !finding.fix.is_empty() {
            println!("      {}", finding.fix);
        }
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(ExitCode::FAILURE);
    }
    println!("{} can be used", dir.display());
    Ok(ExitCode::SUCCESS)
}
