//! A gallery made of photos: a folder for each person.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use ostiary_models::embed::Embedding;

use super::Lab;
use super::folders::{people, shown};
use super::photos::{Look, embed_all};

/// Who is known.
#[derive(Debug, Default)]
pub struct Enrolled {
    /// The folders' names.
    pub names: Vec<String>,
    /// The templates of each.
    pub templates: Vec<Vec<Embedding>>,
    /// The files they were made of, so that none of them is a probe, too.
    pub digests: BTreeSet<[u8; 32]>,
    /// Photos without a face found.
    pub not_detected: Vec<String>,
    /// Photos that cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
}

impl Enrolled {
    /// Enrolls everyone below `dir`, the largest face of each photo; at least one face must be found.
    pub fn read(lab: &Lab, dir: &Path) -> anyhow::Result<Self> {
        let (known, loose) = people(dir)?;
        ensure!(!known.is_empty(), "{} holds no folder of photos", dir.display());
        ensure!(loose.is_empty(), "{} lies in no person's folder", loose[0].display());
        let mut enrolled = Self { templates: vec![Vec::new(); known.len()], ..Self::default() };
        let owners: Vec<usize> = known.iter().enumerate().flat_map(|(n, p)| vec![n; p.photos.len()]).collect();
        let paths: Vec<PathBuf> = known.iter().flat_map(|person| person.photos.clone()).collect();
        enrolled.names = known.into_iter().map(|person| person.name).collect();
        for ((person, path), photo) in owners.into_iter().zip(&paths).zip(embed_all(lab, &paths)?) {
            enrolled.digests.extend(photo.digest);
            match photo.look {
                Look::Face(embedding) => enrolled.templates[person].push(embedding),
                Look::NoFace => enrolled.not_detected.push(shown(path, dir)),
                Look::Unreadable(why) => enrolled.unreadable.push((shown(path, dir), why)),
            }
        }
        let any = enrolled.templates.iter().any(|own| !own.is_empty());
        ensure!(any, "no face was found in any photo of {}", dir.display());
        Ok(enrolled)
    }
}
