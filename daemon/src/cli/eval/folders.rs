//! Photos in folders: a folder for each person, or for each kind.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A person's photos.
#[derive(Debug)]
pub struct Person {
    /// The folder's name.
    pub name: String,
    /// The photos, in alphabetical order.
    pub photos: Vec<PathBuf>,
}

/// The folders directly below `dir`, each a person, and the photos that stand in `dir` itself.
pub fn people(dir: &Path) -> anyhow::Result<(Vec<Person>, Vec<PathBuf>)> {
    let (folders, files): (Vec<_>, Vec<_>) = entries(dir)?.into_iter().partition(|path| path.is_dir());
    let person = |folder: PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Person { name, photos: pictures(entries(&folder)?) })
    };
    let people = folders.into_iter().map(person).collect::<anyhow::Result<Vec<_>>>()?;
    Ok((people.into_iter().filter(|person| !person.photos.is_empty()).collect(), pictures(files)))
}

/// Every picture below `dir`, however deep.
pub fn pictures_below(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(dir)? {
        if path.is_dir() {
            found.extend(pictures_below(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(pictures(found))
}

/// What stands in a folder, in alphabetical order; hidden files do not count.
pub fn entries(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("reading the folder {}", dir.display());
    ensure!(dir.is_dir(), "{} is not a folder", dir.display());
    let entries = std::fs::read_dir(dir).with_context(reading)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(reading)?;
    paths.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}

/// Those with the name of a picture: notes and lists may lie beside them.
fn pictures(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let kinds = ["jpg", "jpeg", "png", "webp"];
    let is_picture = |path: &PathBuf| {
        let kind = path.extension().map(|kind| kind.to_string_lossy().to_ascii_lowercase());
        kind.is_some_and(|kind| kinds.contains(&kind.as_str()))
    };
    paths.into_iter().filter(is_picture).collect()
}

/// A path as it is shown: from `dir` on.
pub fn shown(path: &Path, dir: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}
