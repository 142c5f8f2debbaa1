//! `cargo xtask vm`: the daemon on a real kernel with real V4L2 devices and under a real systemd, in a virtual machine.
//!
//! Start reading at [`stories`]; `guest` boots the machine, `arm` one of a board's processor, `loopback` builds the one driver Debian's kernel lacks.

mod arm;
mod container;
mod guest;
mod host;
mod loopback;
mod stories;

pub use host::Server;

use anyhow::{Result, bail};
use clap::Args;

use crate::shell;

/// What systemd runs in the laboratory.
const UNITS: [(&str, &str); 2] =
    [("ostiary-lab.target", include_str!("lab/lab.target")), ("ostiary-lab.service", include_str!("lab/lab.service"))];

/// Which stories to tell.
#[derive(Args, Default)]
pub struct VmArgs {
    /// Only what takes a few minutes: cameras in the machine, and a device's life under systemd in a container.
    #[arg(long)]
    short: bool,
    /// Only stories whose name contains this.
    #[arg(long)]
    story: Option<String>,
}

/// The short form, as a step of all tests. What cannot be told here is named, with the reason.
///
/// # Errors
/// If a story went wrong.
pub fn briefly() -> Result<()> {
    let is_root = shell::output(&mut shell::command("id", &["-u"]))?.trim() == "0";
    if !is_root {
        println!(
            "SKIPPED: the stories of `cargo xtask vm --short`: not root, who alone may lay file systems over others"
        );
        return Ok(());
    }
    run(&VmArgs { short: true, story: None })
}

/// Tells them, says how each went, and fails if one did.
///
/// # Errors
/// If the machine cannot be prepared, or a story went wrong.
pub fn run(args: &VmArgs) -> Result<()> {
    let wanted = |name: &str| args.story.as_deref().is_none_or(|part| name.contains(part));
    let told: Vec<_> = stories::all(args.short).into_iter().filter(|story| wanted(story.name)).collect();
    if told.is_empty() {
        bail!(
            "there is no such story; there are: {}",
            stories::all(false).iter().map(|s| s.name).collect::<Vec<_>>().join(", ")
        );
    }
    let mut failed = Vec::new();
    for story in told {
        eprintln!("\n== {}", story.name);
        let begun = std::time::Instant::now();
        let outcome = (story.tell)();
        println!("{:<12} {:>6.1} s  {}", story.name, begun.elapsed().as_secs_f64(), words(&outcome));
        if outcome.is_err() {
            failed.push(story.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("went wrong: {}", failed.join(", ")) }
}

fn words(outcome: &Result<()>) -> String {
    outcome.as_ref().map_or_else(|error| format!("FAILED: {error:#}"), |()| "ok".to_owned())
}
