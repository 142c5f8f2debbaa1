//! A segment: a file with two heads and then frames. The first head is written once, when the segment begins; the
//! second when it ends, so that opening need not read what lies between.
//!
//! ```text
//! 0    "OSTYBOX1"  8 format u16  10 zero  16 stream  32 base u64  40 first key u64  48 acked u64  56 seal  96 CRC-32
//! 512  "OSTYEND1"  8 level u8    9 zero   16 next key u64  24 picture bytes u64  32 CRC-32
//! 1024 frames, then zeros up to the end of the file
//! ```

use ostiary_common::ids::StreamId;
use ostiary_common::seal::SealKey;
use uuid::Uuid;

use super::frame::{self, ALIGN, Head, Kind};

/// Where frames begin.
pub const DATA_AT: usize = 1024;
/// The second head.
pub const END_AT: usize = 512;
/// The one format this program writes and reads.
const FORMAT: u16 = 1;
const BEGIN: &[u8; 8] = b"OSTYBOX1";
const END: &[u8; 8] = b"OSTYEND1";
const SEAL_BYTES: usize = ostiary_common::seal::SEAL_OVERHEAD_BYTES;
const SUM_AT: usize = 56 + SEAL_BYTES;

/// What is known when a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// The stream its numbers count in.
    pub stream: StreamId,
    /// The last key before the stream began: an event's number is its key less this.
    pub base: u64,
    /// The key of the first event that may stand here.
    pub first_key: u64,
    /// The server had everything up to this key.
    pub acked: u64,
}

/// Why a segment's first head is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// It never became durable, or was destroyed.
    #[error("its head is damaged")]
    Damaged,
    /// Written by a newer program.
    #[error("format {0} is not known here")]
    Newer(u16),
    /// Sealed with another key.
    #[error("it was sealed with another key")]
    OtherKey,
}

impl Begin {
    /// The head's bytes.
    pub fn write(&self, key: &SealKey) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(DATA_AT);
        bytes.extend(BEGIN);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.resize(16, 0);
        bytes.extend(self.stream.as_bytes());
        [self.base, self.first_key, self.acked].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        // Nothing is hidden in there: it opens only with the key everything else was sealed with.
        let seal = key.seal(&bytes, &[]);
        bytes.extend(seal);
        close(bytes, END_AT)
    }

    /// Reads the head.
    ///
    /// # Errors
    /// [`BeginError`].
    pub fn read(bytes: &[u8], key: &SealKey) -> Result<Self, BeginError> {
        let head = checked(bytes, BEGIN, SUM_AT).ok_or(BeginError::Damaged)?;
        let format = u16::from_le_bytes([head[8], head[9]]);
        if format != FORMAT {
            return Err(BeginError::Newer(format));
        }
        key.open(&head[..56], &head[56..SUM_AT]).map_err(|_| BeginError::OtherKey)?;
        let stream = StreamId(Uuid::from_bytes(head[16..32].try_into().map_err(|_| BeginError::Damaged)?));
        Ok(Self { stream, base: number(head, 32), first_key: number(head, 40), acked: number(head, 48) })
    }
}

/// How much of what a segment's events once were is left, in the order things go when space is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Full,
    /// No pictures; packed.
    NoPictures,
    /// The device's reports have no words any more either.
    NoWords,
}

/// What is known when a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// What is left.
    pub level: Level,
    /// One past the key of its last event.
    pub next_key: u64,
    /// Bytes of pictures.
    pub media_bytes: u64,
}

impl End {
    /// The head's bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = END.to_vec();
        bytes.push(match self.level {
            Level::Full => 0,
            Level::NoPictures => 1,
            Level::NoWords => 2,
        });
        bytes.resize(16, 0);
        [self.next_key, self.media_bytes].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        close(bytes, DATA_AT - END_AT)
    }

    /// Reads the head; `None` if the segment has not ended in order.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let head = checked(bytes, END, 32)?;
        let level = match head[8] {
            0 => Level::Full,
            1 => Level::NoPictures,
            _ => Level::NoWords,
        };
        Some(Self { level, next_key: number(head, 16), media_bytes: number(head, 24) })
    }
}

fn close(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes.resize(length, 0);
    bytes
}

fn checked<'a>(bytes: &'a [u8], magic: &[u8; 8], sum_at: usize) -> Option<&'a [u8]> {
    let (head, sum) = bytes.get(..sum_at + 4)?.split_at(sum_at);
    (head.starts_with(magic) && crc32fast::hash(head).to_le_bytes() == sum).then_some(head)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Where a frame of events stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the file's beginning, bytes.
    pub at: usize,
    /// What the frame says of itself.
    pub head: Head,
}

/// What a segment's bytes hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Whole frames of events, keys rising.
    pub frames: Vec<Place>,
    /// The highest key said to be acknowledged.
    pub acked: u64,
    /// Where the next frame can be written.
    pub end: usize,
    /// Bytes behind `end` that are not zero: a write that the power cut short.
    pub torn: bool,
    /// Keys between whole frames whose own frames are damaged.
    pub holes: u64,
}

/// Finds the frames of a segment whose first event may have `first_key`. Something damaged is skipped: frames behind
/// it count, and what their keys leave out is a hole.
pub fn scan(bytes: &[u8], first_key: u64) -> Scan {
    let mut found = Scan { end: DATA_AT, ..Scan::default() };
    let mut next_key = first_key;
    let mut at = DATA_AT;
    while at < bytes.len() {
        let Some((head, _)) = frame::read(&bytes[at..]) else {
            at += ALIGN;
            continue;
        };
        match head.kind {
            Kind::Acked => found.acked = found.acked.max(head.first_key),
            Kind::Events if head.first_key >= next_key => {
                found.holes += head.first_key - next_key;
                next_key = head.next_key();
                found.frames.push(Place { at, head });
            }
            // An older frame than those before it is not of this life of the file.
            Kind::Events => {}
        }
        at += head.stored_bytes();
        found.end = at;
    }
    found.torn = bytes.get(found.end..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_back_and_damage_is_told_apart() {
        let key = SealKey::from_bytes([1; 32]);
        let begin = Begin { stream: StreamId::generate(), base: 3, first_key: 1 << 40, acked: 9 };
        let bytes = begin.write(&key);
        assert_eq!(bytes.len(), END_AT);
        assert_eq!(Begin::read(&bytes, &key), Ok(begin));
        assert_eq!(Begin::read(&bytes, &SealKey::from_bytes([2; 32])), Err(BeginError::OtherKey));
        assert_eq!(Begin::read(&bytes[..60], &key), Err(BeginError::Damaged));
        for at in 0..SUM_AT + 4 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Begin::read(&flipped, &key), Err(BeginError::Damaged), "{at}");
        }
        let mut newer = bytes[..SUM_AT].to_vec();
        newer[8] = 2;
        assert_eq!(Begin::read(&close(newer, END_AT), &key), Err(BeginError::Newer(2)));
        let end = End { level: Level::NoPictures, next_key: 77, media_bytes: 5 };
        assert_eq!(End::read(&end.write()), Some(end));
        assert_eq!(End::read(&[0; END_AT]), None);
    }

    #[test]
    fn a_damaged_frame_is_a_hole_and_a_torn_tail_is_none() {
        let key = SealKey::from_bytes([1; 32]);
        let frame = |n: u64| frame::events(&key, n, &[super::super::tests::report("x").numbered(n)], false).unwrap();
        let mut bytes = vec![0; DATA_AT];
        (5..9).for_each(|n| bytes.extend(frame(n)));
        let end = bytes.len();
        bytes.resize(end + 4096, 0);
        let check = |bytes: &[u8], keys: &[u64], holes: u64, end: usize, torn: bool| {
            let found = scan(bytes, 5);
            assert_eq!(found.frames.iter().map(|f| f.head.first_key).collect::<Vec<_>>(), keys);
            assert_eq!((found.holes, found.end, found.torn), (holes, end, torn));
        };
        check(&bytes, &[5, 6, 7, 8], 0, end, false);
        let size = frame(5).len();
        let mut damaged = bytes.clone();
        damaged[DATA_AT + size + 40] ^= 1;
        check(&damaged, &[5, 7, 8], 1, end, false);
        let mut torn = bytes;
        torn[end - 20] ^= 1;
        check(&torn, &[5, 6, 7], 0, end - size, true);
    }
}
