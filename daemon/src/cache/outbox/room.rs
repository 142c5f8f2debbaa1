//! Making room, in the order of what is least missed: pictures, the oldest first; then the words of the device's
//! reports; then whole events. A segment is written again without what goes, many events to a frame and packed.

use std::io;

use ostiary_common::wire::EventRecord;

use super::frame;
use super::log::{FRAME_EVENTS, Log, Segment};
use super::segment::{Begin, DATA_AT, END_AT, End, Level};
use super::{Budget, Dropped};

/// Space kept back for writing a segment again when the disk is full.
const RESERVE: &str = "reserve";

impl Log {
    /// Drops until the budget is kept; never the events added last.
    ///
    /// # Errors
    /// As the disk says; what was dropped before is in `dropped`.
    pub fn keep_to(&mut self, budget: Budget, dropped: &mut Dropped) -> io::Result<()> {
        loop {
            let media_bytes: u64 = self.segments.iter().map(|segment| segment.media_bytes).sum();
            let (total, media) = (self.file_bytes() > budget.total_bytes, media_bytes > budget.media_bytes);
            if !(total || media) || !self.drop_something(total, dropped)? {
                return Ok(());
            }
        }
    }

    /// Drops what is least missed. With `anything`, whatever takes space; without, pictures only. Whether something
    /// was dropped.
    fn drop_something(&mut self, anything: bool, dropped: &mut Dropped) -> io::Result<bool> {
        let ended = self.segments.len() - usize::from(self.writer.is_some());
        let at_level = |level: Level, needs_media: bool| {
            let fits = |segment: &Segment| segment.level == level && (segment.media_bytes > 0 || !needs_media);
            self.segments.iter().take(ended).position(fits)
        };
        if let Some(at) = at_level(Level::Full, !anything) {
            self.thin(at, Level::NoPictures, dropped)?;
        } else if self.last_has_media() {
            self.begin_segment()?;
        } else if !anything {
            return Ok(false);
        } else if let Some(at) = at_level(Level::NoPictures, false) {
            self.thin(at, Level::NoWords, dropped)?;
        } else {
            return Ok(ended > 0 && self.drop_oldest(dropped));
        }
        Ok(true)
    }

    /// Gives up the oldest events to make room for new ones; whether there is room now.
    pub fn drop_oldest(&mut self, dropped: &mut Dropped) -> bool {
        let Some(events) = self.give_up_oldest() else { return false };
        dropped.events += events;
        dropped.upto_seq = self.acked.saturating_sub(self.base);
        true
    }

    fn last_has_media(&self) -> bool {
        let several = self.writer.as_ref().is_some_and(|writer| writer.frames.len() > 1);
        several && self.segments.back().is_some_and(|last| last.media_bytes > 0)
    }

    /// The disk is full before the budget is: writes the oldest segment that has pictures again without them, in the
    /// space kept back for that.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] if there is nothing left to drop but events.
    pub fn relieve(&mut self, dropped: &mut Dropped) -> io::Result<()> {
        let _ = self.volume.remove(RESERVE);
        self.end_segment();
        let thinner = self.segments.iter().position(|segment| segment.level == Level::Full && segment.media_bytes > 0);
        let at = thinner.ok_or(io::ErrorKind::StorageFull)?;
        self.thin(at, Level::NoPictures, dropped)
    }

    /// Keeps space back for [`Log::relieve`], if there is some.
    pub fn keep_reserve(&self) {
        let kept = |names: Vec<String>| names.iter().any(|name| name == RESERVE);
        if self.volume.names().is_ok_and(kept) {
            return;
        }
        let fill = || {
            let file = self.volume.create(RESERVE)?;
            // Bytes that are no zeros, so that no file system keeps them without using space.
            file.write_at(&vec![0x5a; self.sizes.segment / 4], 0)?;
            file.sync()
        };
        if fill().is_err() {
            let _ = self.volume.remove(RESERVE);
        }
    }

    /// Writes a segment again with less of its events; it is there as before or as after, whatever happens.
    fn thin(&mut self, at: usize, level: Level, dropped: &mut Dropped) -> io::Result<()> {
        let segment = self.segments[at];
        let mut records = self.waiting_in(at)?;
        let mut gone = Dropped::default();
        let worth = records.iter_mut().filter_map(|record| thin_record(record, level, &mut gone).then_some(())).count();
        if level == Level::NoWords && worth == 0 {
            self.segments[at].level = level;
            return Ok(());
        }
        let bytes = self.packed(&segment, &records, level)?;
        let fresh = format!("{}.new", segment.name());
        let write = || {
            let file = self.volume.create(&fresh)?;
            file.write_at(&bytes, 0)?;
            file.sync()?;
            self.volume.rename(&fresh, &segment.name())?;
            self.volume.sync_names()
        };
        write().inspect_err(|_| {
            let _ = self.volume.remove(&fresh);
        })?;
        self.written_bytes += bytes.len() as u64;
        self.reading = None;
        *dropped += gone;
        self.segments[at] = Segment { file_bytes: bytes.len() as u64, media_bytes: 0, level, ..segment };
        Ok(())
    }

    /// The events of a segment that the server does not have.
    fn waiting_in(&mut self, at: usize) -> io::Result<Vec<EventRecord>> {
        let (next_key, acked) = (self.segments[at].next_key, self.acked);
        let mut records = Vec::new();
        for place in self.places(at)?.to_vec() {
            match frame::open(&self.key, &self.bytes_at(at, place)?) {
                Ok(found) => records.extend(found.into_iter().map(|(record, _)| record)),
                Err(reason) => {
                    self.damaged_frames += 1;
                    tracing::warn!(%reason, "events in the outbox are damaged: {reason}");
                }
            }
        }
        records.retain(|record| record.seq > acked && record.seq < next_key);
        Ok(records)
    }

    fn packed(&self, segment: &Segment, records: &[EventRecord], level: Level) -> io::Result<Vec<u8>> {
        let Segment { first_key, next_key, .. } = *segment;
        let begin = Begin { stream: self.stream, base: self.base, first_key, acked: self.acked };
        let mut bytes = begin.write(&self.key);
        bytes.resize(END_AT, 0);
        bytes.extend(End { level, next_key, media_bytes: 0 }.write());
        bytes.resize(DATA_AT, 0);
        for run in records.chunk_by(|a, b| a.seq + 1 == b.seq).flat_map(|run| run.chunks(FRAME_EVENTS)) {
            bytes.extend(frame::events(&self.key, run[0].seq, run, true).map_err(io::Error::other)?);
        }
        Ok(bytes)
    }
}

/// Takes from an event what `level` does without; whether there was something.
fn thin_record(record: &mut EventRecord, level: Level, dropped: &mut Dropped) -> bool {
    let picture = record.visit.as_mut().and_then(|visit| visit.crop_jpeg.take()).is_some();
    dropped.media += u64::from(picture);
    let report = record.report.as_mut().filter(|report| level == Level::NoWords && !report.detail.is_empty());
    let words = report.map(|report| report.detail.clear()).is_some();
    dropped.reports += u64::from(words);
    picture || words
}
