//! Follows what changes in the store, whoever changes it: another server, a command, or this server itself.
//!
//! The store counts changes in the transactions that make them. Here the counts are read twice a second, and at once
//! when another server nudges; what rose is told to who must know. While the counts cannot be read, whoever keeps
//! something in memory is told to doubt it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::domain::replica::{Pulse, Topic};
use crate::ports::StoreError;
use crate::ports::replicas::ReplicaStore;

/// How late another server's change may be noticed without a nudge, at most, and a little more.
const EVERY: Duration = Duration::from_millis(500);
/// Nudges that come within this time are followed up once.
const COALESCE: Duration = Duration::from_millis(5);

/// Told of a topic's new number.
pub type Heard = Box<dyn Fn(i64) + Send + Sync>;
/// Told that nobody knows what changed.
pub type Doubt = Box<dyn Fn() + Send + Sync>;

/// Reads the counts, and tells.
pub struct Follower {
    store: Arc<dyn ReplicaStore>,
    known: Pulse,
    told: Vec<(Topic, Heard)>,
    doubt: Vec<Doubt>,
    nudged: Arc<Notify>,
}

impl Follower {
    /// From where the counts stand now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn new(store: Arc<dyn ReplicaStore>) -> Result<Self, StoreError> {
        let known = store.pulse().await?;
        Ok(Self { store, known, told: Vec::new(), doubt: Vec::new(), nudged: Arc::new(Notify::new()) })
    }

    /// Tells this one of every change of a topic.
    #[must_use]
    pub fn tell(mut self, topic: Topic, heard: impl Fn(i64) + Send + Sync + 'static) -> Self {
        self.told.push((topic, Box::new(heard)));
        self
    }

    /// Tells this one when the counts cannot be read.
    #[must_use]
    pub fn on_doubt(mut self, doubt: impl Fn() + Send + Sync + 'static) -> Self {
        self.doubt.push(Box::new(doubt));
        self
    }

    /// Whoever notifies this has the counts read at once.
    pub fn nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.nudged)
    }

    /// Follows until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let nudged = self.nudge();
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = nudged.notified() => tokio::time::sleep(COALESCE).await,
                () = shutdown.cancelled() => return,
            }
            self.look().await;
        }
    }

    /// Reads the counts once, and tells what changed.
    pub async fn look(&mut self) {
        // A database that does not answer must not keep what is in memory good for longer than a look takes.
        let pulse = match tokio::time::timeout(EVERY, self.store.pulse()).await {
            Ok(Ok(pulse)) => pulse,
            Ok(Err(error)) => return self.lost(&error.to_string()),
            Err(_) => return self.lost("no answer in time"),
        };
        for topic in pulse.since(self.known) {
            self.told.iter().filter(|(of, _)| *of == topic).for_each(|(_, heard)| heard(pulse.of(topic)));
        }
        self.known = pulse;
    }

    fn lost(&self, why: &str) {
        tracing::debug!("what changed in the store could not be seen: {why}");
        metrics::counter!("ostiary_server_pulses_missed_total").increment(1);
        self.doubt.iter().for_each(|doubt| doubt());
    }
}
