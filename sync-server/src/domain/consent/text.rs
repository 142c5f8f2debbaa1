//! The text persons consent to, version by version.

use std::collections::BTreeMap;

use ostiary_common::time::UnixMillis;

/// The first version, in English, as long as nobody sets another.
pub const FIRST_TEXT: &str = "I agree to be recognised by my face at the doors of this installation. For this, my name and \
numbers that describe my face, made from photos of me, are kept, and a picture of my face when I pass. All of it is kept \
sealed, on the premises, and used for nothing else. I can withdraw my consent at any time and without giving reasons. From \
then on I am not recognised any more, and what is kept about me is erased.";

/// The longest a person may stay stored after a withdrawal, in days: the month that the law leaves.
pub const MOST_ERASE_AFTER_DAYS: u32 = 30;

/// A version of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentText {
    /// Counts from 1.
    pub version: u64,
    /// By language (BCP 47, as in `en`).
    pub texts: BTreeMap<String, String>,
    /// Whether consent to earlier versions no longer suffices for new photos.
    pub renews: bool,
    /// How many days after a withdrawal the person is erased.
    pub erase_after_days: u32,
    /// When it was set; `None` for the one that comes with the program.
    pub set_at: Option<UnixMillis>,
    /// By whom: an actor of the audit log.
    pub set_by: String,
}

/// A version that is to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConsentText {
    /// By language.
    pub texts: BTreeMap<String, String>,
    /// Whether consent to earlier versions no longer suffices for new photos.
    pub renews: bool,
    /// How many days after a withdrawal the person is erased.
    pub erase_after_days: u32,
    /// By whom.
    pub set_by: String,
}

/// What holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForceText {
    /// The newest version.
    pub text: ConsentText,
    /// The least version consent to which suffices for new photos.
    pub least_version: u64,
}
