//! Backup and restore, wired: which files belong to the installation, and whose signature counts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_bytes::ByteBuf;
use tokio::sync::mpsc;

use super::foundation::{keys_dir, store_url, tls_dir};
use crate::backup::manifest::fingerprint;
use crate::backup::{self, BackupError, Created, Kept, Manifest, Opened, Openers, Recipients, Sources};
use crate::config::{Config, MasterKeyPlace};
use crate::identity::files::{make_private_dir, write_secret};
use crate::identity::signing::SigningKeys;
use crate::ports::Clock;
use crate::ports::backup::DumpedTable;
use crate::store::sql::{SqlStore, load_store};

/// The master key's name among the files of a backup.
const MASTER: &str = "master.key";
/// Folders of the data directory that are the installation's identity.
const FOLDERS: [&str; 2] = ["keys", "tls"];
/// Pieces on their way into the database.
const WAITING: usize = 4;

/// Makes a backup of everything.
///
/// # Errors
/// If a file or the database cannot be read, or the backup not be written.
pub async fn create(
    config: &Config,
    store: &SqlStore,
    clock: &dyn Clock,
    to: &Path,
    recipients: Recipients,
) -> Result<Created> {
    let data_dir = &config.server.data_dir;
    let now = clock.now();
    let keys = SigningKeys::open(&keys_dir(data_dir), now).context("opening the token keys")?;
    let files = files(config)?;
    let packs = store.packs().await?;
    let sources = Sources { store, packs, files, keys: &keys, now };
    Ok(backup::create(to, sources, recipients).await?)
}

/// The fingerprint by which this server's backups are known from now on.
///
/// # Errors
/// If the keys cannot be read.
pub fn signers(data_dir: &Path, clock: &dyn Clock) -> Result<Vec<String>> {
    if !keys_dir(data_dir).is_dir() {
        return Ok(Vec::new());
    }
    let keys = SigningKeys::open(&keys_dir(data_dir), clock.now()).context("opening the token keys")?;
    Ok(keys.ever().map(|key| fingerprint(&key.x)).collect())
}

/// What became of a backup that was put back.
pub struct Restored {
    /// Its tables, compared.
    pub tables: Vec<DumpedTable>,
    /// Files written.
    pub files: Vec<PathBuf>,
}

/// Checks a backup: its bytes, its signature, and that the store it is to go into is empty.
///
/// # Errors
/// If it is damaged, somebody else's, or the configured store is in use.
pub async fn check(config: &Config, from: &Path, signers: &[String]) -> Result<Opened> {
    let (path, trusted) = (from.to_owned(), signers.to_vec());
    let opened = tokio::task::spawn_blocking(move || backup::open(&path, &trusted)).await.context("reading")??;
    let url = store_url(config)?;
    ensure!(!SqlStore::is_sealed(&url).await?, "the store {url} is in use; set store.url to an empty one");
    for folder in FOLDERS {
        let there = config.server.data_dir.join(folder);
        let is_empty = fs::read_dir(&there).map_or(true, |mut entries| entries.next().is_none());
        ensure!(is_empty, "{} is not empty; restore into a new server.data_dir", there.display());
    }
    Ok(opened)
}

/// Puts a checked backup back: tables first, compared, then files. With `dry_run` everything is read and nothing is
/// written.
///
/// # Errors
/// If it cannot be opened, or what arrived is not what was kept.
pub async fn restore(config: &Config, opened: Opened, openers: Openers, dry_run: bool) -> Result<Restored> {
    let manifest = opened.manifest.clone();
    let (sender, receiver) = mpsc::channel(WAITING);
    let reading = tokio::task::spawn_blocking(move || opened.unpack(&openers, &sender));
    if dry_run {
        let counted = count(receiver).await;
        reading.await.context("reading")??;
        ensure!(counted == manifest.tables.len(), "there are {counted} tables in it");
        return Ok(Restored { tables: Vec::new(), files: Vec::new() });
    }
    make_private_dir(&config.server.data_dir).context("making server.data_dir")?;
    let loaded = load_store(&store_url(config)?, manifest.schema, receiver).await;
    // What went wrong with the file comes first: the database only says that something was missing.
    let files = reading.await.context("reading")??;
    let tables = loaded?;
    compare(&manifest, &tables)?;
    Ok(Restored { tables, files: put_back(config, &files)? })
}

async fn count(mut pieces: mpsc::Receiver<crate::ports::backup::DumpPiece>) -> usize {
    let mut tables = 0;
    while let Some(piece) = pieces.recv().await {
        tables += usize::from(matches!(piece, crate::ports::backup::DumpPiece::End { .. }));
    }
    tables
}

/// What was signed is what arrived.
fn compare(manifest: &Manifest, tables: &[DumpedTable]) -> Result<()> {
    for said in &manifest.tables {
        let there = tables.iter().find(|table| table.name == said.name);
        let same = there.is_some_and(|table| table.rows == said.rows && hex::encode(table.sha256) == said.sha256);
        ensure!(same, BackupError::Damaged(format!("table {} is not as it was signed", said.name)));
    }
    Ok(())
}

/// The files that belong to the installation.
fn files(config: &Config) -> Result<Vec<Kept>> {
    let data_dir = &config.server.data_dir;
    let mut kept = Vec::new();
    for (name, dir) in [("keys", keys_dir(data_dir)), ("tls", tls_dir(data_dir))] {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.context("reading the data directory")?.path();
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_file() {
                let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                kept.push(Kept { name: format!("{name}/{file}"), bytes: ByteBuf::from(bytes) });
            }
        }
    }
    let bytes = match config.store.master_key(data_dir) {
        MasterKeyPlace::Environment => {
            std::env::var("OSTIARY_MASTER_KEY").context("reading the master key")?.into_bytes()
        }
        MasterKeyPlace::Configured(path) | MasterKeyPlace::Credential(path) | MasterKeyPlace::OwnFile(path) => {
            fs::read(&path).with_context(|| format!("reading the master key {}", path.display()))?
        }
    };
    kept.push(Kept { name: MASTER.to_owned(), bytes: ByteBuf::from(bytes) });
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(kept)
}

fn put_back(config: &Config, files: &[Kept]) -> Result<Vec<PathBuf>> {
    let data_dir = &config.server.data_dir;
    let mut written = Vec::new();
    for file in files {
        let path = match file.name.split_once('/') {
            None if file.name == MASTER => match config.store.master_key(data_dir) {
                MasterKeyPlace::Configured(path) | MasterKeyPlace::OwnFile(path) => path,
                // The system's to bring; what it must be lies beside.
                MasterKeyPlace::Credential(_) | MasterKeyPlace::Environment => data_dir.join(MASTER),
            },
            Some((folder, name)) if FOLDERS.contains(&folder) && is_plain(name) => {
                make_private_dir(&data_dir.join(folder))?;
                data_dir.join(folder).join(name)
            }
            _ => bail!("a file of the backup has no place here: {}", file.name),
        };
        let text = std::str::from_utf8(&file.bytes).with_context(|| format!("{} is no text", file.name))?;
        write_secret(&path, text).with_context(|| format!("writing {}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}
