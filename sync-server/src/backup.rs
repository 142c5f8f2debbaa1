//! The whole installation in one file: every table, the server's keys, its CA. Encrypted with `age`, signed by the server.
//!
//! ```text
//! ostiary-backup/1                        what it is
//! age( pieces )                           tables in pieces, then files, then the end
//! manifest                                a JSON Web Signature: what is in it, and the SHA-256 of everything before
//! length of the manifest, ostiary-end/1   so that it is found from the end
//! ```
//!
//! Start with [`create`] and [`open`]; [`manifest`] is what is signed, `pieces` what is encrypted. A file that was
//! altered anywhere is refused before anything of it is unpacked.

pub mod keys;
pub mod manifest;
mod pieces;
mod read;
mod write;

pub use self::keys::{Openers, Recipients};
pub use self::manifest::{Manifest, TableSummary};
pub use self::pieces::Kept;
pub use self::read::{Opened, open};
pub use self::write::{Created, Sources, create};

/// What every backup begins with.
const MAGIC: &[u8] = b"ostiary-backup/1\n";
/// What it ends with.
const END: &[u8] = b"\nostiary-end/1\n";
/// The longest manifest, in bytes.
const MOST_MANIFEST_BYTES: u64 = 1024 * 1024;

/// Why a backup could not be made, or is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file failed.
    #[error("{doing}: {source}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// It is not as it was written.
    #[error("this is no backup, or not as it was written: {0}")]
    Damaged(String),
    /// Whoever signed it is not who it is to be from.
    #[error(
        "it is signed by {found}, and nothing here says that this is your server: compare it with what `backup` printed, \
         and say `--signer {found}`"
    )]
    Stranger {
        /// Fingerprint of the key it is signed with.
        found: String,
    },
    /// A key that encrypts or decrypts is none, or not the right one.
    #[error("{0}")]
    Key(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::ports::StoreError),
}

impl BackupError {
    const fn file(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { doing, source }
    }
}
