//! `cargo xtask check`: everything that can be said of the code without running it.

mod arrows;
mod links;
mod words;

use anyhow::{Result, bail};
use clap::Args;

use crate::shell;

/// Which checks.
#[derive(Args)]
pub struct CheckArgs {
    /// Only the checks that compile nothing.
    #[arg(long)]
    quick: bool,
}

/// A check and its name.
pub type Step = (&'static str, fn() -> Result<()>);

/// Checks that compile nothing.
const LIGHT: [Step; 5] = [
    ("format", format),
    ("arrows", arrows::check),
    ("words", words::check),
    ("links", links::check),
    ("dependencies", dependencies),
];

/// Checks that compile.
const HEAVY: [Step; 2] = [("clippy", clippy), ("documentation", documentation)];

/// Every check, in the order they are run.
#[must_use]
pub fn steps() -> Vec<Step> {
    LIGHT.into_iter().chain(HEAVY).collect()
}

/// Runs the checks, all of them even if one fails.
///
/// # Errors
/// If one failed; each is printed.
pub fn run(args: &CheckArgs) -> Result<()> {
    let steps = if args.quick { LIGHT.to_vec() } else { steps() };
    let mut failed = Vec::new();
    for (name, step) in steps {
        eprintln!("== {name}");
        if let Err(error) = step() {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn format() -> Result<()> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    shell::run(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn documentation() -> Result<()> {
    let mut command = shell::cargo(&["doc", "--workspace", "--no-deps"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Licences, bans and advisories, as `deny.toml` says.
fn dependencies() -> Result<()> {
    if !shell::has_program("cargo-deny") && shell::output(&mut shell::cargo(&["deny", "--version"])).is_err() {
        eprintln!("SKIPPED: cargo-deny is not installed (`cargo install cargo-deny --locked`); deny.toml not enforced");
        return Ok(());
    }
    shell::run(&mut shell::cargo(&["deny", "--all-features", "check", "licenses", "bans", "sources"]))?;
    match shell::output(&mut shell::cargo(&["deny", "--all-features", "check", "advisories"])) {
        Err(error) if error.to_string().contains("failed to fetch advisory database") => {
            eprintln!("SKIPPED: the advisory database cannot be reached; advisories not checked");
            Ok(())
        }
        checked => checked.map(drop),
    }
}
