//! The state directory: the lock, the key, the cache, and what of it is shared while running.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use arc_swap::ArcSwap;

use super::models::Models;
use crate::cache::{self, Budget, Quarantine};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::holdings::KeptGallery;
use crate::domain::trust::Proven;
use crate::shared::{Gallery, Settings, Shared, overflow_limiter};

/// The opened state.
pub struct State {
    /// Shared by every part.
    pub shared: Arc<Shared>,
    /// What the gallery holds.
    pub holdings: KeptGallery,
    /// What was set aside, if something was.
    pub quarantine: Option<Quarantine>,
}

/// Makes the state directory if it is not there and keeps other instances out as long as the file is held.
///
/// # Errors
/// If it cannot be made, or another instance runs on it.
pub fn lock(dir: &Path) -> anyhow::Result<File> {
    make_dir(dir)?;
    let path = dir.join("lock");
    // On a card that takes no writes any more an existing lock file does as well.
    let file = File::create(&path).or_else(|error| File::open(&path).map_err(|_| error));
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!("another ostiaryd runs on {}", dir.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Makes the state directory, readable by this user only.
///
/// # Errors
/// If it cannot be made.
pub fn make_dir(dir: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make device.state_dir {}", dir.display()))
}

/// Opens key and cache and puts what they hold in force.
///
/// # Errors
/// If there is no key, or not even an empty cache can be made.
pub fn open(config: &Config, models: &Models) -> anyhow::Result<State> {
    let dir = &config.device.state_dir;
    let key = cache::load_or_make_key(config.device.key_file.as_deref(), dir)?;
    let budget = Budget { total_bytes: config.outbox.max_bytes, media_bytes: config.outbox.max_media_bytes };
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let opened = cache::open(&dir.join("cache"), &key, &models.pack, budget, &stamp).context("opening the cache")?;
    let desired = opened.cache.meta.desired()?.map(|desired| desired.settings).unwrap_or_default();
    let clock = SystemClock::new();
    if let Some(floor) = opened.cache.meta.time_floor()? {
        clock.raise_floor(floor);
    }
    let contents = opened.gallery;
    let gallery = Gallery::build(contents.head.rev, models.dimension, contents.persons);
    let settings = Settings::effective(config, &models.defaults, &desired, gallery.index.persons());
    let shared = Shared {
        cache: opened.cache,
        clock,
        telemetry: Default::default(),
        heartbeats: Default::default(),
        settings: ArcSwap::from_pointee(settings),
        gallery: ArcSwap::from_pointee(gallery),
        pack: models.pack.clone(),
        pack_defaults: models.defaults.clone(),
        proven: ArcSwap::from_pointee(Proven { at: contents.head.proven_at, in_this_run: None }),
        trust_rules: config.recognition.trust_rules(),
        porting: Default::default(),
        guiding: Default::default(),
        outbox_changed: Default::default(),
        board: Default::default(),
        overflow_limiter: overflow_limiter(),
    };
    Ok(State {
        shared: Arc::new(shared),
        holdings: KeptGallery { head: contents.head, holdings: contents.holdings },
        quarantine: opened.quarantine,
    })
}
