//! From an archive to a folder: size and digest as the server named them, a signature that is believed here, every file
//! as it was signed, and everything `ostiaryd pack check` looks at, on this board. Only then it lies where it is run from.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ostiary_common::ids::PackId;
use ostiary_common::wire::PackArchive;
use ostiary_models::pack::archive::Archive;
use ostiary_models::pack::{Pack, Severity, check_dir};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{AlgorithmIdentifier, SubjectPublicKeyInfoDer, alg_id};
use sha2::{Digest, Sha256};

use super::dir_of;

/// Why an archive is not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// It is not what the server named, is damaged, or is not signed by a key that is believed here. It may be fetched
    /// again.
    #[error("{0}")]
    Archive(String),
    /// It is what it should be, and does not run here.
    #[error("the pack does not run on this device: {0}")]
    Unfit(String),
}

fn archive(error: impl std::fmt::Display) -> NotAdmitted {
    NotAdmitted::Archive(error.to_string())
}

/// Whose signatures are believed: the configuration's keys; without any, the one the server named.
///
/// # Errors
/// If a key of the configuration cannot be read.
pub fn believed(files: &[PathBuf], named: &PackArchive) -> Result<Vec<String>, NotAdmitted> {
    if files.is_empty() {
        return Ok(vec![named.key_pem.clone()]);
    }
    let read = |path: &PathBuf| fs::read_to_string(path).map_err(|e| archive(format!("{}: {e}", path.display())));
    files.iter().map(read).collect()
}

/// Looks at the archive in `file` and puts the pack in its place. It runs both nets on the thread it is called on.
///
/// # Errors
/// [`NotAdmitted`]; nothing is where packs are run from then.
pub fn admit(
    state_dir: &Path,
    id: &PackId,
    file: &Path,
    named: &PackArchive,
    keys: &[String],
) -> Result<(), NotAdmitted> {
    is_named(file, named)?;
    let is_signed = |message: &[u8], signature: &[u8]| keys.iter().any(|pem| made(pem, message, signature));
    let opened = Archive::open(BufReader::new(File::open(file).map_err(archive)?), named.size_bytes, is_signed);
    let opened = opened.map_err(archive)?;
    if opened.index().id != *id {
        return Err(archive(format!("it is {} and should be {id}", opened.index().id)));
    }
    let place = dir_of(state_dir, id);
    let fresh = place.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(archive)?;
    let looked = opened.unpack(&fresh).map_err(archive).and_then(|_| fits(&fresh, id));
    if let Err(why) = looked {
        let _ = fs::remove_dir_all(&fresh);
        return Err(why);
    }
    let _ = fs::remove_dir_all(&place);
    fs::rename(&fresh, &place).map_err(archive)?;
    let _ = fs::remove_file(file);
    Ok(())
}

/// Whether the pack in `dir` runs here: the self-test.
///
/// # Errors
/// [`NotAdmitted::Unfit`] with everything that is wrong.
pub fn fits(dir: &Path, id: &PackId) -> Result<(), NotAdmitted> {
    let faults: Vec<String> = check_dir(dir)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.what)
        .collect();
    if !faults.is_empty() {
        return Err(NotAdmitted::Unfit(faults.join("; ")));
    }
    match Pack::load(dir) {
        Ok(pack) if pack.id() == id => Ok(()),
        Ok(pack) => Err(NotAdmitted::Unfit(format!("it is {}", pack.id()))),
        Err(error) => Err(NotAdmitted::Unfit(error.to_string())),
    }
}

fn is_named(file: &Path, named: &PackArchive) -> Result<(), NotAdmitted> {
    let mut opened = File::open(file).map_err(archive)?;
    let (mut hash, mut buffer, mut size) = (Sha256::new(), vec![0; 64 * 1024], 0_u64);
    loop {
        match opened.read(&mut buffer).map_err(archive)? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
    let found = hex::encode(hash.finalize());
    if size != named.size_bytes || !found.eq_ignore_ascii_case(&named.sha256) {
        return Err(archive("what came is not what the server named"));
    }
    Ok(())
}

/// Whether the holder of this key (SPKI PEM, Ed25519) made the signature.
fn made(pem: &str, message: &[u8], signature: &[u8]) -> bool {
    let Some(key) = raw_key(pem) else { return false };
    let ed25519 = |id: &AlgorithmIdentifier| *id == alg_id::ED25519;
    let known = default_provider().signature_verification_algorithms.all;
    let verify = known.iter().find(|it| ed25519(&it.public_key_alg_id()) && ed25519(&it.signature_alg_id()));
    verify.is_some_and(|it| it.verify_signature(&key, message, signature).is_ok())
}

/// The 32 bytes of an Ed25519 key; they are the last of its SPKI.
fn raw_key(pem: &str) -> Option<Vec<u8>> {
    const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    der.as_ref().strip_prefix(&SPKI_HEAD).filter(|key| key.len() == 32).map(<[u8]>::to_vec)
}

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;
