//! The life of the program: one token that stops everything, and who asked for it.

use std::fs::File;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::embedded::RunningBroker;

/// Runs tasks and stops them together.
#[derive(Default)]
pub struct Lifecycle {
    shutdown: CancellationToken,
    tasks: TaskTracker,
    asked: AtomicBool,
    anew: AtomicBool,
    lock: Mutex<Option<File>>,
}

impl Lifecycle {
    /// Stops everything, in order.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.shutdown.cancel();
    }

    /// Stops everything, in order, for the program to begin anew; nothing if it is stopping already.
    pub fn begin_anew(&self) {
        if !self.shutdown.is_cancelled() {
            self.anew.store(true, Ordering::SeqCst);
            self.stop();
        }
    }

    /// Whether the program is to begin anew once everything has stopped.
    pub fn is_to_begin_anew(&self) -> bool {
        self.anew.load(Ordering::SeqCst)
    }

    /// Cancelled when everything is to stop.
    pub fn token(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Where tasks run.
    pub const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Whether the end was asked for.
    pub fn was_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Runs a task that must end only after the token is cancelled; if it ends before, or panics, everything
    /// stops.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            // Of its own, so that a panic is seen here as well.
            let ended = tokio::spawn(task).await;
            if !shutdown.is_cancelled() {
                tracing::error!(task = name, ?ended, "{name} ended unexpectedly, stopping");
                shutdown.cancel();
            }
        });
    }

    /// Stops everything if the embedded broker no longer listens.
    pub fn watch_broker(&self, broker: Option<&Arc<RunningBroker>>) {
        let Some(broker) = broker.cloned() else { return };
        let shutdown = self.shutdown.clone();
        self.spawn("MQTT broker", async move {
            shutdown.run_until_cancelled(broker.ended()).await;
        });
    }

    /// Waits until every task has ended, for `at_most`.
    pub async fn wait_ended(&self, at_most: Duration) {
        self.tasks.close();
        if tokio::time::timeout(at_most, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "some tasks did not end in time");
        }
    }

    /// Holds the lock of the data directory until the end.
    pub(super) fn keep(&self, lock: File) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
    }
}
