//! What people looked for. Each sees their own searches, and nobody else's.

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::talk::SearchId;

/// What was looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKind {
    /// What people say, for words.
    Talk,
    /// Persons and unknown visits, for a face.
    Faces,
}

impl SearchKind {
    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Faces => "faces",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Talk, Self::Faces].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Id; rises with time.
    pub id: SearchId,
    /// Who looked.
    pub account: UserId,
    /// Through what.
    pub kind: SearchKind,
    /// The words; of a face, what it was taken from (`event:<id>`, `person:<id>`, `picture`).
    pub words: String,
    /// How much was found.
    pub found: u64,
    /// When.
    pub at: UnixMillis,
}

/// Keeps searches.
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// Keeps one; of an account's, the newest 200 are.
    async fn note_search(&self, search: &Search) -> Result<(), StoreError>;
    /// An account's, the newest first, before `before`.
    async fn searches_of(
        &self,
        account: UserId,
        before: Option<SearchId>,
        limit: u32,
    ) -> Result<Vec<Search>, StoreError>;
    /// Forgets them, and says how many there were.
    async fn forget_searches(&self, account: UserId) -> Result<u64, StoreError>;
}
