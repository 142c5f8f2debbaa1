//! Who may come to the door, and in which photos they are shown.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::plan::Role;
use crate::clip::{Portrait, PortraitError, Sitter};

/// A cast that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// The list is missing or says something else than it should.
    #[error("cast {path}: {reason}")]
    List {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A photo is missing or no picture.
    #[error(transparent)]
    Portrait(#[from] PortraitError),
}

/// Everyone who may come.
#[derive(Debug)]
pub struct Cast {
    /// People of the gallery; shown in photos that the gallery does not have.
    pub mated: Vec<Actor>,
    /// Strangers.
    pub non_mated: Vec<Actor>,
}

/// Someone who may come.
#[derive(Debug)]
pub struct Actor {
    /// The person's name in the gallery, or what a stranger is called in the truth.
    pub person: String,
    /// In which photos.
    pub shots: Vec<Shot>,
}

/// A photo, ready to be drawn.
#[derive(Debug)]
pub struct Shot {
    /// The photo's file name.
    pub photo: String,
    /// The photo.
    pub portrait: Portrait,
}

#[derive(Deserialize)]
struct List {
    people: Vec<Person>,
}

#[derive(Deserialize)]
struct Person {
    person: String,
    mated: bool,
    shots: Vec<Photo>,
}

#[derive(Deserialize)]
struct Photo {
    path: PathBuf,
    center: [f32; 2],
    face_px: f32,
}

impl Cast {
    /// Reads a list `{"people": [{"person", "mated", "shots": [{"path", "center": [x, y], "face_px"}]}]}`; the face's
    /// centre and its width at the cheekbones are in pixels of the photo.
    ///
    /// # Errors
    /// [`CastError`] if the list or a photo cannot be read.
    pub fn read(path: &Path) -> Result<Self, CastError> {
        let wrong = |reason: String| CastError::List { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let list: List = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let (mut mated, mut non_mated) = (Vec::new(), Vec::new());
        for person in list.people {
            let side = if person.mated { &mut mated } else { &mut non_mated };
            side.push(Actor::open(person)?);
        }
        Ok(Self { mated, non_mated })
    }

    /// The repository's own portraits: one person known from another photo, and two strangers.
    ///
    /// # Errors
    /// [`CastError`] if a portrait cannot be read.
    pub fn of_the_repository() -> Result<Self, CastError> {
        let actor = |person: &str, sitters: &[Sitter]| -> Result<Actor, CastError> {
            let shots = sitters.iter().map(|sitter| Shot::open(&sitter.path(), sitter.center(), sitter.face_px()));
            Ok(Actor { person: person.to_owned(), shots: shots.collect::<Result<_, _>>()? })
        };
        Ok(Self {
            mated: vec![actor("obama", &[Sitter::Obama2009, Sitter::Obama2010])?],
            non_mated: vec![actor("biden", &[Sitter::Biden2010])?, actor("astronaut", &[Sitter::Astronaut])?],
        })
    }

    /// How many photos each person has: of the mated, of the others.
    #[must_use]
    pub fn counts(&self) -> [Vec<usize>; 2] {
        [&self.mated, &self.non_mated].map(|side| side.iter().map(|actor| actor.shots.len()).collect())
    }

    pub(super) fn actor(&self, role: &Role) -> &Actor {
        let side = if role.mated { &self.mated } else { &self.non_mated };
        &side[role.person]
    }

    pub(super) fn shot(&self, role: &Role) -> &Shot {
        &self.actor(role).shots[role.shot]
    }
}

impl Actor {
    fn open(person: Person) -> Result<Self, CastError> {
        let shots = person.shots.iter().map(|photo| Shot::open(&photo.path, photo.center, photo.face_px));
        Ok(Self { shots: shots.collect::<Result<_, _>>()?, person: person.person })
    }
}

impl Shot {
    fn open(path: &Path, center: [f32; 2], face_px: f32) -> Result<Self, CastError> {
        let photo = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { photo, portrait: Portrait::open(path, center, face_px)? })
    }
}
