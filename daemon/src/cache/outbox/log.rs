//! The log: segments in order, the last of which grows. An append is one write and one flush, and durable when it
//! returns; what the server has is forgotten segment by segment.
//!
//! A key never comes again. After a write that failed nothing more is written to that segment: what the disk made of
//! it is not known before it is read again.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use ostiary_common::ids::StreamId;
use ostiary_common::seal::SealKey;
use ostiary_common::wire::EventRecord;

use super::EventDraft;
use super::frame;
use super::segment::{Begin, END_AT, End, Level, Place};
use super::volume::{SegmentFile, Volume};
use super::writer::Writer;

/// The most events in one frame.
pub const FRAME_EVENTS: usize = 64;
/// Acknowledged events whose acknowledgement need not be written: it goes along with the next event.
const ACK_LAG: u64 = 256;

/// How large things are, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// A segment, from which on the next begins.
    pub segment: usize,
    /// A segment grows by this, so that its length changes seldom: a change costs more than the event itself.
    pub step: usize,
}

impl Sizes {
    /// For so much disk space in all.
    pub fn for_budget(total_bytes: u64) -> Self {
        let segment = usize::try_from(total_bytes / 32).unwrap_or(usize::MAX).clamp(4 << 10, 1 << 20);
        Self { segment, step: (segment / 4).min(64 << 10) }
    }
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The key its first event has, or would have.
    pub first_key: u64,
    /// One past the key of its last event.
    pub next_key: u64,
    /// Its file's length.
    pub file_bytes: u64,
    /// Of that, pictures.
    pub media_bytes: u64,
    /// What of its events is left.
    pub level: Level,
}

impl Segment {
    /// Its file's name.
    pub fn name(&self) -> String {
        name_of(self.first_key)
    }
}

/// The name of the segment that begins with a key; names sort as keys do.
pub fn name_of(first_key: u64) -> String {
    format!("{first_key:016x}.seg")
}

/// A segment open for reading.
pub struct Reading {
    pub first_key: u64,
    pub file: Box<dyn SegmentFile>,
    pub frames: Vec<Place>,
}

/// The opened log.
pub struct Log {
    pub(super) volume: Arc<dyn Volume>,
    pub(super) key: SealKey,
    pub(super) sizes: Sizes,
    pub(super) stream: StreamId,
    pub(super) base: u64,
    pub(super) next_key: u64,
    pub(super) acked: u64,
    pub(super) segments: VecDeque<Segment>,
    /// Writes the last segment; `None` before the first event after opening, or after a failure.
    pub(super) writer: Option<Writer>,
    /// The segment read last.
    pub(super) reading: Option<Reading>,
    /// Bytes written to files since the opening.
    pub(super) written_bytes: u64,
    /// Frames that could not be read when they were wanted.
    pub(super) damaged_frames: u64,
}

impl Log {
    /// The first key that waits; the next one if none does.
    pub fn first_key(&self) -> u64 {
        let first = self.segments.front().map_or(self.next_key, |segment| segment.first_key);
        first.max(self.acked + 1).min(self.next_key)
    }

    /// Bytes of all files.
    pub fn file_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.file_bytes).sum()
    }

    /// Makes up to [`FRAME_EVENTS`] events durable, all of them or none; gives the key of the first.
    ///
    /// # Errors
    /// As the disk says; then none of them has a key, and they may be handed in again.
    pub fn append(&mut self, drafts: &[EventDraft]) -> io::Result<u64> {
        let first_key = self.next_key;
        let records: Vec<EventRecord> =
            (first_key..).zip(drafts).map(|(key, draft)| draft.clone().numbered(key)).collect();
        let events = frame::events(&self.key, first_key, &records, false).map_err(io::Error::other)?;
        let writer = self.writer_for(events.len())?;
        match writer.write_events(&events) {
            Ok(written) => self.written_bytes += written,
            Err(error) => {
                self.writer = None;
                return Err(error);
            }
        }
        self.next_key += drafts.len() as u64;
        self.note_growth();
        Ok(first_key)
    }

    /// Everything up to `key` is stored by the server: segments that hold nothing else go.
    pub fn acknowledge(&mut self, key: u64) {
        self.acked = self.acked.max(key.min(self.next_key - 1));
        let acked = self.acked;
        let is_done = |log: &Self| log.segments.front().is_some_and(|oldest| oldest.next_key <= acked + 1);
        while self.segments.len() > 1 && is_done(self) && self.remove_oldest() {}
        let Some(writer) = &mut self.writer else { return };
        writer.acked = acked;
        if writer.ack_lag() >= ACK_LAG {
            // Not flushed: what comes back after a power cut is sent again.
            let _ = writer.write_ack();
        }
    }

    /// Begins a new stream: events that wait are numbered from 1, in the same order.
    ///
    /// # Errors
    /// As the disk says; then the old stream goes on.
    pub fn begin_stream(&mut self, stream: StreamId) -> io::Result<()> {
        let before = (self.stream, self.base);
        (self.stream, self.base) = (stream, self.first_key() - 1);
        self.begin_segment().inspect_err(|_| (self.stream, self.base) = before)
    }

    /// Removes the oldest segment whatever it holds; how many waiting events went with it, `None` if it stays.
    pub fn give_up_oldest(&mut self) -> Option<u64> {
        let oldest = self.segments.front().copied()?;
        let waiting = oldest.next_key.saturating_sub(self.first_key());
        self.remove_oldest().then(|| {
            self.acked = self.acked.max(oldest.next_key - 1);
            waiting
        })
    }

    /// Whether it could be removed. None behind it goes before: that would leave a hole after the next start.
    fn remove_oldest(&mut self) -> bool {
        let Some(oldest) = self.segments.front() else { return false };
        if let Err(error) = self.volume.remove(&oldest.name()) {
            tracing::debug!(%error, "a segment cannot be removed yet");
            return false;
        }
        let first_key = oldest.first_key;
        self.reading = self.reading.take().filter(|reading| reading.first_key != first_key);
        self.segments.pop_front();
        true
    }

    /// The writer of a segment with room for so many bytes, or of a new one.
    fn writer_for(&mut self, bytes: usize) -> io::Result<&mut Writer> {
        let room = self.writer.as_ref().is_some_and(|writer| writer.has_room(bytes, self.sizes.segment));
        if !room {
            self.begin_segment()?;
        }
        self.writer.as_mut().ok_or_else(|| io::Error::other("no segment was begun"))
    }

    /// Ends the last segment and begins the next.
    pub(super) fn begin_segment(&mut self) -> io::Result<()> {
        self.end_segment();
        let begin = Begin { stream: self.stream, base: self.base, first_key: self.next_key, acked: self.acked };
        let writer = Writer::begin(&*self.volume, &begin, &self.key, self.sizes.step)?;
        self.written_bytes += writer.file_bytes();
        if self.segments.back().is_some_and(|last| last.first_key == self.next_key) {
            self.segments.pop_back();
        }
        self.reading = self.reading.take().filter(|reading| reading.first_key != self.next_key);
        self.segments.push_back(Segment {
            first_key: self.next_key,
            next_key: self.next_key,
            file_bytes: writer.file_bytes(),
            media_bytes: 0,
            level: Level::Full,
        });
        self.writer = Some(writer);
        // The segment before may have had nothing but acknowledged events.
        self.acknowledge(self.acked);
        Ok(())
    }

    /// Writes what is known of the last segment into it, so that it need not be read to be opened. Not flushed:
    /// without it the segment is read.
    pub(super) fn end_segment(&mut self) {
        let (Some(writer), Some(last)) = (self.writer.take(), self.segments.back_mut()) else { return };
        let end = End { level: last.level, next_key: last.next_key, media_bytes: last.media_bytes };
        if writer.file.write_at(&end.write(), END_AT as u64).is_ok() && writer.file.cut(writer.end as u64).is_ok() {
            last.file_bytes = writer.end as u64;
        }
        let ended = *last;
        // What waits there is asked for next, and where it stands is known: nothing is read whole to find it.
        if (ended.first_key..ended.next_key).contains(&self.first_key()) {
            self.reading = Some(Reading { first_key: ended.first_key, file: writer.file, frames: writer.frames });
        }
    }

    fn note_growth(&mut self) {
        let (Some(writer), Some(last)) = (&self.writer, self.segments.back_mut()) else { return };
        last.next_key = self.next_key;
        last.file_bytes = writer.file_bytes();
        last.media_bytes = writer.frames.iter().map(|place| u64::from(place.head.media_bytes)).sum();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(writer) = &mut self.writer {
            // What is not written now is sent again after the next start.
            let _ = writer.write_ack();
        }
    }
}
