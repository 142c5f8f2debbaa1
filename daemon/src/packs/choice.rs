//! Which pack is run, over restarts and power cuts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ostiary_common::ids::PackId;
use serde::{Deserialize, Serialize};

use super::{FOLDER, dir_of};

const FILE: &str = "choice.json";
/// Starts of a pack on trial: the first may have ended by a power cut.
const MOST_STARTS: u32 = 2;
/// Packs that did not come up, remembered at most.
const MOST_FAILED: usize = 8;

/// What is run, and what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// The pack that is run; `None`: the one of the configuration.
    pub run: Option<PackId>,
    /// The one before it, the same way.
    pub before: Option<PackId>,
    /// How often a pack on trial was started; `None` once it has run well.
    pub trial: Option<u32>,
    /// Archives (SHA-256) that did not come up here, and why.
    pub failed: Vec<(String, String)>,
    /// The archive of the pack on trial.
    pub archive: String,
}

impl Choice {
    /// As it is kept; what cannot be read is nothing chosen.
    #[must_use]
    pub fn read(state_dir: &Path) -> Self {
        let text = fs::read(path(state_dir)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps it, as a whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn keep(&self, state_dir: &Path) -> io::Result<()> {
        let path = path(state_dir);
        fs::create_dir_all(state_dir.join(FOLDER))?;
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(self).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(state_dir.join(FOLDER))?.sync_all()
    }

    /// Another pack from the next start on, on trial.
    #[must_use]
    pub fn switched(self, to: Option<PackId>, archive: String) -> Self {
        Self { before: self.run, run: to, trial: Some(0), archive, ..self }
    }

    /// What is run at this start: a pack on trial that was started often enough and never got as far as to be confirmed is
    /// given up. `Err` says so, with what is run in its place.
    ///
    /// # Errors
    /// The choice after giving up, and why.
    pub fn started(self) -> Result<Self, Box<(Self, String)>> {
        match self.trial {
            None => Ok(self),
            Some(starts) if starts < MOST_STARTS => Ok(Self { trial: Some(starts + 1), ..self }),
            Some(starts) => {
                let why =
                    format!("it was started {starts} times, and each time the program ended before it had run well");
                Err(Box::new((self.gave_up(&why), why)))
            }
        }
    }

    /// The program was ended in order, which says nothing against the pack.
    #[must_use]
    pub fn ended_well(self) -> Self {
        Self { trial: self.trial.map(|_| 0), ..self }
    }

    /// The pack has run well.
    #[must_use]
    pub fn confirmed(self) -> Self {
        Self { trial: None, archive: String::new(), ..self }
    }

    /// The pack does not come up: the one before it is run, for good.
    #[must_use]
    pub fn gave_up(mut self, why: &str) -> Self {
        let archive = std::mem::take(&mut self.archive);
        let mut choice = Self { run: self.before.take(), before: None, trial: None, ..self };
        if !archive.is_empty() {
            choice.failed(archive, why);
        }
        choice
    }

    /// An archive is of no use here.
    pub fn failed(&mut self, archive: String, why: &str) {
        self.failed.retain(|(known, _)| *known != archive);
        self.failed.push((archive, why.to_owned()));
        let surplus = self.failed.len().saturating_sub(MOST_FAILED);
        self.failed.drain(..surplus);
    }

    /// Why an archive is of no use here, if it is not.
    #[must_use]
    pub fn why_failed(&self, archive: &str) -> Option<&str> {
        self.failed.iter().find(|(known, _)| known == archive).map(|(_, why)| why.as_str())
    }

    /// The folder of the pack that is run; `own` is the configuration's.
    #[must_use]
    pub fn dir(&self, state_dir: &Path, own: &Path) -> PathBuf {
        self.run.as_ref().map_or_else(|| own.to_owned(), |id| dir_of(state_dir, id))
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FOLDER).join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> PackId {
        PackId::parse(text).unwrap()
    }

    #[test]
    fn a_pack_on_trial_is_given_up_after_two_starts() {
        let chosen = Choice::default().switched(Some(id("new@2")), "aa".into());
        let first = chosen.started().unwrap();
        assert_eq!((first.run.clone(), first.trial), (Some(id("new@2")), Some(1)));
        let (back, why) = *first.clone().started().unwrap().started().unwrap_err();
        assert_eq!((back.run.clone(), back.trial), (None, None));
        assert_eq!(back.why_failed("aa"), Some(why.as_str()));
        assert_eq!(back.clone().started().unwrap(), back, "for good");

        assert_eq!(first.clone().started().unwrap().ended_well().started().unwrap(), first, "stopped by somebody");
        let well = first.confirmed();
        assert_eq!(well.clone().started().unwrap(), well, "however often it is started");
        let third = well.switched(Some(id("newer@3")), "bb".into());
        assert_eq!(third.gave_up("broken").run, Some(id("new@2")), "the one before");
    }

    #[test]
    fn what_is_kept_is_read_and_what_is_damaged_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Choice::read(dir.path()), Choice::default());
        let mut choice = Choice::default().switched(Some(id("new@2")), "aa".into());
        (0..20).for_each(|n| choice.failed(format!("{n}"), "why"));
        choice.keep(dir.path()).unwrap();
        assert_eq!(Choice::read(dir.path()), choice);
        assert_eq!((choice.failed.len(), choice.why_failed("0"), choice.why_failed("19")), (8, None, Some("why")));
        assert_eq!(choice.dir(dir.path(), Path::new("/own")), dir.path().join("packs/new@2"));
        fs::write(path(dir.path()), b"{").unwrap();
        assert_eq!(Choice::read(dir.path()).dir(dir.path(), Path::new("/own")), Path::new("/own"));
    }
}
