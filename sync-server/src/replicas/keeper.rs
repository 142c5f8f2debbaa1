//! Shows this server to the others, and keeps the leader's lease while it has it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Leader;
use crate::domain::health::{Finding, replicas};
use crate::domain::replica::{ReplicaCard, ReplicaSeen};
use crate::ports::replicas::{LEADER, ReplicaStore};
use crate::ports::{Clock, StoreError};

const EVERY: Duration = Duration::from_secs(2);
/// Three beats may be missed. A server that dies is followed by another one after so long at most.
const LEASE: Duration = Duration::from_secs(6);
/// This server stops believing in its lease so long before it ends, for clocks that do not run alike.
const MARGIN: Duration = Duration::from_secs(1);
/// A server that is silent for so long is not told of any more.
const FORGET: Duration = Duration::from_secs(3_600);
/// For the last words.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Beats.
pub struct Keeper {
    store: Arc<dyn ReplicaStore>,
    clock: Arc<dyn Clock>,
    leader: Leader,
    me: ReplicaCard,
    known: Mutex<Result<Vec<ReplicaSeen>, String>>,
}

impl Keeper {
    /// For the server of this card.
    pub fn new(store: Arc<dyn ReplicaStore>, clock: Arc<dyn Clock>, leader: Leader, me: ReplicaCard) -> Self {
        Self { store, clock, leader, me, known: Mutex::new(Ok(Vec::new())) }
    }

    /// Beats until `shutdown`, and leaves in order.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let beaten = self.beat().await;
            if let Err(error) = &beaten {
                tracing::warn!(%error, "the other servers could not be told that this one is there: {error}");
            }
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = beaten.map_err(|error| error.to_string());
        }
        // What is not given back ends by itself.
        let _ = tokio::time::timeout(LEAVE_WITHIN, self.leave()).await;
    }

    /// How the servers are, as heard last.
    pub fn finding(&self) -> Finding {
        match &*self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            Ok(seen) => replicas(seen, &self.me.version),
            Err(error) => Finding::degraded(format!("unknown: {error}"), "see the part `store`"),
        }
    }

    /// One beat: who is there, and who leads.
    ///
    /// # Errors
    /// [`StoreError`]; a lease that could not be kept ends by itself.
    pub async fn beat(&self) -> Result<Vec<ReplicaSeen>, StoreError> {
        self.store.beat(&self.me).await?;
        let asked = self.clock.elapsed();
        let fence = self.store.take_lease(LEADER, self.me.id, LEASE).await?;
        self.leader.learn(fence.map(|fence| (fence, asked + LEASE.saturating_sub(MARGIN))));
        metrics::gauge!("ostiary_server_leads").set(if fence.is_some() { 1.0 } else { 0.0 });
        let seen = self.store.replicas(FORGET).await?;
        metrics::gauge!("ostiary_server_replicas").set(seen.len() as f64);
        Ok(seen)
    }

    async fn leave(&self) {
        self.leader.learn(None);
        let left = async {
            self.store.give_back_lease(LEADER, self.me.id).await?;
            self.store.leave(self.me.id).await
        };
        if let Err(error) = left.await {
            tracing::debug!(%error, "the other servers will learn by themselves that this one has ended: {error}");
        }
    }
}
