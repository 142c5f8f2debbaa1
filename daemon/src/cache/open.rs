//! Opening the cache: verify gallery and small values, and if anything is damaged set them aside and begin anew; the
//! outbox beside them is opened by itself and outlives their damage.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ostiary_common::ids::PackId;
use ostiary_common::seal::SealKey;

use super::gallery::{GalleryContents, GalleryShelf};
use super::meta::MetaShelf;
use super::outbox::{Budget, EventDraft, OpenError, OpenedOutbox, OutboxShelf};
use super::reserve::Reserve;
use super::shelf::Shelf;
use super::{Cache, CacheError, guarded, legacy};

/// The outbox's folder, beside the cache.
const OUTBOX: &str = "outbox";

/// Memory the storage engine may use for pages, bytes.
const PAGE_CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Damaged caches kept for whoever wants to look; older ones are removed.
const QUARANTINES_KEPT: usize = 2;
/// How the name of a snapshot ends that is being written (sled 0.34).
const UNFINISHED: &str = "generating";
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

/// Opens the cache in `dir` and the outbox beside it. `stamp` names the quarantine, for example the Unix time.
///
/// # Errors
/// [`CacheError`] only if not even an empty cache in memory can be made.
pub fn open(dir: &Path, key: &SealKey, pack: &PackId, budget: Budget, stamp: &str) -> Result<Opened, CacheError> {
    let (engine, aside) = open_engine(dir, key, pack, stamp)?;
    let (outbox, damage) = open_outbox(&dir.with_file_name(OUTBOX), key, budget, stamp)?;
    if !engine.events.is_empty() {
        outbox.append_all(&engine.events)?;
        tracing::info!("{} events of the former outbox go on in the new one", engine.events.len());
    }
    if let Some(db) = &engine.db {
        legacy::remove(db)?;
    }
    let cache = Cache { gallery: engine.gallery, beside: engine.beside, outbox, meta: engine.meta };
    Ok(Opened { cache, gallery: engine.contents, quarantine: join(aside, damage) })
}

/// The storage engine with gallery and small values; set aside and begun anew if it is damaged.
fn open_engine(
    dir: &Path,
    key: &SealKey,
    pack: &PackId,
    stamp: &str,
) -> Result<(Engine, Option<Quarantine>), CacheError> {
    let reserve = Reserve::beside(dir);
    forget_unfinished(dir);
    let first = match within_time(dir, key, pack) {
        Attempt::Unwritable(reason) if reserve.give_up() => {
            tracing::warn!(%reason, "the card is full: opening the cache in the room kept free for that");
            forget_unfinished(dir);
            within_time(dir, key, pack)
        }
        attempt => attempt,
    };
    let (reason, saved) = match first {
        Attempt::Sound(engine) => {
            reserve.keep();
            return Ok((*engine, None));
        }
        Attempt::Damaged(reason, saved) => (reason, saved),
        Attempt::Unwritable(reason) => return stand_in(key, pack, reason),
    };
    tracing::error!(%reason, "cache is damaged: setting it aside and beginning anew");
    let path = set_aside(dir, stamp).inspect_err(|error| tracing::error!(%error, "cannot set the cache aside")).ok();
    let fresh = match &path {
        Some(_) => within_time(dir, key, pack),
        None => Attempt::Unwritable(reason.clone()),
    };
    let (mut engine, _) = match fresh {
        Attempt::Sound(engine) => (*engine, None),
        Attempt::Damaged(again, _) | Attempt::Unwritable(again) => stand_in(key, pack, again)?,
    };
    let salvaged = saved.len();
    engine.events = saved;
    Ok((engine, Some(Quarantine { path, reason, salvaged })))
}

/// Takes away snapshots the engine did not finish, because the card was full or the power went: it takes the newest by name
/// for its state, finished or not, and finds an unfinished one damaged.
fn forget_unfinished(dir: &Path) {
    let unfinished = |path: &PathBuf| path.extension().is_some_and(|extension| extension == UNFINISHED);
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    for path in entries.map(|entry| entry.path()).filter(unfinished) {
        match std::fs::remove_file(&path) {
            Ok(()) => tracing::info!("an unfinished snapshot was left behind, {} is removed", path.display()),
            Err(error) => tracing::warn!(%error, "{} cannot be removed: {error}", path.display()),
        }
    }
}

/// A cache in memory, for a card that is full or takes no writes: the door stays in service. What is on the
/// card is left where it is.
fn stand_in(key: &SealKey, pack: &PackId, reason: String) -> Result<(Engine, Option<Quarantine>), CacheError> {
    tracing::error!(%reason, "no gallery can be kept on disk: it is fetched anew after a restart");
    let db = guarded(|| Ok(settings().temporary(true).open()?))?;
    let engine = load(&db, key, pack, None)?;
    Ok((engine, Some(Quarantine { path: None, reason, salvaged: 0 })))
}

/// The outbox; set aside as a whole if it was sealed with another key or written by a newer program, in memory if the
/// disk takes no writes.
fn open_outbox(
    dir: &Path,
    key: &SealKey,
    budget: Budget,
    stamp: &str,
) -> Result<(OutboxShelf, Option<Quarantine>), CacheError> {
    let foreign = match OutboxShelf::open(dir, key, budget) {
        Ok(OpenedOutbox { outbox, damage, salvaged }) => {
            let reason = damage.join("; ");
            let aside = || Quarantine { path: Some(dir.to_owned()), reason, salvaged };
            return Ok((outbox, (!damage.is_empty()).then(aside)));
        }
        Err(OpenError::Foreign(reason)) => reason.to_string(),
        Err(OpenError::Disk(error)) => {
            tracing::error!(%error, "no outbox can be kept on disk: events will not survive a restart");
            let aside = Quarantine { path: None, reason: format!("outbox: {error}"), salvaged: 0 };
            return Ok((in_memory(key)?, Some(aside)));
        }
    };
    let path = set_aside(dir, stamp).inspect_err(|error| tracing::error!(%error, "cannot set the outbox aside")).ok();
    let fresh = path.as_ref().and_then(|_| OutboxShelf::open(dir, key, budget).ok());
    let outbox = fresh.map_or_else(|| in_memory(key), |opened| Ok(opened.outbox))?;
    Ok((outbox, Some(Quarantine { path, reason: format!("outbox: {foreign}"), salvaged: 0 })))
}

fn in_memory(key: &SealKey) -> Result<OutboxShelf, CacheError> {
    OutboxShelf::in_memory(key).map_err(|error| CacheError::Inconsistent(error.to_string()))
}

fn join(first: Option<Quarantine>, second: Option<Quarantine>) -> Option<Quarantine> {
    match (first, second) {
        (Some(a), Some(b)) => Some(Quarantine {
            path: a.path.or(b.path),
            reason: format!("{}; {}", a.reason, b.reason),
            salvaged: a.salvaged + b.salvaged,
        }),
        (one, other) => one.or(other),
    }
}

/// Opens the cache only to look: how many persons and waiting events, or what is wrong. Changes nothing that is whole.
///
/// # Errors
/// What is wrong, in words.
pub fn examine(dir: &Path, key: &SealKey, pack: &PackId, budget: Budget) -> Result<(usize, usize), String> {
    let engine = match within_time(dir, key, pack) {
        Attempt::Sound(engine) => engine,
        Attempt::Damaged(reason, _) | Attempt::Unwritable(reason) => return Err(reason),
    };
    let outbox = OutboxShelf::open(&dir.with_file_name(OUTBOX), key, budget).map_err(|error| error.to_string())?;
    match outbox.damage.is_empty() {
        true => Ok((engine.contents.persons.len(), outbox.outbox.len() + engine.events.len())),
        false => Err(outbox.damage.join("; ")),
    }
}

/// What the storage engine keeps.
struct Engine {
    gallery: GalleryShelf,
    beside: GalleryShelf,
    contents: GalleryContents,
    meta: MetaShelf,
    /// Events of the format before the log, to be taken over.
    events: Vec<EventDraft>,
    /// Where they lie, if there are any.
    db: Option<sled::Db>,
}

enum Attempt {
    Sound(Box<Engine>),
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
fn within_time(dir: &Path, key: &SealKey, pack: &PackId) -> Attempt {
    let (sender, receiver) = mpsc::channel();
    let (dir, key, pack) = (dir.to_owned(), key.clone(), pack.clone());
    let spawned = std::thread::Builder::new().name("cache-open".into()).spawn(move || {
        let _ = sender.send(attempt(&dir, &key, &pack));
    });
    match spawned.map(|_| receiver.recv_timeout(OPEN_TIMEOUT)) {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(_)) => Attempt::Damaged("the storage engine does not come to an end".into(), Vec::new()),
        Err(error) => Attempt::Damaged(error.to_string(), Vec::new()),
    }
}

fn attempt(dir: &Path, key: &SealKey, pack: &PackId) -> Attempt {
    let db = match open_unlocked(dir) {
        Ok(db) => db,
        Err(error) if is_unwritable(&error) => return Attempt::Unwritable(error.to_string()),
        Err(error) => return Attempt::Damaged(error.to_string(), Vec::new()),
    };
    guarded(|| load(&db, key, pack, Some(Arc::new(File::open(dir.join("db"))?)))).map_or_else(
        |error| Attempt::Damaged(error.to_string(), guarded(|| legacy::events(&db, key)).unwrap_or_default()),
        |engine| Attempt::Sound(Box::new(engine)),
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

fn load(db: &sled::Db, key: &SealKey, pack: &PackId, file: Option<Arc<File>>) -> Result<Engine, CacheError> {
    let shelf = |name| Shelf::open(db, name, key, file.clone());
    let meta = MetaShelf::new(shelf("meta")?);
    meta.verify()?;
    let (first, second) = (GalleryShelf::new(shelf("gallery")?), GalleryShelf::new(shelf("gallery-beside")?));
    // After a change of packs the gallery that was beside is the one in use.
    let is_second = second.pack()?.as_ref() == Some(pack) && first.pack()?.as_ref() != Some(pack);
    let (gallery, beside) = if is_second { (second, first) } else { (first, second) };
    let contents = gallery.load(pack)?;
    let events = legacy::events(db, key)?;
    let db = (!events.is_empty()).then(|| db.clone());
    Ok(Engine { gallery, beside, contents, meta, events, db })
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
