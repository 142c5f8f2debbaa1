//! People enrolled from photos, for measuring: a folder for each person, its name the person's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_common::wire::TemplateRow;
use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::RgbImage;

/// Who was enrolled.
#[derive(Debug, Default)]
pub struct People {
    /// The folder's name of each.
    pub names: BTreeMap<PersonId, String>,
    /// Their templates.
    pub persons: Vec<(PersonId, Vec<TemplateRow>)>,
    /// Photos in which no face was found or that could not be read.
    pub refused: Vec<PathBuf>,
}

/// Enrolls everyone under `dir`: the largest face of each photo.
pub fn enroll(engine: &mut FaceEngine, dir: &Path) -> anyhow::Result<People> {
    let mut people = People::default();
    for folder in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        let person = PersonId::generate();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut rows = Vec::new();
        for photo in entries(&folder)?.into_iter().filter(|path| path.is_file()) {
            match template(engine, &photo) {
                Some(row) => rows.push(row),
                None => people.refused.push(photo),
            }
        }
        people.names.insert(person, name);
        people.persons.push((person, rows));
    }
    anyhow::ensure!(!people.names.is_empty(), "{} holds no folder of photos", dir.display());
    Ok(people)
}

fn entries(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", dir.display());
    let entries = std::fs::read_dir(dir).with_context(reading)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(reading)?;
    paths.sort();
    Ok(paths)
}

fn template(engine: &mut FaceEngine, photo: &Path) -> Option<TemplateRow> {
    let picture = image::open(photo).ok()?.into_rgb8();
    let (width, height) = picture.dimensions();
    let picture = RgbImage::from_raw(width, height, picture.into_raw()).ok()?;
    let face = engine.find_faces_in_photo(picture.view()).ok()?.into_iter().next()?;
    let chip = engine.chip(picture.view(), &face);
    let angle = engine.quality(&face, &chip).angle();
    let embedding = engine.embed_still(&chip).ok()?.to_le_bytes().into();
    Some(TemplateRow { id: TemplateId::generate(), version: 1, angle, embedding })
}
