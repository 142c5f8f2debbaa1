//! `cargo xtask check-api`: asks a real server everything its description allows, and much that it does not, as each role.

use anyhow::Result;
use clap::Args;

use crate::models::environment::Environment;
use crate::shell;

/// How much is asked.
#[derive(Args)]
pub struct CheckApiArgs {
    /// Requests at random for each operation and role, beside the examples and borders.
    #[arg(long, default_value_t = 20)]
    examples: u32,
    /// Only as these roles: owner, admin, operator, viewer, auditor, nobody.
    #[arg(long, value_delimiter = ',')]
    roles: Vec<String>,
}

/// Builds the server and asks it.
///
/// # Errors
/// If an answer is not described, or the server fails.
pub fn run(args: &CheckApiArgs) -> Result<()> {
    shell::build_all()?;
    ask(args)
}

fn ask(args: &CheckApiArgs) -> Result<()> {
    let environment = Environment::api()?;
    let mut check = environment.script("check.py");
    check.arg(shell::dev_binary("ostiary-server")).arg("--examples").arg(args.examples.to_string());
    if !args.roles.is_empty() {
        check.arg("--roles").args(&args.roles);
    }
    shell::run(&mut check)
}

/// A short form for the whole of the tests: the two ends of what roles may.
///
/// # Errors
/// If an answer is not described, or the server fails.
pub fn briefly() -> Result<()> {
    ask(&CheckApiArgs { examples: 3, roles: ["owner", "viewer", "nobody"].map(str::to_owned).to_vec() })
}
