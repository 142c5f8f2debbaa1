//! Forgetting: a device as it was before its first claim, but for the events the server has not stored yet, if those
//! are to be kept.
//!
//! What is kept is moved into a new cache under a new key, so that what is not kept lies nowhere under a key that still
//! exists. A mark says how far a reset has come; one that a power cut broke off is finished at the next start.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result};
use ostiary_common::ids::PackId;

use crate::cache::{self, Budget, Cache, EventDraft};
use crate::config::Config;

/// Says that a reset has begun, and how far it has come.
const MARK: &str = "reset";
/// Held by whoever resets.
const LOCK: &str = "lock";
/// Who the device is.
const IDENTITY: &str = "identity";
/// What is kept, until the rest is gone.
const KEPT: &str = "kept";
/// Events moved at once.
const MOVED_AT_ONCE: usize = 500;
/// Bytes of events moved at once.
const MOVED_BYTES: u64 = 4 * 1024 * 1024;

/// What a reset leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// Events the server has not stored yet, and the time floor.
    Outbox,
    /// The same, and the identity: another one was claimed, and what was held for the one before is not its to hold.
    OutboxAndIdentity,
}

impl Keep {
    /// What lies in the state directory and is not removed.
    const fn spared(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[LOCK, MARK],
            Self::Outbox => &[LOCK, MARK, KEPT],
            Self::OutboxAndIdentity => &[LOCK, MARK, KEPT, IDENTITY],
        }
    }
}

/// How far a reset has come; the next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Move what is kept out of the way.
    SetAside(Keep),
    /// Remove everything else.
    Remove(Keep),
    /// Put back what was kept.
    PutBack,
}

impl Stage {
    const ALL: [(Self, &'static str); 6] = [
        (Self::SetAside(Keep::Outbox), "set-aside"),
        (Self::SetAside(Keep::OutboxAndIdentity), "set-aside-beside-the-identity"),
        (Self::Remove(Keep::Outbox), "remove-all-but-the-outbox"),
        (Self::Remove(Keep::OutboxAndIdentity), "remove-all-but-outbox-and-identity"),
        (Self::Remove(Keep::Nothing), "remove-all"),
        (Self::PutBack, "put-back"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("remove-all", |(_, word)| word)
    }

    /// A mark that cannot be read was written by a reset all the same.
    fn parse(word: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == word).map_or(Self::Remove(Keep::Nothing), |(stage, _)| *stage)
    }
}

/// Forgets everything in the state directory but what is to be kept. The caller holds the directory's lock.
///
/// # Errors
/// If something cannot be read or removed; it is tried again at the next start.
pub fn forget(config: &Config, keep: Keep) -> Result<()> {
    go_on(config, if keep == Keep::Nothing { Stage::Remove(keep) } else { Stage::SetAside(keep) })
}

/// Finishes a reset that was broken off, if one was.
///
/// # Errors
/// As [`forget`].
pub fn finish(config: &Config) -> Result<()> {
    match fs::read_to_string(config.device.state_dir.join(MARK)) {
        Ok(word) => go_on(config, Stage::parse(&word)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context("looking for a reset that was broken off"),
    }
}

fn go_on(config: &Config, from: Stage) -> Result<()> {
    let dir = &config.device.state_dir;
    let mut next = Some(from);
    while let Some(stage) = next {
        mark(dir, stage)?;
        next = match stage {
            Stage::SetAside(keep) => {
                set_aside(config).context("setting the outbox aside")?;
                Some(Stage::Remove(keep))
            }
            Stage::Remove(keep) => {
                remove_but(dir, keep.spared())?;
                Some(Stage::PutBack)
            }
            Stage::PutBack => {
                put_back(dir)?;
                None
            }
        };
    }
    remove(&dir.join(MARK))?;
    sync(dir)?;
    tracing::info!("everything is forgotten but what was to be kept");
    Ok(())
}

fn mark(dir: &Path, stage: Stage) -> Result<()> {
    let (path, beside) = (dir.join(MARK), dir.join("reset.new"));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(stage.word().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    write().with_context(|| format!("writing {}", path.display()))?;
    sync(dir)
}

/// Moves the outbox and the time floor into a cache of its own.
fn set_aside(config: &Config) -> Result<()> {
    let (dir, kept) = (&config.device.state_dir, config.device.state_dir.join(KEPT));
    remove(&kept)?;
    if !dir.join("cache").exists() {
        return Ok(());
    }
    fs::DirBuilder::new().mode(0o700).create(&kept)?;
    let old = open(config, dir)?;
    let new = open(config, &kept)?;
    if let Some(floor) = old.meta.time_floor()? {
        new.meta.raise_time_floor(floor)?;
    }
    let mut next = old.outbox.first_seq();
    loop {
        let events = old.outbox.batch(next, MOVED_AT_ONCE, MOVED_BYTES)?;
        let Some(last) = events.last().map(|event| event.seq) else { break };
        let drafts: Vec<EventDraft> = events.into_iter().map(EventDraft::from).collect();
        new.outbox.append_all(&drafts)?;
        next = last + 1;
    }
    Ok(())
}

/// The cache in `dir`, whatever model pack its gallery is of.
fn open(config: &Config, dir: &Path) -> Result<Cache> {
    let key = cache::load_or_make_key(config.device.key_file.as_deref(), dir)?;
    let budget = Budget { total_bytes: config.outbox.max_bytes, media_bytes: config.outbox.max_media_bytes };
    let nobodys = PackId::parse("none@0").context("a made-up pack")?;
    Ok(cache::open(&dir.join("cache"), &key, &nobodys, budget, "reset")?.cache)
}

/// Removes all that lies in `dir` but the names given.
fn remove_but(dir: &Path, spared: &[&str]) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let entry = entry?;
        if !spared.iter().any(|name| entry.file_name() == *name) {
            remove(&entry.path())?;
        }
    }
    sync(dir)
}

fn put_back(dir: &Path) -> Result<()> {
    let kept = dir.join(KEPT);
    for name in ["cache.key", "outbox", "cache"] {
        match fs::rename(kept.join(name), dir.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context("putting the outbox back"),
            _ => {}
        }
    }
    sync(dir)?;
    remove(&kept)
}

/// Removes a file or a folder. Files are written over first, which helps on a disk that writes in place; on a card
/// that does not, only a key that never lay on it does.
fn remove(path: &Path) -> Result<()> {
    let gone = |error: &std::io::Error| error.kind() == ErrorKind::NotFound;
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if gone(&error) => return Ok(()),
        metadata => metadata.with_context(|| format!("looking at {}", path.display()))?,
    };
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        if metadata.is_file() {
            overwrite(path, metadata.len());
        }
        fs::remove_file(path)
    };
    removed.with_context(|| format!("removing {}", path.display()))
}

/// Best effort: a file that cannot be written over is removed all the same.
fn overwrite(path: &Path, size_bytes: u64) {
    let zeros = vec![0; usize::try_from(size_bytes.min(64 * 1024)).unwrap_or(0)];
    let written = File::options().write(true).open(path).and_then(|mut file| {
        file.write_all(&zeros)?;
        file.sync_all()
    });
    if let Err(error) = written {
        tracing::debug!(%error, "{} could not be written over", path.display());
    }
}

fn sync(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).with_context(|| format!("flushing {}", dir.display()))
}

#[cfg(test)]
#[path = "reset_tests.rs"]
mod tests;
