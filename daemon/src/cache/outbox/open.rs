//! Opening the log: the heads of its segments, and the frames of those that did not end in order. Nothing else is
//! read, so that a month of events costs no more than a day's.

use std::io;
use std::sync::Arc;

use ostiary_common::ids::StreamId;
use ostiary_common::seal::SealKey;

use super::EventDraft;
use super::frame;
use super::log::{Log, Segment, Sizes};
use super::segment::{Begin, BeginError, DATA_AT, END_AT, End, Level, Scan, scan};
use super::volume::{SegmentFile, Volume};
use super::writer::Writer;

/// The log cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Sealed with another key, or written by a newer program: to be set aside whole.
    #[error("{0}")]
    Foreign(BeginError),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// A log, and what was wrong with it.
pub struct OpenedLog {
    pub log: Log,
    /// What was found damaged, in words.
    pub damage: Vec<String>,
    /// Events saved from segments set aside; they are to be appended.
    pub salvaged: Vec<EventDraft>,
}

/// A segment that was read.
struct Found {
    begin: Begin,
    segment: Segment,
    /// Its frames, if it did not end in order.
    unended: Option<(Box<dyn SegmentFile>, Scan)>,
}

/// Opens the log in `volume`, or begins one.
///
/// # Errors
/// [`OpenError`]; single damaged segments are set aside instead.
pub fn open(volume: Arc<dyn Volume>, key: &SealKey, sizes: Sizes) -> Result<OpenedLog, OpenError> {
    let (mut damage, mut salvaged) = (Vec::new(), Vec::new());
    let mut found: Vec<Found> = Vec::new();
    for name in segment_names(&*volume)? {
        match look(&*volume, &name, key)? {
            Ok(segment) => found.push(segment),
            Err(bytes) => {
                let saved = salvage(&bytes, key);
                damage.push(format!("segment {name} has no head; {} events saved from it", saved.len()));
                salvaged.extend(saved);
                volume.rename(&name, &format!("{name}.damaged"))?;
            }
        }
    }
    let missing = join(&mut found);
    if !damage.is_empty() {
        // Told once, by the opening that set something aside; the server notices what its numbers leave out.
        damage.extend(missing);
    }
    let mut log = assemble(volume, key, sizes, found, &mut damage);
    if !salvaged.is_empty() {
        // Their numbers may have been given by the segment that is gone.
        log.begin_stream(StreamId::generate())?;
    }
    Ok(OpenedLog { log, damage, salvaged })
}

/// The names of segments in order; what was left half-made is removed.
fn segment_names(volume: &dyn Volume) -> io::Result<Vec<String>> {
    let mut names = volume.names()?;
    for name in names.iter().filter(|name| name.ends_with(".new")) {
        let _ = volume.remove(name);
    }
    names.retain(|name| key_in(name).is_some());
    names.sort();
    Ok(names)
}

fn key_in(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// Reads a segment's heads, and all of it if it did not end in order; the bytes of one whose head is damaged.
fn look(volume: &dyn Volume, name: &str, key: &SealKey) -> Result<Result<Found, Vec<u8>>, OpenError> {
    let file = volume.open(name)?;
    let file_bytes = file.length()?;
    let head = bytes_of(&*file, file_bytes.min(DATA_AT as u64))?;
    let begin = match Begin::read(&head, key) {
        Ok(begin) if key_in(name) == Some(begin.first_key) => begin,
        Ok(_) | Err(BeginError::Damaged) => return Ok(Err(bytes_of(&*file, file_bytes)?)),
        Err(foreign) => return Err(OpenError::Foreign(foreign)),
    };
    let first_key = begin.first_key;
    if let Some(End { level, next_key, media_bytes }) = head.get(END_AT..).and_then(End::read) {
        let segment = Segment { first_key, next_key, file_bytes, media_bytes, level };
        return Ok(Ok(Found { begin, segment, unended: None }));
    }
    let found = scan(&bytes_of(&*file, file_bytes)?, first_key);
    let next_key = found.frames.last().map_or(first_key, |place| place.head.next_key());
    let media_bytes = found.frames.iter().map(|place| u64::from(place.head.media_bytes)).sum();
    let segment = Segment { first_key, next_key, file_bytes, media_bytes, level: Level::Full };
    Ok(Ok(Found { begin, segment, unended: Some((file, found)) }))
}

fn bytes_of(file: &dyn SegmentFile, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn salvage(bytes: &[u8], key: &SealKey) -> Vec<EventDraft> {
    let frames = scan(bytes, 0).frames;
    let readable = frames.iter().filter_map(|place| frame::open(key, &bytes[place.at..]).ok());
    readable.flatten().map(|(record, _)| EventDraft::from(record)).collect()
}

/// Where a segment goes further than the next begins, its last write had failed and was made again; where it does not
/// reach it, events are missing.
fn join(found: &mut [Found]) -> Vec<String> {
    let mut missing = Vec::new();
    for at in 1..found.len() {
        let next_begins = found[at].begin.first_key;
        let before = &mut found[at - 1].segment;
        if before.next_key < next_begins {
            missing.push(format!("events {} to {} are missing", before.next_key, next_begins - 1));
        }
        before.next_key = next_begins;
    }
    missing
}

fn assemble(
    volume: Arc<dyn Volume>,
    key: &SealKey,
    sizes: Sizes,
    mut found: Vec<Found>,
    damage: &mut Vec<String>,
) -> Log {
    let acks = |found: &Found| found.begin.acked.max(found.unended.as_ref().map_or(0, |(_, scan)| scan.acked));
    let acked = found.iter().map(acks).max().unwrap_or(0);
    let holes: u64 = found.iter().filter_map(|f| Some(f.unended.as_ref()?.1.holes)).sum();
    if holes > 0 {
        damage.push(format!("{holes} events are damaged"));
    }
    let last = found.last_mut();
    let (stream, base) = last.as_ref().map_or_else(|| (StreamId::generate(), 0), |f| (f.begin.stream, f.begin.base));
    let next_key = last.as_ref().map_or(1, |f| f.segment.next_key).max(acked + 1);
    let writer = last.and_then(|f| go_on(f.unended.take()?, f.segment.file_bytes, acked, sizes));
    let segments = found.into_iter().map(|found| found.segment).collect();
    let mut log = Log {
        volume,
        key: key.clone(),
        sizes,
        stream,
        base,
        next_key,
        acked,
        segments,
        writer,
        reading: None,
        written_bytes: 0,
        damaged_frames: 0,
    };
    log.acknowledge(acked);
    if holes > 0 {
        // An ended segment is not looked through again.
        log.end_segment();
    }
    if log.segments.is_empty() {
        // The stream has its name from now on; on a disk that takes nothing it gets one with the first event.
        let _ = log.begin_segment();
    }
    log
}

/// Goes on writing the last segment; not if what a power cut left behind its end cannot be wiped.
fn go_on(unended: (Box<dyn SegmentFile>, Scan), file_bytes: u64, acked: u64, sizes: Sizes) -> Option<Writer> {
    let (file, Scan { frames, end, torn, .. }) = unended;
    let filled = usize::try_from(file_bytes).ok()?.max(end);
    if torn {
        let wiped = file.write_at(&vec![0; filled - end], end as u64).and_then(|()| file.sync());
        wiped.inspect_err(|error| tracing::warn!(%error, "a torn write cannot be wiped")).ok()?;
    }
    Some(Writer::going_on(file, end, filled, frames, acked, sizes.step))
}
