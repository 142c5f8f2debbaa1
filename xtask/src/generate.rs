//! `cargo xtask gen`: files that are generated and committed. With `--check` nothing is written; a file
//! that is not current is an error.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell;

/// Where the API description lies.
const OPENAPI: &str = "docs/openapi.json";

/// Write or check.
#[derive(Args)]
pub struct GenArgs {
    /// Only check that the files are current.
    #[arg(long)]
    check: bool,
}

/// Builds the server and writes or checks what it generates.
///
/// # Errors
/// If something cannot be made, or is not current.
pub fn run(args: &GenArgs) -> Result<()> {
    shell::build_all()?;
    openapi(args.check)
}

/// Checks the generated files with the programs as built.
///
/// # Errors
/// If a file is not current.
pub fn check_current() -> Result<()> {
    openapi(true)
}

fn openapi(check: bool) -> Result<()> {
    let path = shell::root().join(OPENAPI);
    let current = shell::output(&mut shell::command(shell::dev_binary("ostiary-server"), &["openapi"]))?;
    if !check {
        fs::write(&path, &current).with_context(|| format!("writing {OPENAPI}"))?;
        println!("wrote {OPENAPI}");
        return Ok(());
    }
    let committed = fs::read_to_string(&path).with_context(|| format!("reading {OPENAPI}"))?;
    if committed.trim_end() != current.trim_end() {
        bail!("{OPENAPI} is not what the server says; run `cargo xtask gen` and commit the result");
    }
    println!("{OPENAPI} is current");
    Ok(())
}
