//! The live feed: "events up to this cursor are committed".
//!
//! Only a number is passed on. Who watches reads the store by cursor, so a number lost or merged with the next
//! loses nothing, and there is no queue that could fill.

use tokio::sync::watch;

use crate::ports::LiveFeed;

/// Tells the newest committed cursor to any number of watchers.
pub struct LiveCursor {
    newest: watch::Sender<i64>,
}

impl LiveCursor {
    /// Starts at the newest cursor of the store.
    pub fn new(newest: i64) -> Self {
        Self { newest: watch::Sender::new(newest) }
    }

    /// To be told of every rise.
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }
}

impl LiveFeed for LiveCursor {
    fn committed(&self, cursor: i64) {
        self.newest.send_if_modified(|newest| {
            let rises = cursor > *newest;
            *newest = (*newest).max(cursor);
            rises
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_falls() {
        let live = LiveCursor::new(5);
        let mut watch = live.watch();
        live.committed(7);
        live.committed(6);
        assert_eq!(*watch.borrow_and_update(), 7);
        live.committed(7);
        assert!(!watch.has_changed().unwrap());
    }
}
