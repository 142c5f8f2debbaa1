//! The installation's master key: where it lies, and what it wraps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ostiary_common::ids::{DeviceId, GalleryKeyId, PersonId, UserId};
use ostiary_common::seal::{OpenError, SealKey};
use zeroize::Zeroizing;

use super::{AccountKey, DerivedKey, DirectoryKey, MediaKey, PersonKey};
use crate::identity::IdentityError;
use crate::identity::files::write_secret;

/// Wraps every other key at rest.
#[derive(Clone, Debug)]
pub struct MasterKey(SealKey);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read.
    #[error("cannot read the master key {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be made.
    #[error(transparent)]
    Write(#[from] IdentityError),
    /// It holds something else.
    #[error("the master key {} does not hold 64 hexadecimal digits; `openssl rand -hex 32` makes one", .0.display())]
    Malformed(PathBuf),
    /// Others may read it.
    #[error("the master key {} can be read by others (mode {mode:o}); run `chmod 600` on it", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// A wrapped key cannot be opened: it was wrapped by another master key, altered, or moved from another row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of {0} cannot be unwrapped: wrapped by another master key, or damaged")]
pub struct WrongKey(pub &'static str);

impl MasterKey {
    /// Takes the key's bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SealKey::from_bytes(bytes))
    }

    /// The key in `path`; `None` if there is no such file. The file holds 64 hexadecimal digits; if `private`, it
    /// is refused when others may read it (systemd shows credentials to the service alone, whatever their mode).
    ///
    /// # Errors
    /// [`MasterKeyError`] names the file and what to do.
    pub fn read(path: &Path, private: bool) -> Result<Option<Self>, MasterKeyError> {
        let failed = |source| MasterKeyError::Read { path: path.to_owned(), source };
        let text = match fs::read(path) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if private && mode & 0o077 != 0 {
            return Err(MasterKeyError::Open { path: path.to_owned(), mode });
        }
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.trim_ascii(), bytes.as_mut())
            .map_err(|_| MasterKeyError::Malformed(path.to_owned()))?;
        Ok(Some(Self::from_bytes(*bytes)))
    }

    /// A new key, written to `path` for its owner only, flushed before it is used: what is sealed with a key that
    /// was lost is lost.
    ///
    /// # Errors
    /// [`MasterKeyError::Write`].
    pub fn create(path: &Path) -> Result<Self, MasterKeyError> {
        let key = SealKey::generate();
        let text = Zeroizing::new(hex::encode(key.expose()) + "\n");
        write_secret(path, &text)?;
        Ok(Self(key))
    }

    /// A key of the server's own for `purpose`, the same on every replica.
    pub fn derived(&self, purpose: &str) -> DerivedKey {
        DerivedKey::of(&self.0, purpose)
    }

    /// A new person's key, and the key wrapped.
    pub fn new_person_key(&self, person: PersonId) -> (PersonKey, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = self.wrap(b"person key/", person.as_bytes(), &key);
        (PersonKey::new(key), wrapped)
    }

    /// A person's key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn person_key(&self, person: PersonId, wrapped: &[u8]) -> Result<PersonKey, WrongKey> {
        self.unwrap(b"person key/", person.as_bytes(), wrapped).map(PersonKey::new).map_err(|_| WrongKey("a person"))
    }

    /// A new account's key, and the key wrapped.
    pub fn new_account_key(&self, account: UserId) -> (AccountKey, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = self.wrap(b"account key/", account.as_bytes(), &key);
        (AccountKey::new(key), wrapped)
    }

    /// An account's key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn account_key(&self, account: UserId, wrapped: &[u8]) -> Result<AccountKey, WrongKey> {
        let key = self.unwrap(b"account key/", account.as_bytes(), wrapped);
        key.map(AccountKey::new).map_err(|_| WrongKey("an account"))
    }

    /// A new directory key, and the key wrapped.
    pub fn new_directory_key(&self) -> (DirectoryKey, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = self.wrap(b"directory key", &[], &key);
        (DirectoryKey::new(key), wrapped)
    }

    /// The directory key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn directory_key(&self, wrapped: &[u8]) -> Result<DirectoryKey, WrongKey> {
        self.unwrap(b"directory key", &[], wrapped).map(DirectoryKey::new).map_err(|_| WrongKey("the directory"))
    }

    /// A new media key, and the key wrapped.
    pub fn new_media_key(&self) -> (MediaKey, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = self.wrap(b"media key", &[], &key);
        (MediaKey::new(key), wrapped)
    }

    /// The media key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn media_key(&self, wrapped: &[u8]) -> Result<MediaKey, WrongKey> {
        self.unwrap(b"media key", &[], wrapped).map(MediaKey::new).map_err(|_| WrongKey("the store"))
    }

    /// A new key for a device's gallery chunks, and the key wrapped.
    pub fn new_gallery_key(&self, device: DeviceId, id: GalleryKeyId) -> (SealKey, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = self.wrap(b"gallery key/", &gallery_place(device, id), &key);
        (key, wrapped)
    }

    /// The key of a device's gallery chunks.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn gallery_key(&self, device: DeviceId, id: GalleryKeyId, wrapped: &[u8]) -> Result<SealKey, WrongKey> {
        self.unwrap(b"gallery key/", &gallery_place(device, id), wrapped).map_err(|_| WrongKey("a device's gallery"))
    }

    fn wrap(&self, kind: &[u8], of: &[u8], key: &SealKey) -> Vec<u8> {
        self.0.seal(&[kind, of].concat(), key.expose())
    }

    fn unwrap(&self, kind: &[u8], of: &[u8], wrapped: &[u8]) -> Result<SealKey, OpenError> {
        let opened = Zeroizing::new(self.0.open(&[kind, of].concat(), wrapped)?);
        let bytes = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| OpenError)?;
        Ok(SealKey::from_bytes(bytes))
    }
}

fn gallery_place(device: DeviceId, id: GalleryKeyId) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(device.as_bytes());
    place[16..].copy_from_slice(id.as_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        assert!(MasterKey::read(&path, true).unwrap().is_none());
        let made = MasterKey::create(&path).unwrap();
        let again = MasterKey::read(&path, true).unwrap().unwrap();
        let (_, wrapped) = made.new_person_key(PersonId(uuid::Uuid::nil()));
        assert!(again.person_key(PersonId(uuid::Uuid::nil()), &wrapped).is_ok(), "the same key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::read(&path, true), Err(MasterKeyError::Open { mode: 0o640, .. })));
        assert!(MasterKey::read(&path, false).unwrap().is_some(), "a credential");
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(MasterKey::read(&path, false), Err(MasterKeyError::Malformed(_))));
        assert_eq!(format!("{made:?}"), "MasterKey(SealKey(…))");
    }

    #[test]
    fn a_wrapped_key_opens_only_where_it_belongs() {
        let master = MasterKey::from_bytes([1; 32]);
        let (ada, bob) = (PersonId::generate(), PersonId::generate());
        let (key, wrapped) = master.new_person_key(ada);
        let sealed = key.seal_name("Ada");
        assert_eq!(master.person_key(ada, &wrapped).unwrap().open_name(&sealed).unwrap(), "Ada");
        assert!(master.person_key(bob, &wrapped).is_err(), "another person's row");
        assert!(MasterKey::from_bytes([2; 32]).person_key(ada, &wrapped).is_err());
        assert!(master.media_key(&wrapped).is_err());
        let (device, id) = (DeviceId::generate(), GalleryKeyId::generate());
        let (made, wrapped) = master.new_gallery_key(device, id);
        assert_eq!(master.gallery_key(device, id, &wrapped).unwrap().expose(), made.expose());
        assert!(master.gallery_key(device, GalleryKeyId::generate(), &wrapped).is_err(), "an older key's row");
    }
}
