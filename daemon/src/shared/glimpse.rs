//! One frame for somebody outside of the pipeline: asked for seldom, handed over by the capture thread, kept nowhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::convert::RawPicture;

/// Where a frame is asked for and handed over.
#[derive(Debug, Default)]
pub struct Glimpse {
    wanted: AtomicBool,
    frame: Mutex<Option<RawPicture>>,
    came: Condvar,
}

impl Glimpse {
    /// Waits for the next frame; `None` if none comes within `limit`.
    pub fn ask(&self, limit: Duration) -> Option<RawPicture> {
        let mut slot = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = None;
        self.wanted.store(true, Ordering::Release);
        let (mut slot, _) =
            self.came.wait_timeout_while(slot, limit, |frame| frame.is_none()).unwrap_or_else(PoisonError::into_inner);
        self.wanted.store(false, Ordering::Release);
        slot.take()
    }

    /// A frame came; costs one look at a flag unless somebody asked.
    pub fn show(&self, frame: &RawPicture) {
        if self.wanted.swap(false, Ordering::AcqRel) {
            *self.frame.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame.clone());
            self.came.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::convert::PixelFormat;

    #[test]
    fn a_frame_comes_only_to_whoever_asks() {
        let glimpse = Arc::new(Glimpse::default());
        let frame = RawPicture { format: PixelFormat::Grey, width: 2, height: 1, stride: 2, data: vec![1, 2] };
        glimpse.show(&frame);
        assert!(glimpse.ask(Duration::from_millis(1)).is_none(), "what came before is not kept");
        let asking = Arc::clone(&glimpse);
        let asker = std::thread::spawn(move || asking.ask(Duration::from_secs(20)));
        while !asker.is_finished() {
            glimpse.show(&frame);
            std::thread::yield_now();
        }
        assert_eq!(asker.join().unwrap().unwrap().data, [1, 2]);
    }
}
