//! `cargo xtask models calibrate`: lets `ostiaryd eval calibrate` measure, and writes what it found into `pack.toml`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::pack_dir;
use crate::bench::Profile;
use crate::shell;

/// On what to measure.
#[derive(Args)]
pub struct CalibrateArgs {
    /// Labelled photos, a folder for each person; `faces/people` below `OSTIARY_SHARED` if not given.
    #[arg(long, value_name = "DIR")]
    faces: Option<PathBuf>,
    /// The pack to be calibrated; the default pack if not given.
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// What the photos are, for the manifest.
    #[arg(long, value_name = "TEXT", default_value = "simulated visits made of public labelled photos")]
    about: String,
    /// How the daemon is compiled.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Measures and writes.
///
/// # Errors
/// If there are no photos, or too few people on them.
pub fn run(args: &CalibrateArgs) -> Result<()> {
    let shared = || {
        let root = std::env::var_os("OSTIARY_SHARED").map_or_else(|| shell::root().join("../shared"), PathBuf::from);
        root.join("faces/people")
    };
    let faces = args.faces.clone().unwrap_or_else(shared);
    ensure!(faces.is_dir(), "{} is no folder of labelled photos: give one with --faces", faces.display());
    let pack = args.pack.clone().unwrap_or_else(pack_dir);
    let mut measure = Command::new(args.profile.daemon()?);
    measure.args(["eval", "calibrate", "--about", &args.about]);
    measure.arg("--images").arg(&faces).arg("--pack").arg(&pack);
    // How far it is, and how far the fit can be trusted, is for the person who waits.
    measure.stderr(Stdio::inherit());
    let table = shell::output(&mut measure).context("measuring")?;
    let path = pack.join("pack.toml");
    let manifest = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    std::fs::write(&path, with_table(&manifest, &table)).with_context(|| format!("writing {}", path.display()))?;
    println!("{}: [calibration] written", path.display());
    Ok(())
}

/// The manifest with the table at its end, in place of the one it had.
fn with_table(manifest: &str, table: &str) -> String {
    let lines = manifest.lines().take_while(|line| line.trim() != "[calibration]");
    let kept: Vec<&str> = lines.filter(|line| *line != NOTE).collect();
    format!("{}\n\n{NOTE}\n{table}", kept.join("\n").trim_end())
}

const NOTE: &str =
    "# Measured by `cargo xtask models calibrate`; what it means is told in docs/accuracy.md. Keep it last.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_replaced_and_the_rest_kept() {
        let once = with_table("a = 1\n\n[b]\nc = 2\n", "[calibration]\npeople = 3\n");
        assert_eq!(once, format!("a = 1\n\n[b]\nc = 2\n\n{NOTE}\n[calibration]\npeople = 3\n"));
        assert_eq!(with_table(&once, "[calibration]\npeople = 3\n"), once);
    }
}
