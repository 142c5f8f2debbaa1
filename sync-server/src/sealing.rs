//! Keys that what is personal is sealed with at rest. Pure but for [`MasterKey::read`] and [`MasterKey::write`].
//!
//! ```text
//! master key (a file, the environment, a systemd credential: `keyring`; never in the database)
//!   wraps  one key per person   names, embeddings, pictures of their visits
//!          one key per account  its names, addresses, second factor
//!          the directory key    keyed hashes of what is looked up, invitations
//!          one key per unknown  pictures and embeddings of the visits put together as one unknown visitor
//!          the media key        pictures and embeddings of visits that matched nobody
//!          the root key         the server's own keys: links, positions in lists, kept answers
//!          one key per device   gallery chunks on their way
//!          one key per job      what was uploaded for it, and what became of it
//! ```
//!
//! Whoever destroys a wrapped key destroys what it sealed, wherever copies of it lie. Start reading at
//! [`MasterKey`]; what is sealed with what is in [`PersonKey`], [`AccountKey`],
//! [`DirectoryKey`], [`MediaKey`] and [`GalleryKey`].

mod account;
mod derived;
mod directory;
mod gallery;
mod job;
mod master;
mod media;
mod person;
mod talk;
mod unknown;

pub use account::{AccountField, AccountKey};
pub use derived::{DerivedKey, RootKey};
pub use directory::{DirectoryKey, Lookup};
pub use gallery::GalleryKey;
pub use job::JobKey;
pub use master::{Fingerprint, MasterKey, MasterKeyError, Wrapped, WrongKey};
pub use media::MediaKey;
pub use person::PersonKey;
pub use talk::{ThreadKeeper, ThreadKey};
pub use unknown::UnknownKey;
