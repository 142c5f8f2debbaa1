//! Rendered scenes, kept for the next run under the name of what they follow from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::judge::Truth;
use crate::shell;

/// A rendered scene.
pub struct Scene {
    /// The video, Y4M.
    pub video: PathBuf,
    /// What is true of it.
    pub truth: Truth,
}

/// Renders scenes.
pub struct Studio<'a> {
    dir: &'a Path,
    renderer: PathBuf,
}

impl<'a> Studio<'a> {
    /// Builds the renderer.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn open(dir: &'a Path) -> Result<Self> {
        shell::run(&mut shell::cargo(&["build", "-p", "ostiary-e2e", "--bin", "ostiary-media"]))?;
        Ok(Self { dir, renderer: shell::dev_binary("ostiary-media") })
    }

    /// The scene of a story, rendered anew only if renderer or cast are newer than the one there.
    ///
    /// # Errors
    /// If it cannot be rendered or its truth not be read.
    pub fn scene(&self, story: &str, minutes: f32, seed: u64, cast: Option<&Path>) -> Result<Scene> {
        let name = format!("{story}-{seed}-{minutes}");
        let (video, truth) = (self.dir.join(format!("{name}.y4m")), self.dir.join(format!("{name}.json")));
        // The truth is written last, so that a scene without it is not whole.
        let made = modified(&truth);
        if made.is_none() || [Some(self.renderer.as_path()), cast].into_iter().flatten().any(|on| modified(on) > made) {
            let mut command = Command::new(&self.renderer);
            command.arg("door").arg(&video).arg("--truth").arg(&truth).args(["--story", story]);
            command.args(["--minutes", &minutes.to_string(), "--seed", &seed.to_string()]);
            if let Some(cast) = cast {
                command.arg("--cast").arg(cast);
            }
            shell::run(&mut command)?;
        }
        let text = fs::read_to_string(&truth).with_context(|| format!("reading {}", truth.display()))?;
        let truth = serde_json::from_str(&text).with_context(|| format!("reading {}", truth.display()))?;
        Ok(Scene { video, truth })
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
