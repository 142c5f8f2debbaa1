//! Positions in lists as clients carry them: opaque, signed, and good only for the list and filters they came from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::problem::ApiError;
use crate::sealing::DerivedKey;

/// Bytes of the signature that a cursor carries.
const SIGNATURE_BYTES: usize = 32;
/// The longest cursor there is, in characters; what is longer is not looked at.
const MAX_CHARS: usize = 256;

/// Makes and reads cursors.
#[derive(Debug)]
pub struct Cursors(DerivedKey);

impl Cursors {
    /// With a key of their own.
    pub const fn new(key: DerivedKey) -> Self {
        Self(key)
    }

    /// A cursor at `place` of a list; `filter` is everything that says which items are in the list.
    pub fn seal<const N: usize>(&self, list: &str, filter: &str, place: [i64; N]) -> String {
        let mut bytes: Vec<u8> = place.iter().flat_map(|number| number.to_be_bytes()).collect();
        let signature = self.0.sign(&message(list, filter, &bytes));
        bytes.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] if it was altered, made up, or is for another list or other filters.
    pub fn open<const N: usize>(&self, list: &str, filter: &str, cursor: &str) -> Result<[i64; N], ApiError> {
        self.read(list, filter, cursor).ok_or_else(|| {
            let detail = "is not a cursor of this list with these filters; begin again without it".into();
            ApiError::InvalidQuery { name: "cursor", detail }
        })
    }

    fn read<const N: usize>(&self, list: &str, filter: &str, cursor: &str) -> Option<[i64; N]> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor.get(..cursor.len().min(MAX_CHARS))?).ok()?;
        let (place, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE_BYTES)?)?;
        if place.len() != N * 8 || !self.0.is_signed(&message(list, filter, place), signature) {
            return None;
        }
        let mut numbers = [0; N];
        for (number, bytes) in numbers.iter_mut().zip(place.as_chunks::<8>().0) {
            *number = i64::from_be_bytes(*bytes);
        }
        Some(numbers)
    }
}

fn message(list: &str, filter: &str, place: &[u8]) -> Vec<u8> {
    let about = [Sha256::digest(list.as_bytes()), Sha256::digest(filter.as_bytes())].concat();
    [about.as_slice(), place].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sealing::RootKey;

    fn cursors() -> Cursors {
        Cursors::new(RootKey::from_bytes([9; 32]).derived("cursors"))
    }

    proptest! {
        #[test]
        fn what_went_out_comes_back_and_nothing_else_does(place: [i64; 2], at in 0_usize..64, flip in 1_u8..64) {
            let cursors = cursors();
            let cursor = cursors.seal("events", "door=1", place);
            prop_assert_eq!(cursors.open("events", "door=1", &cursor).unwrap(), place);
            prop_assert!(cursors.open::<2>("events", "door=2", &cursor).is_err());
            prop_assert!(cursors.open::<2>("audit", "door=1", &cursor).is_err());
            prop_assert!(cursors.open::<3>("events", "door=1", &cursor).is_err());
            let mut bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
            let index = at % bytes.len();
            bytes[index] ^= flip;
            prop_assert!(cursors.open::<2>("events", "door=1", &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

        #[test]
        fn no_text_is_too_strange_to_be_refused(text in ".{0,400}") {
            prop_assert!(cursors().open::<2>("events", "", &text).is_err());
        }
    }
}
