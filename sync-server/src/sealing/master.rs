//! The installation's master key: where it lies, and what it wraps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use ostiary_common::ids::{DeviceId, GalleryKeyId, PersonId, UnknownId, UserId};
use ostiary_common::seal::SealKey;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{AccountKey, DirectoryKey, JobKey, MediaKey, PersonKey, RootKey, UnknownKey};
use crate::domain::job::JobId;
use crate::identity::IdentityError;
use crate::identity::files::write_secret;

/// Wraps every other key at rest. While it is changed there are two: new keys are wrapped with the one that is in force
/// ([`Self::prefer`]), and what either has wrapped can be opened. Copies share what they hold, so that whoever works
/// with one learns of the other.
#[derive(Clone, Debug)]
pub struct MasterKey(Arc<RwLock<Vec<SealKey>>>);

/// Tells master keys apart, and tells nothing of them: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    fn of(key: &SealKey) -> Self {
        let hash = Sha256::new().chain_update(b"ostiary master key fingerprint").chain_update(key.expose()).finalize();
        Self(hex::encode(&hash[..8]))
    }

    /// As stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that is wrapped with a master key, and where its row is, which is bound in.
#[derive(Clone, Copy, Debug)]
pub enum Wrapped {
    /// A person's.
    Person(PersonId),
    /// An unknown visitor's.
    Unknown(UnknownId),
    /// An account's.
    Account(UserId),
    /// A device's, of its gallery chunks.
    Gallery(DeviceId, GalleryKeyId),
    /// A job's, of what was uploaded for it.
    Job(JobId),
    /// Of keyed hashes.
    Directory,
    /// Of pictures of strangers.
    Media,
    /// What the server's own keys are made from.
    Root,
}

impl Wrapped {
    fn place(self) -> Vec<u8> {
        match self {
            Self::Person(id) => [b"person key/".as_slice(), id.as_bytes()].concat(),
            Self::Unknown(id) => [b"unknown key/".as_slice(), id.as_bytes()].concat(),
            Self::Account(id) => [b"account key/".as_slice(), id.as_bytes()].concat(),
            Self::Gallery(device, id) => {
                [b"gallery key/".as_slice(), device.as_bytes().as_slice(), id.as_bytes()].concat()
            }
            Self::Job(id) => [b"job key/".as_slice(), id.as_bytes()].concat(),
            Self::Directory => b"directory key".to_vec(),
            Self::Media => b"media key".to_vec(),
            Self::Root => b"root key".to_vec(),
        }
    }

    /// Whose, in words.
    const fn what(self) -> &'static str {
        match self {
            Self::Person(_) => "a person",
            Self::Unknown(_) => "an unknown visitor",
            Self::Account(_) => "an account",
            Self::Gallery(..) => "a device's gallery",
            Self::Job(_) => "a job",
            Self::Directory => "the directory",
            Self::Media => "the store",
            Self::Root => "the server itself",
        }
    }
}

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
    /// Only people can put it there.
    #[error("{0}")]
    ByHand(String),
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
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::one(SealKey::from_bytes(bytes))
    }

    /// Takes 64 hexadecimal digits; `None` if they are none.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.trim_ascii(), bytes.as_mut()).ok()?;
        Some(Self::from_bytes(*bytes))
    }

    /// A new key, held nowhere else.
    #[must_use]
    pub fn generate() -> Self {
        Self::one(SealKey::generate())
    }

    fn one(key: SealKey) -> Self {
        Self(Arc::new(RwLock::new(vec![key])))
    }

    /// The first key as 64 hexadecimal digits, to be written to a key file.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.keys()[0].expose()))
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
        Self::from_hex(&text).map(Some).ok_or_else(|| MasterKeyError::Malformed(path.to_owned()))
    }

    /// Writes the first key to `path` for its owner only, flushed before it is used: what is sealed with a key that was
    /// lost is lost.
    ///
    /// # Errors
    /// [`MasterKeyError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), MasterKeyError> {
        let text = Zeroizing::new(format!("{}\n", *self.to_hex()));
        Ok(write_secret(path, &text)?)
    }

    /// Which keys are held, the one first that wraps.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.keys().iter().map(Fingerprint::of).collect()
    }

    /// The key that wraps.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.keys()[0])
    }

    /// Holds the keys of another one as well, behind its own.
    pub fn learn(&self, other: &Self) {
        let others: Vec<SealKey> = other.keys().clone();
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for key in others {
            if keys.iter().all(|known| known.expose() != key.expose()) {
                keys.push(key);
            }
        }
    }

    /// Wraps with this key from now on; `false` if it is not held.
    #[must_use]
    pub fn prefer(&self, fingerprint: &Fingerprint) -> bool {
        if self.fingerprint() == *fingerprint {
            return true;
        }
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let place = keys.iter().position(|key| Fingerprint::of(key) == *fingerprint);
        place.is_some_and(|place| {
            keys.swap(0, place);
            true
        })
    }

    /// Holds this key alone from now on; changes nothing if it is not held.
    pub fn forget_others(&self, fingerprint: &Fingerprint) {
        if self.prefer(fingerprint) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).truncate(1);
        }
    }

    /// A new person's key, and the key wrapped.
    #[must_use]
    pub fn new_person_key(&self, person: PersonId) -> (PersonKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Person(person));
        (PersonKey::new(key), wrapped)
    }

    /// A person's key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn person_key(&self, person: PersonId, wrapped: &[u8]) -> Result<PersonKey, WrongKey> {
        self.unwrap(Wrapped::Person(person), wrapped).map(PersonKey::new)
    }

    /// A new unknown visitor's key, and the key wrapped.
    #[must_use]
    pub fn new_unknown_key(&self, unknown: UnknownId) -> (UnknownKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Unknown(unknown));
        (UnknownKey::new(key), wrapped)
    }

    /// An unknown visitor's key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn unknown_key(&self, unknown: UnknownId, wrapped: &[u8]) -> Result<UnknownKey, WrongKey> {
        self.unwrap(Wrapped::Unknown(unknown), wrapped).map(UnknownKey::new)
    }

    /// A new account's key, and the key wrapped.
    #[must_use]
    pub fn new_account_key(&self, account: UserId) -> (AccountKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Account(account));
        (AccountKey::new(key), wrapped)
    }

    /// An account's key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn account_key(&self, account: UserId, wrapped: &[u8]) -> Result<AccountKey, WrongKey> {
        self.unwrap(Wrapped::Account(account), wrapped).map(AccountKey::new)
    }

    /// A new directory key, and the key wrapped.
    #[must_use]
    pub fn new_directory_key(&self) -> (DirectoryKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Directory);
        (DirectoryKey::new(key), wrapped)
    }

    /// The directory key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn directory_key(&self, wrapped: &[u8]) -> Result<DirectoryKey, WrongKey> {
        self.unwrap(Wrapped::Directory, wrapped).map(DirectoryKey::new)
    }

    /// A new media key, and the key wrapped.
    #[must_use]
    pub fn new_media_key(&self) -> (MediaKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Media);
        (MediaKey::new(key), wrapped)
    }

    /// The media key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn media_key(&self, wrapped: &[u8]) -> Result<MediaKey, WrongKey> {
        self.unwrap(Wrapped::Media, wrapped).map(MediaKey::new)
    }

    /// New root of the server's own keys, and the root wrapped.
    #[must_use]
    pub fn new_root_key(&self) -> (RootKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Root);
        (RootKey::new(key), wrapped)
    }

    /// The root of the server's own keys.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn root_key(&self, wrapped: &[u8]) -> Result<RootKey, WrongKey> {
        self.unwrap(Wrapped::Root, wrapped).map(RootKey::new)
    }

    /// A new key for a device's gallery chunks, and the key wrapped.
    #[must_use]
    pub fn new_gallery_key(&self, device: DeviceId, id: GalleryKeyId) -> (SealKey, Vec<u8>) {
        self.new_key(Wrapped::Gallery(device, id))
    }

    /// The key of a device's gallery chunks.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn gallery_key(&self, device: DeviceId, id: GalleryKeyId, wrapped: &[u8]) -> Result<SealKey, WrongKey> {
        self.unwrap(Wrapped::Gallery(device, id), wrapped)
    }

    /// A new job's key, and the key wrapped.
    #[must_use]
    pub fn new_job_key(&self, job: JobId) -> (JobKey, Vec<u8>) {
        let (key, wrapped) = self.new_key(Wrapped::Job(job));
        (JobKey::new(key), wrapped)
    }

    /// A job's key.
    ///
    /// # Errors
    /// [`WrongKey`].
    pub fn job_key(&self, job: JobId, wrapped: &[u8]) -> Result<JobKey, WrongKey> {
        self.unwrap(Wrapped::Job(job), wrapped).map(JobKey::new)
    }

    /// A wrapped key wrapped anew with the first key held; `None` if it is already.
    ///
    /// # Errors
    /// [`WrongKey`] if no key held opens it.
    pub fn rewrap(&self, what: Wrapped, wrapped: &[u8]) -> Result<Option<Vec<u8>>, WrongKey> {
        if self.keys()[0].open(&what.place(), wrapped).is_ok() {
            return Ok(None);
        }
        let key = self.unwrap(what, wrapped)?;
        Ok(Some(self.wrap(what, &key)))
    }

    fn keys(&self) -> RwLockReadGuard<'_, Vec<SealKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_key(&self, what: Wrapped) -> (SealKey, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = self.wrap(what, &key);
        (key, wrapped)
    }

    fn wrap(&self, what: Wrapped, key: &SealKey) -> Vec<u8> {
        self.keys()[0].seal(&what.place(), key.expose())
    }

    fn unwrap(&self, what: Wrapped, wrapped: &[u8]) -> Result<SealKey, WrongKey> {
        let place = what.place();
        let opened = self.keys().iter().find_map(|key| key.open(&place, wrapped).ok());
        let opened = Zeroizing::new(opened.ok_or(WrongKey(what.what()))?);
        let bytes = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| WrongKey(what.what()))?;
        Ok(SealKey::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        assert!(MasterKey::read(&path, true).unwrap().is_none());
        let made = MasterKey::generate();
        made.write(&path).unwrap();
        let again = MasterKey::read(&path, true).unwrap().unwrap();
        let (_, wrapped) = made.new_person_key(PersonId(uuid::Uuid::nil()));
        assert!(again.person_key(PersonId(uuid::Uuid::nil()), &wrapped).is_ok(), "the same key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::read(&path, true), Err(MasterKeyError::Open { mode: 0o640, .. })));
        assert!(MasterKey::read(&path, false).unwrap().is_some(), "a credential");
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(MasterKey::read(&path, false), Err(MasterKeyError::Malformed(_))));
        assert!(!format!("{made:?}").contains(&*made.to_hex()) && format!("{made:?}").contains("SealKey(…)"));
    }

    #[test]
    fn of_two_keys_one_wraps_and_both_open() {
        let (former, present) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        let ada = PersonId::generate();
        let (_, old) = former.new_person_key(ada);
        let held = former.clone();
        held.learn(&present);
        assert_eq!(former.fingerprints().len(), 2, "copies learn of it, too");
        assert!(held.rewrap(Wrapped::Person(ada), &old).unwrap().is_none(), "not yet in force");
        assert!(held.prefer(&present.fingerprint()) && !held.prefer(&Fingerprint::stored("0".into())));
        let new = held.rewrap(Wrapped::Person(ada), &old).unwrap().unwrap();
        assert!(present.person_key(ada, &new).is_ok() && present.person_key(ada, &old).is_err());
        assert!(held.person_key(ada, &old).is_ok() && held.rewrap(Wrapped::Person(ada), &new).unwrap().is_none());
        assert!(held.rewrap(Wrapped::Person(PersonId::generate()), &old).is_err(), "another row's");
        held.forget_others(&present.fingerprint());
        assert!(held.person_key(ada, &old).is_err() && held.person_key(ada, &new).is_ok());
        assert_eq!(held.fingerprint().as_str().len(), 16);
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
