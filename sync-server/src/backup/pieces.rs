//! What is encrypted: pieces with their lengths before them, so that they can be written and read as they come.

use std::io::{self, Read, Write};

use ostiary_common::codec;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::BackupError;
use crate::ports::backup::DumpPiece;

/// The largest piece, in bytes: some hundred rows with pictures.
const MOST_BYTES: usize = 512 * 1024 * 1024;
/// Names a piece in errors.
const KIND: &str = "piece of a backup";

/// A file that is kept beside the tables.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its name, below the data directory; `master.key` wherever that lies.
    pub name: String,
    /// What is in it.
    pub bytes: ByteBuf,
}

/// A piece.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) enum Piece {
    /// Of the tables.
    Dump(DumpPiece),
    /// A file.
    File(Kept),
    /// Nothing follows.
    End,
}

/// Writes a piece.
pub(super) fn write(to: &mut impl Write, piece: &Piece) -> Result<(), BackupError> {
    let bytes = codec::to_vec(KIND, MOST_BYTES, piece).map_err(|error| BackupError::Damaged(error.to_string()))?;
    let length = u32::try_from(bytes.len()).map_err(|error| BackupError::Damaged(error.to_string()))?;
    to.write_all(&length.to_be_bytes()).and_then(|()| to.write_all(&bytes)).map_err(BackupError::file("writing"))
}

/// Reads the next piece.
pub(super) fn read(from: &mut impl Read) -> Result<Piece, BackupError> {
    let cut = |error: io::Error| BackupError::Damaged(error.to_string());
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(cut)?;
    let length = u32::from_be_bytes(length);
    if length as usize > MOST_BYTES {
        return Err(BackupError::Damaged("a piece is too long".into()));
    }
    let mut bytes = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut bytes).map_err(cut)?;
    codec::from_slice(KIND, MOST_BYTES, &bytes).map_err(|error| BackupError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ports::backup::DumpValue;

    fn value() -> impl Strategy<Value = DumpValue> {
        prop_oneof![
            any::<Option<i64>>().prop_map(DumpValue::I),
            proptest::option::of(-1e9..1e9_f64).prop_map(DumpValue::R),
            any::<Option<String>>().prop_map(DumpValue::T),
            any::<Option<Vec<u8>>>().prop_map(|bytes| DumpValue::B(bytes.map(ByteBuf::from))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(rows in proptest::collection::vec(proptest::collection::vec(value(), 0..5), 0..5)) {
            let pieces = [Piece::Dump(DumpPiece::Rows(rows)), Piece::End];
            let mut bytes = Vec::new();
            pieces.iter().for_each(|piece| write(&mut bytes, piece).unwrap());
            let mut from = bytes.as_slice();
            for piece in &pieces {
                prop_assert_eq!(&read(&mut from).unwrap(), piece);
            }
            prop_assert!(from.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(&mut bytes.as_slice());
        }
    }
}
