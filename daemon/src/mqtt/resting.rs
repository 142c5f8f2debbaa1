//! Before a device forgets everything it stops watching: what it decides meanwhile could not be sent any more.

use tokio_util::sync::CancellationToken;

/// Asked for by the conversation, done by the rest of the program; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Resting {
    asked: CancellationToken,
    done: CancellationToken,
}

impl Resting {
    /// Asks the program to stop watching.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Waits until it is asked for.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// Nothing is decided any more, and everything decided is on disk.
    pub fn rests(&self) {
        self.done.cancel();
    }

    /// Whether it rests.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done.is_cancelled()
    }
}
