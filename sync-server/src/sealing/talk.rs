//! A conversation's key: what is said in it is sealed with it. It lies wrapped by the person's key where the conversation
//! is about a person, and ends with it; by the directory key otherwise.

use ostiary_common::seal::{OpenError, SealKey};

use super::{DirectoryKey, PersonKey};

/// Seals what is said in one conversation; each text is bound to its message.
#[derive(Debug)]
pub struct ThreadKey(SealKey);

/// What wraps a conversation's key.
pub enum ThreadKeeper<'a> {
    /// The key of the person it is about.
    Person(&'a PersonKey),
    /// The installation's.
    Directory(&'a DirectoryKey),
}

impl ThreadKeeper<'_> {
    fn seal(&self, place: &[u8], key: &[u8]) -> Vec<u8> {
        match self {
            Self::Person(person) => person.seal_of_thread(place, key),
            Self::Directory(directory) => directory.seal(place, key),
        }
    }

    fn open(&self, place: &[u8], wrapped: &[u8]) -> Result<Vec<u8>, OpenError> {
        match self {
            Self::Person(person) => person.open_of_thread(place, wrapped),
            Self::Directory(directory) => directory.open(place, wrapped),
        }
    }
}

impl ThreadKey {
    /// A new key, and the key wrapped. `thread` is the conversation's id.
    pub fn new(keeper: &ThreadKeeper<'_>, thread: &[u8; 16]) -> (Self, Vec<u8>) {
        let key = SealKey::generate();
        let wrapped = keeper.seal(&place(thread), key.expose());
        (Self(key), wrapped)
    }

    /// A conversation's key.
    ///
    /// # Errors
    /// [`OpenError`] if it was wrapped by another key, or is another conversation's.
    pub fn unwrap(keeper: &ThreadKeeper<'_>, thread: &[u8; 16], wrapped: &[u8]) -> Result<Self, OpenError> {
        let opened = zeroize::Zeroizing::new(keeper.open(&place(thread), wrapped)?);
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| OpenError)?;
        Ok(Self(SealKey::from_bytes(bytes)))
    }

    /// The key, wrapped by another keeper: what the conversation is about has changed.
    #[must_use]
    pub fn wrapped(&self, keeper: &ThreadKeeper<'_>, thread: &[u8; 16]) -> Vec<u8> {
        keeper.seal(&place(thread), self.0.expose())
    }

    /// Seals a text of a message.
    pub fn seal(&self, message: &[u8; 16], text: &str) -> Vec<u8> {
        self.0.seal(message, text.as_bytes())
    }

    /// Opens a text of a message.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, message: &[u8; 16], sealed: &[u8]) -> Result<String, OpenError> {
        String::from_utf8(self.0.open(message, sealed)?).map_err(|_| OpenError)
    }
}

fn place(thread: &[u8; 16]) -> Vec<u8> {
    [b"thread/".as_slice(), thread].concat()
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::PersonId;

    use super::*;
    use crate::sealing::MasterKey;

    #[test]
    fn what_is_said_opens_in_its_place_alone() {
        let master = MasterKey::from_bytes([1; 32]);
        let (ada, _) = master.new_person_key(PersonId::generate());
        let (eve, _) = master.new_person_key(PersonId::generate());
        let keeper = ThreadKeeper::Person(&ada);
        let (key, wrapped) = ThreadKey::new(&keeper, &[1; 16]);
        let sealed = key.seal(&[2; 16], "He was here");
        assert_eq!(
            ThreadKey::unwrap(&keeper, &[1; 16], &wrapped).unwrap().open(&[2; 16], &sealed).unwrap(),
            "He was here"
        );
        assert!(key.open(&[3; 16], &sealed).is_err());
        assert!(ThreadKey::unwrap(&keeper, &[9; 16], &wrapped).is_err());
        assert!(ThreadKey::unwrap(&ThreadKeeper::Person(&eve), &[1; 16], &wrapped).is_err());
    }
}
