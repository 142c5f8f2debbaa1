//! `cargo xtask screenshots`: the panel's pages as pictures, by the end-to-end tests' own browser and scene.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{setup, shell};

/// Where to put them.
#[derive(Args)]
pub struct ScreenshotsArgs {
    /// The folder; `target/screenshots` if it is not said.
    #[arg(long)]
    to: Option<PathBuf>,
}

/// Makes the pictures.
///
/// # Errors
/// If a page cannot be shown.
pub fn run(args: &ScreenshotsArgs) -> Result<()> {
    setup::ensure()?;
    shell::build_all()?;
    let folder = args.to.clone().unwrap_or_else(|| shell::root().join("target/screenshots"));
    let folder = std::path::absolute(folder)?;
    let mut test = shell::cargo(&["test", "--workspace", "--test", "e2e", "--", "pictures_of_every_page"]);
    shell::run(test.env("OSTIARY_SCREENS", &folder))?;
    println!("the pictures are in {}", folder.display());
    Ok(())
}
