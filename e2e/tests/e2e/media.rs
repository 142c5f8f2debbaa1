//! Clips the tests share, rendered once.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use ostiary_e2e::clip::{Camera, Clip, Scene, Sitter};
use tempfile::TempDir;

/// One visit of Obama in 2009, then one of Biden.
pub fn two_visits() -> Result<PathBuf> {
    let script = || {
        vec![
            Scene::empty(0.6),
            Scene::visit(Sitter::Obama2009, 3.0),
            Scene::empty(1.4),
            Scene::visit(Sitter::Biden2010, 3.0),
            Scene::empty(1.4),
        ]
    };
    rendered("two-visits.mjpeg", script)
}

/// Many short visits: what fills an outbox.
pub fn short_visits() -> Result<PathBuf> {
    let script = || {
        let visit = |sitter| [Scene::visit(sitter, 1.6), Scene::empty(1.1)];
        [Sitter::Obama2009, Sitter::Biden2010, Sitter::Obama2012].into_iter().flat_map(visit).collect()
    };
    rendered("short-visits.mjpeg", script)
}

fn rendered(name: &str, script: impl Fn() -> Vec<Scene>) -> Result<PathBuf> {
    let path = folder().join(name);
    // Rendered beside and moved into place: another test may want the same clip at the same time.
    if !path.is_file() {
        let unfinished = tempfile::NamedTempFile::new_in(folder()).context("making a clip's file")?;
        Clip::render(&script(), &Camera::default())?.write_mjpeg(unfinished.path())?;
        unfinished.persist(&path).context("keeping a clip")?;
    }
    Ok(path)
}

/// One folder for this run of the tests; it goes when the process ends in order.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder for clips can be made")).path()
}
