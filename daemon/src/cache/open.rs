//! Opening the cache: verify all of it, and if anything is damaged set it aside, save what can be saved,
//! and begin anew.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ostiary_common::ids::PackId;
use ostiary_common::seal::SealKey;

use super::gallery::{GalleryContents, GalleryShelf};
use super::meta::MetaShelf;
use super::outbox::{Budget, EventDraft, OutboxShelf};
use super::shelf::Shelf;
use super::{Cache, CacheError, guarded};

/// Memory the storage engine may use for pages, bytes.
const PAGE_CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Damaged caches kept for whoever wants to look; older ones are removed.
const QUARANTINES_KEPT: usize = 2;
/// A damaged file can send the storage engine round in circles; after this it counts as damaged.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for somebody else to let go of the cache.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Between looks whether they have.
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// An opened cache and what is in it.
#[derive(Debug)]
pub struct Opened {
    /// The cache.
    pub cache: Cache,
    /// The gallery, verified.
    pub gallery: GalleryContents,
    /// What was set aside, if something was.
    pub quarantine: Option<Quarantine>,
}

/// A cache that was set aside.
#[derive(Debug)]
pub struct Quarantine {
    /// Where it lies now; `None` if it could not be moved and a cache in memory stands in.
    pub path: Option<PathBuf>,
    /// What was wrong with it.
    pub reason: String,
    /// Events saved from it.
    pub salvaged: usize,
}

/// Opens the cache in `dir`. `stamp` names the quarantine, for example the Unix time.
///
/// # Errors
/// [`CacheError`] only if not even an empty cache in memory can be made.
pub fn open(dir: &Path, key: &SealKey, pack: &PackId, budget: Budget, stamp: &str) -> Result<Opened, CacheError> {
    let (reason, saved) = match within_time(dir, key, pack, budget) {
        Attempt::Sound(cache, gallery) => return Ok(Opened { cache: *cache, gallery, quarantine: None }),
        Attempt::Damaged(reason, saved) => (reason, saved),
        Attempt::Unwritable(reason) => return stand_in(key, pack, budget, reason),
    };
    tracing::error!(%reason, "cache is damaged: setting it aside and beginning anew");
    let path = set_aside(dir, stamp).inspect_err(|error| tracing::error!(%error, "cannot set the cache aside")).ok();
    let fresh = match &path {
        Some(_) => within_time(dir, key, pack, budget),
        None => Attempt::Unwritable(reason.clone()),
    };
    let mut opened = match fresh {
        Attempt::Sound(cache, gallery) => Opened { cache: *cache, gallery, quarantine: None },
        Attempt::Damaged(again, _) | Attempt::Unwritable(again) => stand_in(key, pack, budget, again)?,
    };
    let salvaged = saved.len();
    for draft in saved {
        opened.cache.outbox.append(draft)?;
    }
    opened.quarantine = Some(Quarantine { path, reason, salvaged });
    Ok(opened)
}

/// A cache in memory, for a card that is full or takes no writes: the door stays in service. What is on the
/// card is left where it is.
fn stand_in(key: &SealKey, pack: &PackId, budget: Budget, reason: String) -> Result<Opened, CacheError> {
    tracing::error!(%reason, "no cache can be kept on disk: events will not survive a restart");
    let db = guarded(|| Ok(settings().temporary(true).open()?))?;
    let (cache, gallery) = load(&db, key, pack, budget)?;
    Ok(Opened { cache, gallery, quarantine: Some(Quarantine { path: None, reason, salvaged: 0 }) })
}

/// Opens the cache only to look: how many persons and waiting events, or what is wrong. Changes nothing.
///
/// # Errors
/// What is wrong, in words.
pub fn examine(dir: &Path, key: &SealKey, pack: &PackId, budget: Budget) -> Result<(usize, usize), String> {
    match within_time(dir, key, pack, budget) {
        Attempt::Sound(cache, gallery) => Ok((gallery.persons.len(), cache.outbox.len())),
        Attempt::Damaged(reason, _) | Attempt::Unwritable(reason) => Err(reason),
    }
}

enum Attempt {
    Sound(Box<Cache>, GalleryContents),
    Damaged(String, Vec<EventDraft>),
    /// Nothing is known to be wrong with the cache; the file system is full, read-only or closed to us.
    Unwritable(String),
}

/// Whether the file system refused, rather than gave back something damaged.
fn is_unwritable(error: &CacheError) -> bool {
    use std::io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let kind = match error {
        _ if is_locked(error) => return true,
        CacheError::Engine(sled::Error::Io(cause)) | CacheError::Files(cause) => cause.kind(),
        _ => return false,
    };
    matches!(kind, NotADirectory | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// Opens on a thread of its own, so that an engine that never returns does not keep the daemon from starting.
fn within_time(dir: &Path, key: &SealKey, pack: &PackId, budget: Budget) -> Attempt {
    let (sender, receiver) = mpsc::channel();
    let (dir, key, pack) = (dir.to_owned(), key.clone(), pack.clone());
    let spawned = std::thread::Builder::new().name("cache-open".into()).spawn(move || {
        let _ = sender.send(attempt(&dir, &key, &pack, budget));
    });
    match spawned.map(|_| receiver.recv_timeout(OPEN_TIMEOUT)) {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(_)) => Attempt::Damaged("the storage engine does not come to an end".into(), Vec::new()),
        Err(error) => Attempt::Damaged(error.to_string(), Vec::new()),
    }
}

fn attempt(dir: &Path, key: &SealKey, pack: &PackId, budget: Budget) -> Attempt {
    let db = match open_unlocked(dir) {
        Ok(db) => db,
        Err(error) if is_unwritable(&error) => return Attempt::Unwritable(error.to_string()),
        Err(error) => return Attempt::Damaged(error.to_string(), Vec::new()),
    };
    guarded(|| load(&db, key, pack, budget)).map_or_else(
        |error| Attempt::Damaged(error.to_string(), guarded(|| salvage(&db, key)).unwrap_or_default()),
        |(cache, gallery)| Attempt::Sound(Box::new(cache), gallery),
    )
}

/// Opens the database once nobody holds its lock: the engine lets go of it a little after a database was
/// dropped, and `doctor` may be looking. Another daemon is kept out by the lock on the state directory.
fn open_unlocked(dir: &Path) -> Result<sled::Db, CacheError> {
    let begun = Instant::now();
    loop {
        match guarded(|| Ok(settings().path(dir).open()?)) {
            Err(error) if is_locked(&error) && begun.elapsed() < LOCK_TIMEOUT => std::thread::sleep(LOCK_RETRY),
            other => return other,
        }
    }
}

fn is_locked(error: &CacheError) -> bool {
    matches!(error, CacheError::Engine(sled::Error::Io(cause)) if cause.to_string().contains("could not acquire lock"))
}

fn settings() -> sled::Config {
    // Flushing is done where it matters, by name; a timer would only wear the card.
    sled::Config::new().cache_capacity(PAGE_CACHE_BYTES).flush_every_ms(None).mode(sled::Mode::LowSpace)
}

fn load(db: &sled::Db, key: &SealKey, pack: &PackId, budget: Budget) -> Result<(Cache, GalleryContents), CacheError> {
    let shelf = |name| Shelf::open(db, name, key);
    let meta = MetaShelf::new(shelf("meta")?);
    meta.verify()?;
    let outbox = OutboxShelf::load(shelf("outbox")?, shelf("media")?, budget)?;
    let gallery = GalleryShelf::new(shelf("gallery")?);
    let contents = gallery.load(pack)?;
    Ok((Cache { gallery, outbox, meta }, contents))
}

fn salvage(db: &sled::Db, key: &SealKey) -> Result<Vec<EventDraft>, CacheError> {
    Ok(OutboxShelf::salvage(&Shelf::open(db, "outbox", key)?, &Shelf::open(db, "media", key)?))
}

fn set_aside(dir: &Path, stamp: &str) -> std::io::Result<PathBuf> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = dir.parent().unwrap_or(Path::new("."));
    let prefix = format!("{name}.quarantined-");
    let target = (0..)
        .map(|n| parent.join(if n == 0 { format!("{prefix}{stamp}") } else { format!("{prefix}{stamp}-{n}") }))
        .find(|path| !path.exists())
        .expect("some number is free");
    std::fs::rename(dir, &target)?;
    remove_older(parent, &prefix)?;
    Ok(target)
}

fn remove_older(parent: &Path, prefix: &str) -> std::io::Result<()> {
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = std::fs::read_dir(parent)?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .filter_map(|entry| Some((changed(&entry)?, entry.path())))
        .collect();
    found.sort();
    let surplus = found.len().saturating_sub(QUARANTINES_KEPT);
    found.into_iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_dir_all(path))
}

/// When the directory entry itself last changed; a rename counts, so the newest quarantine is the last.
fn changed(entry: &std::fs::DirEntry) -> Option<std::time::SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let metadata = entry.metadata().ok()?;
    let since = Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?);
    Some(std::time::UNIX_EPOCH + since)
}
