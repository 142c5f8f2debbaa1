//! What the device keeps over a power cut: gallery, outbox, counters, all sealed. Gallery and counters lie in sled, which
//! is known nowhere else, verified at opening and rebuildable from the server (ADR 0002). The outbox, which nobody could
//! give back, is a log of our own (ADR 0016).
//!
//! Start reading at [`open`]; a damaged cache is set aside there, and the daemon always starts.

mod disk;
mod gallery;
mod key;
mod legacy;
mod meta;
mod open;
mod outbox;
mod reserve;
mod shelf;

#[cfg(test)]
mod damage_tests;

pub use disk::CacheDisk;
pub use gallery::GalleryShelf;
pub use key::load_or_make as load_or_make_key;
pub use meta::MetaShelf;
pub use open::{Quarantine, examine, open};
pub use outbox::{Budget, Dropped, EventDraft, OutboxShelf};

/// Why the cache could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The storage engine failed.
    #[error("cache: {0}")]
    Engine(#[from] sled::Error),
    /// The storage engine panicked; what is on disk cannot be trusted.
    #[error("cache: the storage engine panicked: {0}")]
    Panicked(String),
    /// A value is damaged, of another key, or of a format this program does not know.
    #[error("cache: {place} is not readable: {reason}")]
    Unreadable {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// The values do not fit together.
    #[error("cache: {0}")]
    Inconsistent(String),
    /// The file system refused.
    #[error("cache: {0}")]
    Files(#[from] std::io::Error),
}

impl CacheError {
    /// Whether the disk is full, rather than broken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let kind = match self {
            Self::Engine(sled::Error::Io(cause)) | Self::Files(cause) => cause.kind(),
            _ => return false,
        };
        matches!(kind, QuotaExceeded | StorageFull)
    }
}

#[cfg(test)]
pub use outbox::tests as testing;

/// The opened cache; clones share it.
#[derive(Clone, Debug)]
pub struct Cache {
    /// The templates to match against.
    pub gallery: GalleryShelf,
    /// Those of another pack, while a device goes over to it or could come back.
    pub beside: GalleryShelf,
    /// Events the server has not stored yet.
    pub outbox: OutboxShelf,
    /// Counters and settings.
    pub meta: MetaShelf,
}

/// Runs an operation of the storage engine; a panic inside it becomes an error.
fn guarded<T>(operation: impl FnOnce() -> Result<T, CacheError>) -> Result<T, CacheError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref().copied());
        Err(CacheError::Panicked(text.unwrap_or("no message").to_owned()))
    })
}
