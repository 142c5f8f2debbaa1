//! Removing sites and doors.

/// What became of a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// Other things hang on it: how many of each.
    InUse(Vec<(&'static str, u64)>),
}
