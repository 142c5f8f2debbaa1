//! The identity on disk: a folder that is replaced as a whole, and the tokens, which change often.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ostiary_common::ids::{DeviceId, DoorId, SiteId};
use rcgen::KeyPair;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::certificates::Candidate;
use crate::domain::credentials::Credentials;

const IDENTITY: &str = "identity.json";
const KEY: &str = "device-key.pem";
const TOKENS: &str = "tokens.json";

/// Who this device is; nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The device's id.
    pub device: DeviceId,
    /// Its site.
    pub site: SiteId,
    /// The door it watches.
    pub door: DoorId,
    /// Its name.
    pub name: String,
    /// The server's API, `https://host:port`.
    pub server_url: String,
    /// The broker, `mqtts://host:port`.
    pub broker_url: String,
    /// The CA of both, PEM.
    pub ca_pem: String,
    /// The device's certificate, PEM.
    pub certificate_pem: String,
}

/// The tokens held, and what the server said with the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The tokens.
    pub credentials: Credentials,
    /// The next session number must be higher.
    pub session_floor: u64,
    /// A certificate that has not been connected with yet.
    #[serde(default)]
    pub certificate: Option<Candidate>,
}

/// Why the identity cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The device was never claimed.
    #[error("this device has no identity yet: run `ostiaryd claim` with the code the server gave ({0} is not there)")]
    Unclaimed(PathBuf),
    /// The file system refused.
    #[error("{path}: {cause}")]
    Files {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Not what this program wrote.
    #[error("{path} is damaged ({reason}): run `ostiaryd claim --force` with a new code")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Where the identity lies.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    state_dir: PathBuf,
}

impl IdentityFiles {
    /// The identity in `state_dir`.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned() }
    }

    fn folder(&self) -> PathBuf {
        self.state_dir.join("identity")
    }

    fn incoming(&self) -> PathBuf {
        self.state_dir.join("identity.new")
    }

    /// Whether there is an identity.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.folder().join(IDENTITY).exists() || self.incoming().join(IDENTITY).exists()
    }

    /// Reads the identity and the device's private key (PKCS#8 PEM).
    ///
    /// # Errors
    /// [`IdentityError`] says what to do.
    pub fn load(&self) -> Result<(Identity, Zeroizing<String>), IdentityError> {
        self.finish_replacement()?;
        let path = self.folder().join(IDENTITY);
        if !path.exists() {
            return Err(IdentityError::Unclaimed(path));
        }
        let key = self.folder().join(KEY);
        let key_pem = Zeroizing::new(fs::read_to_string(&key).map_err(|cause| unreadable(&key, cause))?);
        if let Err(error) = KeyPair::from_pem(&key_pem) {
            return Err(IdentityError::Damaged { path: key, reason: format!("not a private key: {error}") });
        }
        Ok((read_json(&path)?, key_pem))
    }

    /// Keeps an identity whose device and key are as before: the device has moved, or has a new certificate.
    ///
    /// # Errors
    /// [`IdentityError::Files`].
    pub fn update(&self, identity: &Identity) -> Result<(), IdentityError> {
        write_json(&self.folder(), IDENTITY, identity)
    }

    /// The tokens; none if the file is missing or damaged, for new ones can be had with the key.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        read_json(&self.folder().join(TOKENS)).unwrap_or_default()
    }

    /// Keeps the tokens.
    ///
    /// # Errors
    /// [`IdentityError::Files`].
    pub fn save_secrets(&self, secrets: &Secrets) -> Result<(), IdentityError> {
        write_json(&self.folder(), TOKENS, secrets)
    }

    /// Replaces the identity as a whole: a power cut leaves the old one or the new one.
    ///
    /// # Errors
    /// [`IdentityError::Files`].
    pub fn replace(&self, identity: &Identity, key_pem: &str, secrets: &Secrets) -> Result<(), IdentityError> {
        let incoming = self.incoming();
        remove_dir(&incoming)?;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&incoming);
        made.map_err(|cause| files(&incoming, cause))?;
        write(&incoming, KEY, key_pem.as_bytes())?;
        write_json(&incoming, TOKENS, secrets)?;
        // Written last: its presence says that the folder is whole.
        write_json(&incoming, IDENTITY, identity)?;
        remove_dir(&self.folder())?;
        self.finish_replacement()
    }

    fn finish_replacement(&self) -> Result<(), IdentityError> {
        let (incoming, folder) = (self.incoming(), self.folder());
        if !incoming.join(IDENTITY).exists() || folder.join(IDENTITY).exists() {
            return Ok(());
        }
        remove_dir(&folder)?;
        fs::rename(&incoming, &folder).map_err(|cause| files(&folder, cause))?;
        sync_dir(&self.state_dir)
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, IdentityError> {
    let bytes = Zeroizing::new(fs::read(path).map_err(|cause| files(path, cause))?);
    serde_json::from_slice(&bytes)
        .map_err(|error| IdentityError::Damaged { path: path.to_owned(), reason: error.to_string() })
}

fn write_json<T: Serialize>(dir: &Path, name: &str, value: &T) -> Result<(), IdentityError> {
    let text = Zeroizing::new(serde_json::to_vec_pretty(value).expect("identity files have string keys"));
    write(dir, name, &text)
}

/// Write beside, sync, rename, sync the folder: readers see the old file or the new one, never a part.
fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), IdentityError> {
    let (path, temporary) = (dir.join(name), dir.join(format!("{name}.new")));
    let attempt = || -> std::io::Result<()> {
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    };
    attempt().map_err(|cause| files(&path, cause))?;
    sync_dir(dir)
}

fn sync_dir(dir: &Path) -> Result<(), IdentityError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|cause| files(dir, cause))
}

fn remove_dir(dir: &Path) -> Result<(), IdentityError> {
    match fs::remove_dir_all(dir) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(files(dir, cause)),
        _ => Ok(()),
    }
}

fn files(path: &Path, cause: std::io::Error) -> IdentityError {
    IdentityError::Files { path: path.to_owned(), cause }
}

/// A part of the identity that is missing or holds no text is as good as damaged; what the file system refuses is not.
fn unreadable(path: &Path, cause: std::io::Error) -> IdentityError {
    match cause.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData => {
            IdentityError::Damaged { path: path.to_owned(), reason: cause.to_string() }
        }
        _ => files(path, cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn identity(name: &str) -> Identity {
        Identity {
            device: DeviceId::generate(),
            site: SiteId::generate(),
            door: DoorId::generate(),
            name: name.into(),
            server_url: "https://localhost:1".into(),
            broker_url: "mqtts://localhost:2".into(),
            ca_pem: String::new(),
            certificate_pem: String::new(),
        }
    }

    fn key() -> String {
        KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem()
    }

    #[test]
    fn replaced_as_a_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let store = IdentityFiles::new(dir.path());
        assert!(matches!(store.load(), Err(IdentityError::Unclaimed(_))));
        for name in ["first", "second"] {
            let (identity, key_pem) = (identity(name), key());
            store.replace(&identity, &key_pem, &Secrets { session_floor: 7, ..Secrets::default() }).unwrap();
            let (loaded, key) = store.load().unwrap();
            assert_eq!((loaded, key.as_str()), (identity, key_pem.as_str()));
            assert_eq!(store.secrets().session_floor, 7);
        }
        for name in [IDENTITY, KEY, TOKENS] {
            let mode = fs::metadata(store.folder().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_power_cut_between_the_steps_leaves_one_identity() {
        let dir = tempfile::tempdir().unwrap();
        let store = IdentityFiles::new(dir.path());
        store.replace(&identity("old"), &key(), &Secrets::default()).unwrap();
        // Cut before the new folder is whole: the old one stays.
        fs::create_dir(store.incoming()).unwrap();
        fs::write(store.incoming().join(KEY), "half").unwrap();
        assert_eq!(store.load().unwrap().0.name, "old");
        // Cut after the old one was removed: the new one is taken.
        fs::remove_dir_all(store.incoming()).unwrap();
        fs::rename(store.folder(), store.incoming()).unwrap();
        assert!(store.exists());
        assert_eq!(store.load().unwrap().0.name, "old");
        // Damaged tokens are no tokens.
        fs::write(store.folder().join(TOKENS), "{").unwrap();
        assert_eq!(store.secrets(), Secrets::default());
    }

    #[test]
    fn what_is_damaged_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let store = IdentityFiles::new(dir.path());
        let check = |name: &str, content: Option<&[u8]>, said: &str| {
            store.replace(&identity("cam"), &key(), &Secrets::default()).unwrap();
            let path = store.folder().join(name);
            match content {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let words = store.load().unwrap_err().to_string();
            assert!(words.contains(name) && words.contains(said), "{words}");
        };
        check(KEY, None, "ostiaryd claim --force");
        check(KEY, Some(b""), "not a private key");
        check(KEY, Some(b"\xff\xfe"), "ostiaryd claim --force");
        check(KEY, Some(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "not a private key");
        check(IDENTITY, Some(b"{"), "is damaged");
        check(IDENTITY, Some(b"{\"device\":\"x\"}"), "ostiaryd claim --force");
        check(IDENTITY, None, "run `ostiaryd claim`");
    }
}
