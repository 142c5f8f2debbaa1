//! A pack in one file, signed: how packs travel from their maker to a server, and from there to devices.
//!
//! ```text
//! "ostiary pack 1\n" | length of the index, u32 little-endian | index, CBOR | Ed25519 signature of the index, 64 bytes
//! | the files, one after the other, in the index's order
//! ```
//!
//! The index names every file with its size and SHA-256, so that the signature is checked before the first byte of
//! content is looked at, and no byte more is read than was signed for. Nothing is compressed (weights hardly can be), and
//! names are plain names: there is nothing that could unfold to more than its size, or lie outside its folder. Start
//! reading at [`Archive::open`].

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use ostiary_common::codec;
use ostiary_common::ids::PackId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::manifest::{MANIFEST_FILE, PackManifest};
use super::{ModelFile, digest};

/// What every archive begins with.
pub const MAGIC: &[u8; 15] = b"ostiary pack 1\n";
/// Put before the index when it is signed, so that a signature of anything else is none of a pack.
const SIGNED_AS: &[u8] = b"ostiary model pack archive 1\n";
/// The longest index, bytes.
const MOST_INDEX: usize = 16 * 1024;
/// Files of an archive at most.
const MOST_FILES: usize = 32;
/// Of a signature, bytes.
const SIGNATURE: usize = 64;
/// The longest file name, bytes.
const MOST_NAME: usize = 100;
/// Documents that come along if they are there.
const DOCUMENTS: [&str; 3] = ["MODEL.md", "README.md", "LICENSE"];

/// An archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It does not begin as one.
    #[error("this is no model pack archive; make one with `ostiary-server pack sign`")]
    NoArchive,
    /// What it says of itself cannot be.
    #[error("the archive's index cannot be: {0}")]
    Index(String),
    /// Nobody known has signed it.
    #[error("the archive is not signed by a key that is trusted here")]
    NotSigned,
    /// Its files are more than are taken.
    #[error("its files have {found} bytes, {most} are taken at most")]
    TooLarge {
        /// What the index says.
        found: u64,
        /// What is taken.
        most: u64,
    },
    /// A file is not what was signed.
    #[error("{name} is not the file that was signed: it is damaged or was replaced")]
    WrongDigest {
        /// Which.
        name: String,
    },
    /// It ends too early or too late.
    #[error("the archive {0}")]
    Length(&'static str),
    /// It cannot be read, or its files cannot be written.
    #[error("{0}")]
    Files(#[from] io::Error),
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedFile {
    /// Its plain name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The pack, as its manifest names it.
    pub id: PackId,
    /// Its files, the manifest among them.
    pub files: Vec<ArchivedFile>,
}

/// An archive whose index is signed; its files are still to be read.
#[derive(Debug)]
pub struct Archive<R> {
    index: Index,
    rest: R,
}

impl<R: Read> Archive<R> {
    /// Reads the index and has its signature checked by `is_signed` (message, signature), before anything else of the
    /// archive is looked at. Files of more than `most_bytes` together are refused.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(
        mut from: R,
        most_bytes: u64,
        is_signed: impl FnOnce(&[u8], &[u8]) -> bool,
    ) -> Result<Self, ArchiveError> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic).map_err(|_| ArchiveError::NoArchive)?;
        if magic != *MAGIC {
            return Err(ArchiveError::NoArchive);
        }
        let mut length = [0; 4];
        exact(&mut from, &mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MOST_INDEX {
            return Err(ArchiveError::Index(format!("{length} bytes, {MOST_INDEX} are taken at most")));
        }
        let (mut index, mut signature) = (vec![0; length], [0; SIGNATURE]);
        exact(&mut from, &mut index)?;
        exact(&mut from, &mut signature)?;
        if !is_signed(&statement(&index), &signature) {
            return Err(ArchiveError::NotSigned);
        }
        let index: Index =
            codec::from_slice("pack index", MOST_INDEX, &index).map_err(|e| ArchiveError::Index(e.to_string()))?;
        check(&index, most_bytes)?;
        Ok(Self { index, rest: from })
    }

    /// What is in it.
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Writes the files into `dir`, which must be there and empty, each compared with what was signed.
    ///
    /// # Errors
    /// [`ArchiveError`]; what was written until then is of no use.
    pub fn unpack(mut self, dir: &Path) -> Result<Index, ArchiveError> {
        for file in &self.index.files {
            let mut to = File::create_new(dir.join(&file.name))?;
            copy(&mut self.rest, &mut to, file)?;
            to.sync_all()?;
        }
        match self.rest.read(&mut [0])? {
            0 => Ok(self.index),
            _ => Err(ArchiveError::Length("goes on behind its last file")),
        }
    }
}

/// Writes the pack in `dir` as an archive, its index signed by `sign`.
///
/// # Errors
/// [`ArchiveError`] if a file cannot be read, or is not one that could be unpacked again.
pub fn write(
    dir: &Path,
    manifest: &PackManifest,
    mut to: impl Write,
    sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Index, ArchiveError> {
    let files = names(dir, manifest).into_iter().map(|name| described(dir, name)).collect::<Result<Vec<_>, _>>()?;
    let index = Index { id: manifest.id.clone(), files };
    check(&index, u64::MAX)?;
    let bytes = codec::to_vec("pack index", MOST_INDEX, &index).map_err(|e| ArchiveError::Index(e.to_string()))?;
    let length = u32::try_from(bytes.len()).map_err(|_| ArchiveError::Index("too long".to_owned()))?;
    let signature = sign(&statement(&bytes)).filter(|signature| signature.len() == SIGNATURE);
    let signature = signature.ok_or(ArchiveError::NotSigned)?;
    for part in [MAGIC.as_slice(), &length.to_le_bytes(), &bytes, &signature] {
        to.write_all(part)?;
    }
    for file in &index.files {
        copy(&mut File::open(dir.join(&file.name))?, &mut to, file)?;
    }
    to.flush()?;
    Ok(index)
}

fn statement(index: &[u8]) -> Vec<u8> {
    [SIGNED_AS, index].concat()
}

fn exact(from: &mut impl Read, buffer: &mut [u8]) -> Result<(), ArchiveError> {
    from.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Length("is cut short"),
        _ => ArchiveError::Files(error),
    })
}

/// The manifest, what it names, and documents.
fn names(dir: &Path, manifest: &PackManifest) -> BTreeSet<String> {
    let liveness = manifest.liveness.net.as_ref().map(|net| &net.model);
    let models: Vec<&ModelFile> =
        [Some(&manifest.detector.model), Some(&manifest.embedder.model), liveness].into_iter().flatten().collect();
    let licences = models.iter().map(|model| &model.licence_file).filter(|name| dir.join(name.as_str()).is_file());
    let mut names: BTreeSet<String> = models.iter().map(|model| model.file.clone()).chain(licences.cloned()).collect();
    names.extend(DOCUMENTS.iter().filter(|name| dir.join(name).is_file()).map(|name| (*name).to_owned()));
    names.insert(MANIFEST_FILE.to_owned());
    names
}

fn described(dir: &Path, name: String) -> Result<ArchivedFile, ArchiveError> {
    let path = dir.join(&name);
    Ok(ArchivedFile { bytes: fs::metadata(&path)?.len(), sha256: digest::of_file(&path)?, name })
}

fn check(index: &Index, most_bytes: u64) -> Result<(), ArchiveError> {
    let wrong = |why: String| Err(ArchiveError::Index(why));
    if index.files.len() > MOST_FILES {
        return wrong(format!("{} files, {MOST_FILES} are taken at most", index.files.len()));
    }
    let mut seen = BTreeSet::new();
    for file in &index.files {
        if !is_plain(&file.name) {
            return wrong(format!("{:?} is no plain file name", file.name));
        }
        if !seen.insert(file.name.to_ascii_lowercase()) {
            return wrong(format!("{} comes twice", file.name));
        }
        if file.sha256.len() != 64 || !file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return wrong(format!("{} has no SHA-256", file.name));
        }
    }
    if !index.files.iter().any(|file| file.name == MANIFEST_FILE) {
        return wrong(format!("there is no {MANIFEST_FILE}"));
    }
    let found = index.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
    if found > most_bytes {
        return Err(ArchiveError::TooLarge { found, most: most_bytes });
    }
    Ok(())
}

/// Letters, digits, dots, dashes and underscores, not beginning with a dot: no folder, no hidden file, no device.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MOST_NAME).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

/// Copies exactly the bytes of a file, and compares what was copied.
fn copy(from: &mut impl Read, to: &mut impl Write, file: &ArchivedFile) -> Result<(), ArchiveError> {
    let (mut hash, mut left, mut buffer) = (Sha256::new(), file.bytes, vec![0; 64 * 1024]);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = from.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(ArchiveError::Length("is cut short"));
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        left -= read as u64;
    }
    match hex::encode(hash.finalize()).eq_ignore_ascii_case(&file.sha256) {
        true => Ok(()),
        false => Err(ArchiveError::WrongDigest { name: file.name.clone() }),
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
