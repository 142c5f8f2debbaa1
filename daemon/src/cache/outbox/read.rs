//! Reading events back in order, a frame at a time; of a segment only the places of its frames are kept in memory.

use std::io;

use ostiary_common::wire::EventRecord;

use super::frame;
use super::log::{Log, Reading, Segment};
use super::segment::{Place, scan};

/// An event and its size, bytes.
pub type Sized = (EventRecord, u64);

impl Log {
    /// Events from the first at or after `from`, keys without gaps, at most `max_events` and about `max_bytes`, at
    /// least one if there is one. Their `seq` is their key.
    ///
    /// # Errors
    /// As the disk says. A frame that is there but damaged is passed over.
    pub fn batch(&mut self, from: u64, max_events: usize, max_bytes: u64) -> io::Result<Vec<EventRecord>> {
        let (mut batch, mut used_bytes) = (Vec::<EventRecord>::new(), 0);
        let mut from = from.max(self.first_key());
        while let Some(records) = self.frame_at(from)? {
            let Some(last) = records.last().map(|(record, _)| record.seq) else { break };
            for (record, bytes) in records.into_iter().filter(|(record, _)| record.seq >= from) {
                let gap = batch.last().is_some_and(|last| last.seq + 1 != record.seq);
                used_bytes += bytes;
                if gap || batch.len() == max_events || (!batch.is_empty() && used_bytes > max_bytes) {
                    return Ok(batch);
                }
                batch.push(record);
            }
            from = last + 1;
        }
        Ok(batch)
    }

    /// The events of the first readable frame that reaches `from` or lies behind it.
    fn frame_at(&mut self, mut from: u64) -> io::Result<Option<Vec<Sized>>> {
        while let Some(at) = self.segments.iter().position(|segment| segment.next_key > from) {
            let segment = self.segments[at];
            let Some(place) = self.first_place(at, from)? else {
                from = segment.next_key;
                continue;
            };
            let bytes = self.bytes_at(at, place)?;
            match frame::open(&self.key, &bytes) {
                Ok(mut records) => {
                    // What a failed write left behind the segment's end was written again in the next.
                    records.retain(|(record, _)| record.seq < segment.next_key);
                    return Ok(Some(records));
                }
                Err(reason) => {
                    self.damaged_frames += 1;
                    tracing::warn!(from = place.head.first_key, %reason, "events in the outbox are damaged: {reason}");
                    from = place.head.next_key();
                }
            }
        }
        Ok(None)
    }

    fn first_place(&mut self, at: usize, from: u64) -> io::Result<Option<Place>> {
        let next_key = self.segments[at].next_key;
        let places = self.places(at)?;
        let first = places.partition_point(|place| place.head.next_key() <= from);
        Ok(places.get(first).copied().filter(|place| place.head.first_key < next_key))
    }

    /// Where a segment's frames stand; the segment read last stays open.
    pub(super) fn places(&mut self, at: usize) -> io::Result<&[Place]> {
        let segment = self.segments[at];
        if self.is_written(at) {
            return Ok(self.writer.as_ref().map_or(&[], |writer| &writer.frames));
        }
        if self.reading.as_ref().is_none_or(|reading| reading.first_key != segment.first_key) {
            self.reading = Some(self.read_segment(&segment)?);
        }
        Ok(self.reading.as_ref().map_or(&[], |reading| &reading.frames))
    }

    fn is_written(&self, at: usize) -> bool {
        self.writer.is_some() && at + 1 == self.segments.len()
    }

    fn read_segment(&self, segment: &Segment) -> io::Result<Reading> {
        let file = self.volume.open(&segment.name())?;
        let mut bytes = vec![0; usize::try_from(file.length()?).map_err(io::Error::other)?];
        file.read_at(&mut bytes, 0)?;
        Ok(Reading { first_key: segment.first_key, file, frames: scan(&bytes, segment.first_key).frames })
    }

    /// The bytes of a frame of the segment whose places were asked for last.
    pub(super) fn bytes_at(&self, at: usize, place: Place) -> io::Result<Vec<u8>> {
        let written = self.writer.as_ref().filter(|_| self.is_written(at)).map(|writer| &writer.file);
        let file = written.or(self.reading.as_ref().map(|reading| &reading.file)).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; place.head.stored_bytes()];
        file.read_at(&mut bytes, place.at as u64)?;
        Ok(bytes)
    }
}
