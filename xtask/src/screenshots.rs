//! `cargo xtask screenshots`: the panel's pages as pictures, by the end-to-end tests' own browser and scene.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::{setup, shell};

/// Where to put them.
#[derive(Args)]
pub struct ScreenshotsArgs {
    /// The folder; `target/screenshots` if it is not said.
    #[arg(long)]
    to: Option<PathBuf>,
    /// Put those that the documentation shows into `docs/pictures`.
    #[arg(long)]
    guide: bool,
}

/// Pictures of the documentation, and the pages they are of.
const GUIDE: [(&str, &str); 8] = [
    ("analytics", "analytics"),
    ("conversation", "conversations-one"),
    ("live", "live"),
    ("person", "people-one"),
    ("retention", "retention"),
    ("rules", "rules"),
    ("visit", "visits-one"),
    ("webhooks", "rules-webhooks"),
];

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
    if args.guide { guide(&folder) } else { Ok(()) }
}

/// Takes those that the documentation shows.
fn guide(from: &Path) -> Result<()> {
    let to = shell::root().join("docs/pictures");
    for (name, page) in GUIDE {
        let (picture, shown) = (from.join(format!("{page}-light-wide.png")), to.join(format!("{name}.webp")));
        let mut convert = shell::command("ffmpeg", &["-v", "error", "-y", "-i"]);
        shell::run(convert.arg(picture).args(["-vf", "scale=1100:-1", "-quality", "80"]).arg(shown))?;
    }
    println!("those of the documentation are in {}", to.display());
    Ok(())
}
