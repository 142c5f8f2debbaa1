//! Persons and photos from another system: an archive (or a table alone) becomes a job, an item for each row and each
//! photo.
//!
//! [`archive`] opens a ZIP distrustfully, [`table`] reads its CSV or JSON Lines, [`row`] makes a person of a line or says
//! what is wrong with it, [`prepare`] puts the job together, [`work`] does its items. All that can be said of a file
//! without models is said before anything is queued. [`export`] writes the same table back.

pub mod archive;
pub mod export;
pub mod prepare;
pub mod row;
pub mod table;
pub mod work;

use serde::{Deserialize, Serialize};

use crate::jobs::spool::SpoolError;

/// The number of the uploaded file among those of its job; items' files have lower ones.
pub const UPLOAD: u64 = 1 << 40;

/// What is asked of an import.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ImportPlan {
    /// Say what would become of every row and photo, and change nothing.
    pub dry_run: bool,
    /// Take faces that are not those of the person's other photos.
    pub insist: bool,
    /// Everyone in the table has consented, whatever the rows say.
    pub consent: bool,
    /// Where from it was asked, for the audit log.
    pub source: String,
    /// Whether photos come with the table.
    pub with_photos: bool,
}

/// Why a file is not taken at all: a stable word for programs, and words for people.
#[derive(Debug, thiserror::Error)]
pub enum ImportRefused {
    /// Not what it should be.
    #[error("{detail}")]
    File {
        /// Stable: `archive-…` or `table-…`.
        slug: &'static str,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The disk failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl ImportRefused {
    fn file(slug: &'static str, detail: impl Into<String>) -> Self {
        Self::File { slug, detail: detail.into() }
    }
}
