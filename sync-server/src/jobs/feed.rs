//! Says when something of a job changed. Who watches reads the store; a word lost loses nothing, since watchers look
//! again by themselves now and then (another server may have done the work).

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, broadcast};

use crate::domain::job::JobId;

/// Words that may wait for a slow watcher; what is behind is skipped.
const ROOM: usize = 256;

/// Tells watchers and workers.
pub struct Feed {
    changes: broadcast::Sender<JobId>,
    queued: Notify,
}

impl Default for Feed {
    fn default() -> Self {
        Self { changes: broadcast::Sender::new(ROOM), queued: Notify::new() }
    }
}

impl Feed {
    /// Something of a job changed.
    pub fn changed(&self, job: JobId) {
        // Nobody watching is no failure.
        let _ = self.changes.send(job);
    }

    /// A job has work for a worker.
    pub fn queued(&self, job: JobId) {
        self.changed(job);
        self.queued.notify_waiters();
    }

    /// Something that others may have waited for has ended: there may be work where there was none.
    pub fn more(&self) {
        self.queued.notify_waiters();
    }

    /// To be told of every change from now on.
    pub fn watch(&self) -> broadcast::Receiver<JobId> {
        self.changes.subscribe()
    }

    /// Ends once there may be work; work told of after this call is not missed, even if it is not yet waited for.
    pub fn work(&self) -> Notified<'_> {
        self.queued.notified()
    }
}
