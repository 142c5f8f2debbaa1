//! Comparing a file with the SHA-256 the manifest gives for it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::PackError;

/// Compares, reading the file in pieces.
pub(super) fn compare(path: &Path, expected: &str) -> Result<(), PackError> {
    let found = of_file(path).map_err(|source| PackError::Unreadable { path: path.to_path_buf(), source })?;
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(PackError::WrongDigest { path: path.to_path_buf(), expected: expected.to_owned(), found })
}

/// The file's SHA-256 in hexadecimal.
pub(super) fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}
