//! Between columns and domain types: ids are blobs, unsigned numbers are signed ones, embeddings are
//! little-endian floats.

use std::borrow::Cow;

use ostiary_common::ids::{GroupId, PackId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Angle;
use uuid::Uuid;

use super::error::corrupt;
use crate::domain::gallery::Validity;
use crate::ports::StoreError;

/// Comes behind every id in the order of bytes, which is theirs.
pub const BEHIND_EVERY_ID: [u8; 17] = [0xff; 17];

/// Reads an id column; `make` is the id's constructor.
pub fn id<T>(make: fn(Uuid) -> T, bytes: &[u8]) -> Result<T, StoreError> {
    Uuid::from_slice(bytes).map(make).map_err(|e| corrupt("id", e))
}

/// Writes a text of strangers: PostgreSQL holds no NUL in one, and refuses the whole statement.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}").into() } else { text.into() }
}

/// Writes an unsigned number; beyond the column's range it saturates (a session or sequence number of 2^63
/// is not reachable by counting).
pub fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads an unsigned number.
pub fn unsigned(what: &'static str, column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|e| corrupt(what, e))
}

/// Reads an unsigned number of 32 bits.
pub fn unsigned32(what: &'static str, column: i64) -> Result<u32, StoreError> {
    u32::try_from(column).map_err(|e| corrupt(what, e))
}

/// Reads an optional time column.
pub fn time(column: Option<i64>) -> Option<UnixMillis> {
    column.map(UnixMillis)
}

/// Reads a column of fixed length.
pub fn bytes32(what: &'static str, column: &[u8]) -> Result<[u8; 32], StoreError> {
    column.try_into().map_err(|e| corrupt(what, e))
}

/// Reads a pack column.
pub fn pack(column: &str) -> Result<PackId, StoreError> {
    PackId::parse(column).map_err(|e| corrupt("pack", e))
}

/// Reads a span of validity.
pub fn validity(from: Option<i64>, until: Option<i64>) -> Result<Validity, StoreError> {
    Validity::parse(time(from), time(until)).map_err(|e| corrupt("validity", e))
}

/// Reads group ids as `string_agg(hex(id), '')` gives them, in order of id.
pub fn groups(column: Option<&str>) -> Result<Vec<GroupId>, StoreError> {
    let bytes = hex::decode(column.unwrap_or_default()).map_err(|e| corrupt("groups", e))?;
    let mut groups = bytes.chunks(16).map(|bytes| id(GroupId, bytes)).collect::<Result<Vec<_>, _>>()?;
    groups.sort_unstable();
    Ok(groups)
}

/// Writes an angle.
pub const fn angle_to_column(angle: Angle) -> &'static str {
    match angle {
        Angle::Frontal => "frontal",
        Angle::Left => "left",
        Angle::Right => "right",
        Angle::Unknown => "unknown",
    }
}

/// Reads an angle.
pub fn angle(column: &str) -> Result<Angle, StoreError> {
    [Angle::Frontal, Angle::Left, Angle::Right, Angle::Unknown]
        .into_iter()
        .find(|angle| angle_to_column(*angle) == column)
        .ok_or_else(|| corrupt("angle", column))
}

/// Writes an embedding.
pub fn embedding_to_column(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Reads an embedding.
pub fn embedding(column: &[u8]) -> Result<Vec<f32>, StoreError> {
    let (values, rest) = column.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(corrupt("embedding", format!("{} bytes is not a whole number of floats", column.len())));
    }
    Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
