//! Why a store could not do what it was asked.

/// Why the store could not do what was asked. "Not found" is `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name or code is taken.
    #[error("{0} is taken already")]
    Conflict(&'static str),
    /// The row this one points to is not there.
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    /// Somebody else changed it meanwhile.
    #[error("version {present} is in force, the change was made against version {expected}")]
    Outdated {
        /// The version the change was made against.
        expected: u64,
        /// The version now.
        present: u64,
    },
    /// Somebody must own everything, or nobody could make owners any more.
    #[error("this account is the last owner; make another one first")]
    LastOwner,
    /// The master key is not the one the store was sealed with.
    #[error("the master key is not the one this store was sealed with; put back the one that belongs to it")]
    OtherMasterKey,
    /// This is not the store to work on.
    #[error("this is not the store to work on: {0}")]
    Elsewhere(String),
    /// What is stored cannot be read.
    #[error("stored {what} cannot be read: {reason}")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The database broke the work off for the sake of somebody else's; nothing of it was done, and it may be tried again.
    #[error("the database broke the work off for the sake of other work: {0}")]
    BrokenOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database cannot be reached, or has no connection left; what was asked for may be tried again later.
    #[error("the database cannot be reached: {0}")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database did not answer or refused.
    #[error("the database failed: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}
