//! Takes an archive in: who signed it, whether its files are those, and everything `pack check` looks at.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ostiary_common::time::UnixMillis;
use ostiary_models::pack::archive::{Archive, ArchiveError};
use ostiary_models::pack::{MANIFEST_FILE, PackManifest, Severity, check_dir};
use sha2::{Digest, Sha256};

use super::keys::TrustedKeys;
use crate::domain::model_pack::{ModelPack, PackFile, PackState};

/// Takes archives in.
#[derive(Clone, Debug)]
pub struct Installer {
    /// Whose signatures are believed.
    pub trusted: TrustedKeys,
    /// The largest archive, bytes.
    pub most_bytes: u64,
    /// Where archives are unpacked to be looked at.
    pub dir: PathBuf,
}

/// Why an archive is not taken.
#[derive(Debug, thiserror::Error)]
pub enum InstallRefused {
    /// Nobody is believed yet.
    #[error("no key is trusted to sign packs; name one in `models.pack_keys`")]
    NobodyTrusted,
    /// It is no archive, is damaged, or is not signed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The pack in it cannot be used; each fault with its remedy.
    #[error("the pack cannot be used: {}", .0.join("; "))]
    Unusable(Vec<String>),
}

impl InstallRefused {
    /// A stable word for programs.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::NobodyTrusted => "pack-no-keys",
            Self::Archive(ArchiveError::NotSigned) => "pack-not-signed",
            Self::Archive(ArchiveError::TooLarge { .. }) => "pack-too-large",
            Self::Archive(_) => "pack-unreadable",
            Self::Unusable(_) => "pack-unusable",
        }
    }
}

/// An archive that can be taken.
#[derive(Debug)]
pub struct Inspected {
    /// The pack.
    pub pack: ModelPack,
    /// The whole archive.
    pub archive: Vec<u8>,
    /// What should be known of it, though it can be used.
    pub warnings: Vec<String>,
}

impl Installer {
    /// Looks at an archive in a file. It runs both nets, on the thread it is called on.
    ///
    /// # Errors
    /// [`InstallRefused`].
    pub fn inspect(&self, path: &Path, now: UnixMillis) -> Result<Inspected, InstallRefused> {
        if self.trusted.is_empty() {
            return Err(InstallRefused::NobodyTrusted);
        }
        let mut key_pem = None;
        let is_signed = |message: &[u8], signature: &[u8]| {
            key_pem = self.trusted.signer(message, signature).map(str::to_owned);
            key_pem.is_some()
        };
        let file = BufReader::new(File::open(path).map_err(ArchiveError::Files)?);
        let archive = Archive::open(file, self.most_bytes, is_signed)?;
        fs::create_dir_all(&self.dir).map_err(ArchiveError::Files)?;
        let dir = tempfile::Builder::new().prefix(".looked-at-").tempdir_in(&self.dir).map_err(ArchiveError::Files)?;
        let index = archive.unpack(dir.path())?;
        let warnings = checked(dir.path())?;
        let manifest = fs::read_to_string(dir.path().join(MANIFEST_FILE)).map_err(ArchiveError::Files)?;
        let parsed: PackManifest =
            toml::from_str(&manifest).map_err(|error| InstallRefused::Unusable(vec![error.to_string()]))?;
        if parsed.id != index.id {
            return Err(InstallRefused::Unusable(vec![format!("it is signed as {} and says {}", index.id, parsed.id)]));
        }
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(ArchiveError::Files)?;
        let file = PackFile {
            sha256: Sha256::digest(&bytes).into(),
            size_bytes: bytes.len() as u64,
            key_pem: key_pem.unwrap_or_default(),
        };
        let pack = ModelPack {
            id: index.id,
            state: PackState::Installed,
            manifest,
            archive: Some(file),
            job: None,
            report: None,
            installed_at: now,
            changed_at: now,
        };
        Ok(Inspected { pack, archive: bytes, warnings })
    }
}

/// What `pack check` says: warnings, if nothing is wrong.
fn checked(dir: &Path) -> Result<Vec<String>, InstallRefused> {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    for finding in check_dir(dir) {
        let told = if finding.fix.is_empty() { finding.what } else { format!("{}: {}", finding.what, finding.fix) };
        match finding.severity {
            Severity::Ok => {}
            Severity::Warning => warnings.push(told),
            Severity::Error => faults.push(told),
        }
    }
    if faults.is_empty() { Ok(warnings) } else { Err(InstallRefused::Unusable(faults)) }
}
