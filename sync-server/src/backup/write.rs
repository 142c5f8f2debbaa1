//! Writing a backup: under another name until it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ostiary_common::time::UnixMillis;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::manifest::{Facts, Manifest, TableSummary};
use super::pieces::{self, Kept, Piece};
use super::{BackupError, END, MAGIC, Recipients};
use crate::identity::signing::SigningKeys;
use crate::ports::backup::{DumpPiece, DumpStore, DumpedTable};

/// Pieces that wait for the disk; the database waits when there are more.
const WAITING: usize = 4;

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Created {
    /// What is in it.
    pub manifest: Manifest,
    /// Its size.
    pub size_bytes: u64,
}

/// What goes into a backup.
pub struct Sources<'a> {
    /// The tables.
    pub store: &'a dyn DumpStore,
    /// Model packs of the templates in it.
    pub packs: Vec<String>,
    /// Files beside the tables.
    pub files: Vec<Kept>,
    /// Sign it.
    pub keys: &'a SigningKeys,
    /// Now.
    pub now: UnixMillis,
}

/// Writes everything to `path`, which must not be there.
///
/// # Errors
/// [`BackupError`]; then there is no file of that name.
pub async fn create(path: &Path, from: Sources<'_>, recipients: Recipients) -> Result<Created, BackupError> {
    if path.exists() {
        return Err(BackupError::File { doing: "making the backup", source: io::ErrorKind::AlreadyExists.into() });
    }
    let beside = beside(path);
    let (sender, receiver) = mpsc::channel(WAITING);
    let (to, files) = (beside.clone(), from.files.clone());
    let writing = tokio::task::spawn_blocking(move || body(&to, &recipients, receiver, files));
    let dumped = from.store.dump(sender).await;
    let written = writing.await.map_err(|error| BackupError::Damaged(error.to_string()))?;
    let ended = match (dumped, written) {
        // If the disk refused, the store only says that nobody listened.
        (_, Err(error)) => Err(error),
        (Err(error), Ok(_)) => Err(error.into()),
        (Ok(tables), Ok((sha256, file))) => end(file, sha256, &tables, &from),
    };
    let (manifest, size_bytes) = match ended {
        Ok(ended) => ended,
        Err(error) => {
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
    };
    put_in_place(&beside, path).map_err(BackupError::file("putting the backup in its place"))?;
    Ok(Created { manifest, size_bytes })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes what is encrypted; returns the digest of everything so far.
fn body(
    path: &Path,
    recipients: &Recipients,
    mut from: mpsc::Receiver<DumpPiece>,
    files: Vec<Kept>,
) -> Result<([u8; 32], File), BackupError> {
    let failed = || BackupError::file("writing the backup");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(failed())?;
    let mut hashed = Hashed { to: BufWriter::new(file), digest: Sha256::new() };
    hashed.write_all(MAGIC).map_err(failed())?;
    let mut sealed = recipients.encryptor()?.wrap_output(&mut hashed).map_err(failed())?;
    while let Some(piece) = from.blocking_recv() {
        pieces::write(&mut sealed, &Piece::Dump(piece))?;
    }
    for file in files {
        pieces::write(&mut sealed, &Piece::File(file))?;
    }
    pieces::write(&mut sealed, &Piece::End)?;
    sealed.finish().map_err(failed())?;
    let file = hashed.to.into_inner().map_err(|error| failed()(error.into_error()))?;
    Ok((hashed.digest.finalize().into(), file))
}

fn end(
    mut file: File,
    sha256: [u8; 32],
    tables: &[DumpedTable],
    from: &Sources<'_>,
) -> Result<(Manifest, u64), BackupError> {
    let summary = |table: &DumpedTable| TableSummary {
        name: table.name.clone(),
        rows: table.rows,
        sha256: hex::encode(table.sha256),
    };
    let facts = Facts {
        schema: from.store.schema(),
        packs: from.packs.clone(),
        tables: tables.iter().map(summary).collect(),
        files: from.files.iter().map(|file| file.name.clone()).collect(),
        sha256,
    };
    let (manifest, signed) = Manifest::sign(facts, from.keys, from.now)?;
    let length = u32::try_from(signed.len()).map_err(|error| BackupError::Damaged(error.to_string()))?;
    let written = file
        .write_all(signed.as_bytes())
        .and_then(|()| file.write_all(&length.to_be_bytes()))
        .and_then(|()| file.write_all(END))
        .and_then(|()| file.sync_all())
        .and_then(|()| file.metadata());
    let size_bytes = written.map_err(BackupError::file("writing the manifest"))?.len();
    Ok((manifest, size_bytes))
}

fn put_in_place(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// Writes and sums up.
struct Hashed<W> {
    to: W,
    digest: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
