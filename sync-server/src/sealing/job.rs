//! A job's key: what was uploaded for it, what it was asked, and what became of its items is sealed with it.

use ostiary_common::seal::{OpenError, SealKey};

/// Seals what belongs to one job; each value is bound to the place it belongs to.
#[derive(Debug)]
pub struct JobKey(SealKey);

impl JobKey {
    pub(super) const fn new(key: SealKey) -> Self {
        Self(key)
    }

    /// Seals a value: `what` says which, `n` of which item or piece.
    pub fn seal(&self, what: &str, n: u64, plain: &[u8]) -> Vec<u8> {
        self.0.seal(&place(what, n), plain)
    }

    /// Opens a value.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, what: &str, n: u64, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(&place(what, n), sealed)
    }
}

fn place(what: &str, n: u64) -> Vec<u8> {
    [b"job/", what.as_bytes(), b"/", n.to_be_bytes().as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_change_places() {
        let key = JobKey::new(SealKey::generate());
        let sealed = key.seal("task", 7, b"a row");
        assert_eq!(key.open("task", 7, &sealed).unwrap(), b"a row");
        assert!(key.open("task", 8, &sealed).is_err());
        assert!(key.open("outcome", 7, &sealed).is_err());
        assert!(JobKey::new(SealKey::generate()).open("task", 7, &sealed).is_err());
    }
}
