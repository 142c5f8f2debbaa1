//! Who is known and who comes: people of the labelled photos, enrolled from other photos than those shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::super::faces::{self, Face, Photo};
use crate::shell;

/// A detector's box is wider than the cheekbones by this factor.
const BOX_PER_CHEEK: f32 = 1.2;
/// Faces with a smaller box are not shown: they would have to be blown up.
const SMALLEST_PX: f32 = 85.0;
/// Free space a shown face needs to each side of its centre and above it, in boxes; less is a tight crop.
const FREE: [f32; 2] = [0.62, 0.62];
/// A group photo is used if no other face lies within so many boxes to the sides, above and below: what is drawn
/// around the face would show it.
const ALONE: [f32; 3] = [1.7, 1.2, 2.8];
/// Photos a person is enrolled from, at most.
const ENROLLED: usize = 3;
/// One person in so many is a stranger.
const STRANGER_OF: u64 = 3;
/// Of these the labels do not say whether someone of `people` is in them.
const UNSURE: [&str; 2] = ["Tom_Cruise_avp_2014_4.jpg", "many-people.jpg"];

/// What a scene needs.
pub struct Staging {
    /// A folder of photos for each person known.
    pub gallery: PathBuf,
    /// The list of who may come; `None` for the repository's own.
    pub cast: Option<PathBuf>,
}

#[derive(Serialize)]
struct List {
    people: Vec<Person>,
}

#[derive(Serialize)]
struct Person {
    person: String,
    mated: bool,
    shots: Vec<Shot>,
}

#[derive(Serialize)]
struct Shot {
    path: PathBuf,
    center: [f32; 2],
    face_px: f32,
}

/// Enrolls and casts from the labelled photos; from the repository's portraits where those are missing. The seed
/// says who is a stranger.
///
/// # Errors
/// If photos cannot be read or copied.
pub fn stage(worker: &Path, dir: &Path, seed: u64) -> Result<Staging> {
    let gallery = dir.join(format!("gallery-{seed}"));
    let _ = fs::remove_dir_all(&gallery);
    let Some(labelled) = faces::labelled() else {
        eprintln!("the repository's five portraits are taken instead");
        let portrait = shell::root().join("e2e/media/portraits/obama-2012.jpg");
        enroll(&gallery, "obama", [portrait.as_path()])?;
        return Ok(Staging { gallery, cast: None });
    };
    let mut list = List { people: Vec::new() };
    for (number, (person, photos)) in (seed..).zip(people(worker, &labelled)?) {
        let stranger = number % STRANGER_OF == STRANGER_OF - 1;
        let (enrolled, shown) = split(&photos, stranger);
        let mated = !enrolled.is_empty();
        if mated {
            enroll(&gallery, &person, enrolled.iter().map(|photo| photo.path.as_path()))?;
        }
        if !shown.is_empty() {
            let shots = shown.iter().map(|photo| shot(&photo.path, &photo.faces[0])).collect();
            list.people.push(Person { person, mated, shots });
        }
    }
    list.people.extend(strangers(worker, &labelled)?);
    let cast = dir.join(format!("cast-{seed}.json"));
    write_if_new(&cast, &serde_json::to_string_pretty(&list)?)?;
    Ok(Staging { gallery, cast: Some(cast) })
}

/// Photos of each person, those with the largest face first.
fn people(worker: &Path, labelled: &Path) -> Result<BTreeMap<String, Vec<Photo>>> {
    let mut people: BTreeMap<String, Vec<Photo>> = BTreeMap::new();
    for photo in faces::find(worker, &faces::of_people(labelled)?)?.into_iter().filter(|photo| !photo.faces.is_empty())
    {
        let folder = photo.path.parent().and_then(Path::file_name).unwrap_or_default();
        people.entry(folder.to_string_lossy().into_owned()).or_default().push(photo);
    }
    for photos in people.values_mut() {
        photos.sort_by(|a, b| b.faces[0].width.total_cmp(&a.faces[0].width));
    }
    Ok(people)
}

/// Which photos someone is enrolled from, as an admin would pick the good ones, and which are shown. Whose photos
/// are all cropped tightly is known but never comes.
fn split(photos: &[Photo], stranger: bool) -> (&[Photo], Vec<&Photo>) {
    let showable = |photos: &'_ [Photo]| photos.iter().any(can_be_shown);
    let enrolled = match (stranger, photos.len()) {
        (true, _) if showable(photos) => 0,
        (_, 0..2) => 0,
        (_, count) => ENROLLED.min(count / 2),
    };
    let (enrolled, others) = photos.split_at(enrolled);
    (enrolled, others.iter().filter(|photo| can_be_shown(photo)).collect())
}

fn can_be_shown(photo: &Photo) -> bool {
    let face = &photo.faces[0];
    let ([x, y], width) = (face.center, photo.size[0] as f32);
    let sides = x.min(width - x) / face.width;
    face.width >= SMALLEST_PX && sides >= FREE[0] && y / face.width >= FREE[1] && stands_alone(photo, 0)
}

fn stands_alone(photo: &Photo, which: usize) -> bool {
    let face = &photo.faces[which];
    let near = |other: &Face| {
        let [dx, dy] = [0, 1].map(|axis| (other.center[axis] - face.center[axis]) / face.width);
        dx.abs() < ALONE[0] && (-ALONE[1]..ALONE[2]).contains(&dy)
    };
    photo.faces.iter().enumerate().all(|(number, other)| number == which || !near(other))
}

/// People of the group photos, one photo each.
fn strangers(worker: &Path, labelled: &Path) -> Result<Vec<Person>> {
    let files = faces::entries(&labelled.join("strangers"))?;
    let sure = |path: &PathBuf| !UNSURE.iter().any(|name| path.ends_with(name));
    let mut found = Vec::new();
    for photo in faces::find(worker, &files.into_iter().filter(sure).collect::<Vec<_>>())? {
        let stem = photo.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (number, face) in photo.faces.iter().enumerate() {
            if face.width >= SMALLEST_PX && stands_alone(&photo, number) {
                let shots = vec![shot(&photo.path, face)];
                found.push(Person { person: format!("stranger-{stem}-{number}"), mated: false, shots });
            }
        }
    }
    Ok(found)
}

fn shot(path: &Path, face: &Face) -> Shot {
    Shot { path: path.to_owned(), center: face.center, face_px: face.width / BOX_PER_CHEEK }
}

fn enroll<'a>(gallery: &Path, person: &str, photos: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let folder = gallery.join(person);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for photo in photos {
        let copy = folder.join(photo.file_name().unwrap_or_default());
        fs::copy(photo, &copy).with_context(|| format!("copying {}", photo.display()))?;
    }
    Ok(())
}

/// A file that already says so keeps its time, and what was made of it stays current.
fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
