//! What stands in a segment: frames, each whole by its checksum, its body sealed for its place in the outbox.
//!
//! ```text
//! 0 magic "OEVT"   4 kind   5 packed   6 count u16   8 first key u64   16 plain bytes u32   20 picture bytes u32
//! 24 body bytes u32   28 CRC-32 of all before and of the body   32 body, padded to eights
//! ```
//! Numbers are little-endian. The body of events is sealed (XChaCha20-Poly1305) with bytes 0 to 24 bound in: events,
//! each as its length (u32) and its CBOR, deflated if packed.

use std::io::{Read, Write};

use ostiary_common::codec;
use ostiary_common::seal::SealKey;
use ostiary_common::wire::EventRecord;

/// Bytes before a frame's body.
pub const HEAD_BYTES: usize = 32;
/// Frames begin at multiples of this.
pub const ALIGN: usize = 8;
/// The largest event, bytes of CBOR.
pub const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;
/// The largest body before packing: one event of the largest size, or many small ones.
const MAX_PLAIN_BYTES: usize = MAX_EVENT_BYTES + 4;
const MAGIC: [u8; 4] = *b"OEVT";
const BOUND: usize = 24;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Events.
    Events,
    /// The server has everything up to this key.
    Acked,
}

/// A frame's place and size, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it says.
    pub kind: Kind,
    /// The key of its first event, or the last acknowledged.
    pub first_key: u64,
    /// How many events.
    pub count: u16,
    /// Bytes of its events before sealing and packing.
    pub plain_bytes: u32,
    /// Bytes of pictures among them.
    pub media_bytes: u32,
    body_bytes: u32,
    packed: bool,
}

impl Head {
    /// Bytes it takes in the segment.
    pub const fn stored_bytes(&self) -> usize {
        (HEAD_BYTES + self.body_bytes as usize).next_multiple_of(ALIGN)
    }

    /// One past the key of its last event.
    pub const fn next_key(&self) -> u64 {
        self.first_key + self.count as u64
    }

    /// Reads the head of a frame; `None` where no frame begins.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD_BYTES)?;
        let kind = match (head.starts_with(&MAGIC), head[4]) {
            (true, 1) => Kind::Events,
            (true, 2) => Kind::Acked,
            _ => return None,
        };
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Some(Self {
            kind,
            packed: head[5] & 1 == 1,
            count: u16::from_le_bytes([head[6], head[7]]),
            first_key: u64::from(word(12)) << 32 | u64::from(word(8)),
            plain_bytes: word(16),
            media_bytes: word(20),
            body_bytes: word(24),
        })
    }
}

/// The frame that begins `bytes`, if it is whole.
pub fn read(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let head = Head::read(bytes)?;
    let body = bytes.get(HEAD_BYTES..HEAD_BYTES.checked_add(head.body_bytes as usize)?)?;
    let sum = u32::from_le_bytes([bytes[28], bytes[29], bytes[30], bytes[31]]);
    (checksum(&bytes[..28], body) == sum).then_some((head, body))
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(body);
    sum.finalize()
}

/// A frame that says the server has everything up to `upto`.
pub fn acked(upto: u64) -> Vec<u8> {
    assemble(&bound(Kind::Acked, false, 0, upto, [0, 0]), &[])
}

/// A frame of events with keys from `first_key` on; returns its bytes and how many of the plain ones are pictures.
///
/// # Errors
/// In words, if an event has no CBOR form or is too large.
pub fn events(key: &SealKey, first_key: u64, records: &[EventRecord], pack: bool) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let mut media_bytes = 0;
    for record in records {
        let cbor = codec::to_vec("event", MAX_EVENT_BYTES, record).map_err(|error| error.to_string())?;
        plain.extend(u32::try_from(cbor.len()).map_err(|e| e.to_string())?.to_le_bytes());
        plain.extend(cbor);
        media_bytes += record.visit.as_ref().and_then(|visit| visit.crop_jpeg.as_ref()).map_or(0, |crop| crop.len());
    }
    let sizes = [plain.len(), media_bytes].map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    let count = u16::try_from(records.len()).map_err(|error| error.to_string())?;
    let body = if pack { deflated(&plain) } else { plain };
    let bound = bound(Kind::Events, pack, count, first_key, sizes);
    let sealed = key.seal(&bound, &body);
    Ok(assemble(&bound, &sealed))
}

/// The events of a frame, each with its size in bytes.
///
/// # Errors
/// In words, if it was sealed with another key, altered, or holds something else.
pub fn open(key: &SealKey, bytes: &[u8]) -> Result<Vec<(EventRecord, u64)>, String> {
    let (head, body) = read(bytes).ok_or("a frame is damaged")?;
    let body = key.open(&bytes[..BOUND], body).map_err(|error| error.to_string())?;
    let plain = if head.packed { inflated(&body, head.plain_bytes)? } else { body };
    let mut rest = plain.as_slice();
    let mut records = Vec::with_capacity(usize::from(head.count));
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (cbor, after) = after.split_at_checked(length).ok_or("an event is cut short")?;
        let record = codec::from_slice("event", MAX_EVENT_BYTES, cbor).map_err(|error| error.to_string())?;
        records.push((record, length as u64));
        rest = after;
    }
    if records.len() == usize::from(head.count) { Ok(records) } else { Err("a frame misses events".into()) }
}

fn bound(kind: Kind, packed: bool, count: u16, first_key: u64, sizes: [u32; 2]) -> [u8; BOUND] {
    let mut bytes = [0; BOUND];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4] = match kind {
        Kind::Events => 1,
        Kind::Acked => 2,
    };
    bytes[5] = u8::from(packed);
    bytes[6..8].copy_from_slice(&count.to_le_bytes());
    bytes[8..16].copy_from_slice(&first_key.to_le_bytes());
    bytes[16..20].copy_from_slice(&sizes[0].to_le_bytes());
    bytes[20..24].copy_from_slice(&sizes[1].to_le_bytes());
    bytes
}

fn assemble(bound: &[u8; BOUND], body: &[u8]) -> Vec<u8> {
    let mut bytes = bound.to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    let sum = checksum(&bytes, body);
    bytes.extend(sum.to_le_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
    bytes
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = packer.write_all(plain).and_then(|()| packer.finish());
    packed.expect("writing into memory does not fail")
}

fn inflated(packed: &[u8], plain_bytes: u32) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let most = u64::from(plain_bytes).min(MAX_PLAIN_BYTES as u64 * 64);
    let mut unpacker = flate2::read::DeflateDecoder::new(packed).take(most + 1);
    unpacker.read_to_end(&mut plain).map_err(|error| error.to_string())?;
    if plain.len() as u64 == most { Ok(plain) } else { Err("a packed frame has another size".into()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, visit};
    use super::*;
    use proptest::prelude::*;

    fn records(count: usize) -> Vec<EventRecord> {
        let drafts = (0..count).map(|n| if n % 3 == 0 { report("x") } else { visit(n * 50) });
        let number = |(seq, draft): (usize, super::super::EventDraft)| draft.numbered(seq as u64 + 7);
        drafts.enumerate().map(number).collect()
    }

    #[test]
    fn what_was_written_is_read_and_bound_to_its_place() {
        let key = SealKey::from_bytes([1; 32]);
        for (count, pack) in [(1, false), (1, true), (64, false), (64, true)] {
            let records = records(count);
            let bytes = events(&key, 7, &records, pack).unwrap();
            let (head, _) = read(&bytes).unwrap();
            assert_eq!((head.kind, head.first_key, head.next_key()), (Kind::Events, 7, 7 + count as u64));
            assert_eq!(head.stored_bytes(), bytes.len());
            let found: Vec<_> = open(&key, &bytes).unwrap().into_iter().map(|(record, _)| record).collect();
            assert_eq!(found, records);
            assert!(open(&SealKey::from_bytes([2; 32]), &bytes).is_err());
        }
        let (head, body) = read(&acked(99)).map(|(head, body)| (head, body.len())).unwrap();
        assert_eq!((head.kind, head.first_key, body), (Kind::Acked, 99, 0));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_or_cut_is_noticed(at in any::<proptest::sample::Index>(), bit in 0..8_u8, pack in any::<bool>()) {
            let key = SealKey::from_bytes([1; 32]);
            let bytes = events(&key, 7, &records(5), pack).unwrap();
            let used = HEAD_BYTES + read(&bytes).unwrap().1.len();
            let at = at.index(used);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(read(&flipped).is_none());
            prop_assert!(read(&bytes[..at]).is_none());
        }
    }
}
