//! `cargo xtask faults offline`: a month without the network. One process fills the outbox, another opens it and drains
//! it while visits go on; the same bytes are written and read plainly beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value};

use crate::bench::Profile;
use crate::shell;

/// How long the month is, and on which disk.
#[derive(Args)]
pub struct OfflineArgs {
    /// Events in the month.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// The largest picture of an event, bytes; 0 for none.
    #[arg(long, default_value_t = 0)]
    picture_bytes: usize,
    /// Disk budget, bytes; the daemon's own if not given.
    #[arg(long)]
    budget_bytes: Option<u64>,
    /// Where the outbox lies meanwhile; on the disk to be measured.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How the program is compiled.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Fills, opens, drains, and prints one line of JSON.
///
/// # Errors
/// If something was lost or came out of order.
pub fn run(args: &OfflineArgs) -> Result<()> {
    let program = args.profile.daemon()?;
    let dir = args.dir.clone().unwrap_or_else(|| shell::target_dir().join("offline"));
    let _ = std::fs::remove_dir_all(&dir);
    let mut findings = half(args, &program, &dir, true)?;
    findings.extend(half(args, &program, &dir, false)?);
    std::fs::remove_dir_all(&dir).context("tidying up")?;
    println!("{}", Value::Object(findings));
    Ok(())
}

fn half(args: &OfflineArgs, program: &Path, dir: &Path, fill: bool) -> Result<Map<String, Value>> {
    let mut command = shell::command(program, &["disk-trial", "offline", "--dir"]);
    command.arg(dir).args(["--events", &args.events.to_string()]);
    command.args(["--picture-bytes", &args.picture_bytes.to_string()]);
    if let Some(bytes) = args.budget_bytes {
        command.args(["--budget-bytes", &bytes.to_string()]);
    }
    if fill {
        command.arg("--fill");
    }
    let output = shell::output(&mut command)?;
    let line = output.lines().last().context("the trial printed nothing")?;
    serde_json::from_str(line).with_context(|| format!("the trial printed `{line}`"))
}
