//! The end of the log: one file that grows in steps of zeros, so that an event overwrites what is there already. Then
//! a flush writes the event's own blocks and nothing of the file system's.

use std::io;

use ostiary_common::seal::SealKey;

use super::frame;
use super::log::name_of;
use super::segment::{Begin, DATA_AT, END_AT, Place};
use super::volume::{SegmentFile, Volume};

/// Writes a segment.
pub struct Writer {
    pub file: Box<dyn SegmentFile>,
    /// Where the next frame goes.
    pub end: usize,
    /// The frames of events so far.
    pub frames: Vec<Place>,
    /// The server has everything up to this key.
    pub acked: u64,
    /// As `acked`, but what is written.
    acked_written: u64,
    /// The file's length; zeros from `end` on.
    filled: usize,
    step: usize,
}

impl Writer {
    /// Makes a new segment; it is there whole or not at all.
    pub fn begin(volume: &dyn Volume, begin: &Begin, key: &SealKey, step: usize) -> io::Result<Self> {
        let name = name_of(begin.first_key);
        let fresh = format!("{name}.new");
        let made = || {
            let file = volume.create(&fresh)?;
            let filled = step.max(DATA_AT);
            let mut bytes = begin.write(key);
            debug_assert_eq!(bytes.len(), END_AT, "the second head follows the first");
            bytes.resize(filled, 0);
            file.write_at(&bytes, 0)?;
            file.sync()?;
            volume.rename(&fresh, &name)?;
            volume.sync_names()?;
            Ok(Self::going_on(file, DATA_AT, filled, Vec::new(), begin.acked, step))
        };
        made().inspect_err(|_| {
            let _ = volume.remove(&fresh);
        })
    }

    /// Goes on with a segment that has `frames` up to `end`.
    pub fn going_on(
        file: Box<dyn SegmentFile>,
        end: usize,
        filled: usize,
        frames: Vec<Place>,
        acked: u64,
        step: usize,
    ) -> Self {
        Self { file, end, frames, acked, acked_written: acked, filled, step }
    }

    /// The file's length.
    pub const fn file_bytes(&self) -> u64 {
        self.filled as u64
    }

    /// Whether so many bytes still belong here; an empty segment takes anything.
    pub const fn has_room(&self, bytes: usize, segment_bytes: usize) -> bool {
        self.end == DATA_AT || self.end + bytes <= segment_bytes
    }

    /// Acknowledged events whose acknowledgement is not written.
    pub const fn ack_lag(&self) -> u64 {
        self.acked - self.acked_written
    }

    /// Makes a frame of events durable, and with it what was acknowledged; returns the bytes written.
    pub fn write_events(&mut self, events: &[u8]) -> io::Result<u64> {
        let ack = if self.ack_lag() > 0 { frame::acked(self.acked) } else { Vec::new() };
        let at = self.end + ack.len();
        let (head, _) = frame::read(events).ok_or(io::ErrorKind::InvalidData)?;
        let written = self.write(&[&ack, events].concat())?;
        self.file.sync()?;
        self.acked_written = self.acked;
        self.frames.push(Place { at, head });
        Ok(written)
    }

    /// Writes what was acknowledged; not flushed.
    pub fn write_ack(&mut self) -> io::Result<()> {
        if self.ack_lag() > 0 {
            self.write(&frame::acked(self.acked))?;
            self.acked_written = self.acked;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let end = self.end + bytes.len();
        let written = if end <= self.filled {
            self.file.write_at(bytes, self.end as u64)?;
            bytes.len()
        } else {
            let filled = end.next_multiple_of(self.step);
            let mut padded = bytes.to_vec();
            padded.resize(filled - self.end, 0);
            self.file.write_at(&padded, self.end as u64)?;
            self.filled = filled;
            padded.len()
        };
        self.end = end;
        Ok(written as u64)
    }
}
