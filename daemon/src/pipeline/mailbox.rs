//! One frame between capture and inference. Full means inference is slower than the camera: the newest frame
//! wins, or, for recordings, the source waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ports::Frame;

/// What a look into the mailbox gives.
#[derive(Debug)]
pub enum Taken {
    /// A frame.
    Frame(Box<Frame>),
    /// The source is gone for now or at its end: who was in sight is out of sight.
    Break,
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

#[derive(Default)]
struct Slot {
    frame: Option<Box<Frame>>,
    interrupted: bool,
    closed: bool,
}

/// The slot between two threads.
#[derive(Default)]
pub struct Mailbox {
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl Mailbox {
    /// Puts a frame in, in place of one that was not taken. Returns whether one was lost.
    pub fn put_newest(&self, frame: Frame) -> bool {
        let lost = self.lock().frame.replace(Box::new(frame)).is_some();
        self.changed.notify_all();
        lost
    }

    /// Puts a frame in once the one before was taken. Returns `false` if the mailbox is closed.
    pub fn put_waiting(&self, mut frame: Frame) -> bool {
        let mut slot = self.lock();
        while slot.frame.is_some() && !slot.closed {
            slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
        let open = !slot.closed;
        if open {
            // A recording has no moment of capture but this: waiting for room says nothing about latency.
            frame.captured = Instant::now();
            slot.frame = Some(Box::new(frame));
        }
        drop(slot);
        self.changed.notify_all();
        open
    }

    /// Says that the source is gone for now or at its end.
    pub fn interrupt(&self) {
        self.lock().interrupted = true;
        self.changed.notify_all();
    }

    /// Nothing will come any more; what is in the slot is still taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes what is there, or waits for it.
    pub fn take(&self, timeout: Duration) -> Taken {
        let waiting = |slot: &mut Slot| slot.frame.is_none() && !slot.interrupted && !slot.closed;
        let (mut slot, _) =
            self.changed.wait_timeout_while(self.lock(), timeout, waiting).unwrap_or_else(PoisonError::into_inner);
        let taken = match slot.frame.take() {
            Some(frame) => Taken::Frame(frame),
            None if std::mem::take(&mut slot.interrupted) => Taken::Break,
            None if slot.closed => Taken::Closed,
            None => Taken::Nothing,
        };
        drop(slot);
        self.changed.notify_all();
        taken
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // Nothing in here can be half done: the fields are set one by one and each is valid by itself.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::{PixelFormat, RawPicture};

    fn frame(seq: u64) -> Frame {
        let picture = RawPicture { format: PixelFormat::Grey, width: 1, height: 1, stride: 1, data: vec![0] };
        Frame { picture, at: Duration::ZERO, captured: Instant::now(), seq }
    }

    fn taken(mailbox: &Mailbox) -> String {
        match mailbox.take(Duration::from_millis(1)) {
            Taken::Frame(frame) => frame.seq.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_wins_and_the_end_comes_last() {
        let mailbox = Mailbox::default();
        assert_eq!(taken(&mailbox), "Nothing");
        assert!(!mailbox.put_newest(frame(1)));
        assert!(mailbox.put_newest(frame(2)));
        mailbox.interrupt();
        mailbox.close();
        assert_eq!([taken(&mailbox), taken(&mailbox), taken(&mailbox)], ["2", "Break", "Closed"]);
        assert!(!mailbox.put_waiting(frame(3)));
    }

    #[test]
    fn a_recording_waits_and_loses_nothing() {
        let mailbox = std::sync::Arc::new(Mailbox::default());
        let writer = std::sync::Arc::clone(&mailbox);
        let thread = std::thread::spawn(move || (0..200).all(|n| writer.put_waiting(frame(n))));
        for n in 0..200 {
            let Taken::Frame(frame) = mailbox.take(Duration::from_secs(5)) else { panic!("frame {n}") };
            assert_eq!(frame.seq, n);
        }
        assert!(thread.join().unwrap());
    }
}
