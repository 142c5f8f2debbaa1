//! The gallery digest: proves that two sides hold the same templates, whatever the order they came in.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::TemplateId;

/// An order-independent digest over `(template id, version)`: the lane-wise wrapping sum of the SHA-256 of
/// each pair, so that a template can be added and taken out again in constant time. The empty gallery's
/// digest is all zeros.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct GalleryDigest([u64; 4]);

impl GalleryDigest {
    /// The digest of a whole gallery.
    #[must_use]
    pub fn of(templates: impl IntoIterator<Item = (TemplateId, u32)>) -> Self {
        let mut digest = Self::default();
        for (id, version) in templates {
            digest.add(id, version);
        }
        digest
    }

    /// Takes a template in.
    pub fn add(&mut self, id: TemplateId, version: u32) {
        for (lane, term) in self.0.iter_mut().zip(term(id, version)) {
            *lane = lane.wrapping_add(term);
        }
    }

    /// Takes a template out that was added before.
    pub fn remove(&mut self, id: TemplateId, version: u32) {
        for (lane, term) in self.0.iter_mut().zip(term(id, version)) {
            *lane = lane.wrapping_sub(term);
        }
    }

    /// Takes in all templates of another digest.
    pub fn merge(&mut self, other: &Self) {
        for (lane, term) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_add(term);
        }
    }

    /// Takes out all templates of another digest, which were in this one.
    pub fn unmerge(&mut self, other: &Self) {
        for (lane, term) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_sub(term);
        }
    }

    /// 32 bytes, little-endian lanes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, lane) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&lane.to_le_bytes());
        }
        bytes
    }

    /// From the 32 bytes [`GalleryDigest::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut lanes = [0; 4];
        for (lane, chunk) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*chunk);
        }
        Self(lanes)
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.to_bytes())
    }
}

fn term(id: TemplateId, version: u32) -> [u64; 4] {
    let hash: [u8; 32] =
        Sha256::new().chain_update(id.as_bytes()).chain_update(version.to_le_bytes()).finalize().into();
    GalleryDigest::from_bytes(hash).0
}

impl fmt::Debug for GalleryDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "digest:{}", &self.to_hex()[..12])
    }
}

impl fmt::Display for GalleryDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl TryFrom<serde_bytes::ByteBuf> for GalleryDigest {
    type Error = String;
    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, String> {
        let found = bytes.len();
        <[u8; 32]>::try_from(bytes.into_vec())
            .map(Self::from_bytes)
            .map_err(|_| format!("a gallery digest has 32 bytes, found {found}"))
    }
}

impl From<GalleryDigest> for serde_bytes::ByteBuf {
    fn from(digest: GalleryDigest) -> Self {
        Self::from(digest.to_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn order_does_not_matter_and_removal_undoes(
            mut rows in proptest::collection::vec((any::<u128>(), any::<u32>()), 1..40), cut in any::<usize>()
        ) {
            let id = |n: u128| TemplateId(Uuid::from_u128(n));
            let forward = GalleryDigest::of(rows.iter().map(|&(n, v)| (id(n), v)));
            let mut less = forward;
            let (n, v) = rows[cut % rows.len()];
            less.remove(id(n), v);
            prop_assert_ne!(less, forward);
            less.add(id(n), v);
            prop_assert_eq!(less, forward);
            let (left, right) = rows.split_at(cut % rows.len());
            let part = |rows: &[(u128, u32)]| GalleryDigest::of(rows.iter().map(|&(n, v)| (id(n), v)));
            let mut whole = part(left);
            whole.merge(&part(right));
            prop_assert_eq!(whole, forward);
            whole.unmerge(&part(left));
            prop_assert_eq!(whole, part(right));
            rows.reverse();
            prop_assert_eq!(GalleryDigest::of(rows.iter().map(|&(n, v)| (id(n), v))), forward);
            prop_assert_eq!(GalleryDigest::from_bytes(forward.to_bytes()), forward);
        }
    }
}
