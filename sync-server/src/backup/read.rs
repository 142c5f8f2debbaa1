//! Reading a backup: first whether it is whole and whose it is, then what is in it.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::pieces::{self, Kept, Piece};
use super::{BackupError, END, MAGIC, MOST_MANIFEST_BYTES, Manifest, Openers};
use crate::ports::backup::DumpPiece;

/// A backup whose bytes and signature were checked.
#[derive(Clone, Debug)]
pub struct Opened {
    path: PathBuf,
    /// Bytes before the manifest.
    body: u64,
    /// What is in it.
    pub manifest: Manifest,
}

/// Checks a file's bytes against its signature, and the signature against `trusted` fingerprints.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Stranger`], [`BackupError::File`].
pub fn open(path: &Path, trusted: &[String]) -> Result<Opened, BackupError> {
    let failed = || BackupError::file("reading the backup");
    let mut file = File::open(path).map_err(failed())?;
    let (signed, body) = manifest_of(&mut file)?;
    file.rewind().map_err(failed())?;
    let mut digest = Sha256::new();
    let mut from = BufReader::with_capacity(1024 * 1024, file).take(body);
    let mut piece = vec![0; 1024 * 1024];
    loop {
        match from.read(&mut piece).map_err(failed())? {
            0 => break,
            count => digest.update(&piece[..count]),
        }
    }
    let manifest = Manifest::check(&signed, digest.finalize().into())?;
    if !trusted.contains(&manifest.signer()) {
        return Err(BackupError::Stranger { found: manifest.signer() });
    }
    Ok(Opened { path: path.to_owned(), body, manifest })
}

/// The manifest, as signed, and how many bytes stand before it.
fn manifest_of(file: &mut File) -> Result<(String, u64), BackupError> {
    let failed = || BackupError::file("reading the backup");
    let damaged = || BackupError::Damaged("it was cut short, or is something else".to_owned());
    let size = file.metadata().map_err(failed())?.len();
    let tail = END.len() as u64 + 4;
    let before = size.checked_sub(tail).filter(|before| *before > MAGIC.len() as u64).ok_or_else(damaged)?;
    let mut magic = vec![0; MAGIC.len()];
    file.read_exact(&mut magic).map_err(failed())?;
    file.seek(SeekFrom::Start(before)).map_err(failed())?;
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(failed())?;
    let mut end = vec![0; END.len()];
    file.read_exact(&mut end).map_err(failed())?;
    let length = u64::from(u32::from_be_bytes(length));
    let body = before.checked_sub(length).filter(|_| length <= MOST_MANIFEST_BYTES && magic == MAGIC && end == END);
    let body = body.ok_or_else(damaged)?;
    file.seek(SeekFrom::Start(body)).map_err(failed())?;
    let mut signed = String::new();
    file.take(length).read_to_string(&mut signed).map_err(|_| damaged())?;
    Ok((signed, body))
}

impl Opened {
    /// Unpacks it: tables go to `tables`, in pieces; files are returned. Blocks.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn unpack(&self, openers: &Openers, tables: &mpsc::Sender<DumpPiece>) -> Result<Vec<Kept>, BackupError> {
        let failed = || BackupError::file("reading the backup");
        let mut file = File::open(&self.path).map_err(failed())?;
        file.seek(SeekFrom::Start(MAGIC.len() as u64)).map_err(failed())?;
        let sealed = BufReader::new(file).take(self.body - MAGIC.len() as u64);
        let opened = age::Decryptor::new_buffered(BufReader::new(sealed))
            .and_then(|sealed| sealed.decrypt(openers.all()))
            .map_err(|error| BackupError::Key(format!("the backup cannot be opened: {error}")))?;
        let mut from = BufReader::new(opened);
        let mut files = Vec::new();
        loop {
            match pieces::read(&mut from)? {
                Piece::Dump(piece) => {
                    // Who listened says why not.
                    if tables.blocking_send(piece).is_err() {
                        return Ok(files);
                    }
                }
                Piece::File(file) => files.push(file),
                Piece::End => return Ok(files),
            }
        }
    }
}
