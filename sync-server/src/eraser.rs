//! Follows removals and merges to their end: whose validity has ended is removed where that was set down, events forget whom
//! they told of, and an erasure is completed once nobody is outstanding.
//!
//! It asks the store every few seconds what is left to do, so that it does not matter who removed somebody, which
//! device confirmed it, or when the server was restarted in between.

pub mod announce;

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use tokio::sync::broadcast;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::domain::audit::{AuditEntry, AuditResult};
use crate::domain::erasure::Erasure;
use crate::ports::{Clock, DeviceLink, Store, StoreError};
use crate::replicas::Leader;

/// How often is asked what is left to do. Two reads of an index if nothing is.
const EVERY: Duration = Duration::from_secs(2);
/// Completed erasures a slow watcher may be behind before it misses some.
const BEHIND_AT_MOST: usize = 64;

/// Does the work.
pub struct Eraser {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    link: Arc<dyn DeviceLink>,
    leader: Leader,
}

/// Where completed erasures are told. Losing one here loses nothing: `GET /api/v1/erasures` has them all.
#[derive(Clone)]
pub struct Completed(broadcast::Sender<Erasure>);

impl Default for Completed {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND_AT_MOST))
    }
}

impl Completed {
    /// Tells of one.
    pub fn tell(&self, erasure: Erasure) {
        // Nobody watching is no failure.
        let _ = self.0.send(erasure);
    }

    /// To be told of every completed erasure from now on.
    pub fn watch(&self) -> broadcast::Receiver<Erasure> {
        self.0.subscribe()
    }
}

impl Eraser {
    /// Over this store; devices are told through `link`, watchers by [`announce`].
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, link: Arc<dyn DeviceLink>, leader: Leader) -> Self {
        Self { store, clock, link, leader }
    }

    /// Works until the end, while this server leads.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            if !self.leader.leads() {
                continue;
            }
            if let Err(error) = self.step(self.clock.now()).await {
                tracing::error!(%error, "erasures could not be followed up: {error}");
            }
        }
    }

    /// Does what can be done now.
    ///
    /// # Errors
    /// [`StoreError`]; what was not done is done the next time.
    pub async fn step(&self, now: UnixMillis) -> Result<(), StoreError> {
        for (person, rev) in self.store.erase_expired(now).await? {
            tracing::info!(person.id = %person, rev = rev.0, "{person} is erased: the validity has ended");
            self.link.gallery_changed(rev);
            self.audit(now, "person.erase", format!("person:{person}"), "the validity has ended".into()).await?;
        }
        for (person, rev) in self.store.erase_withdrawn(now).await? {
            tracing::info!(person.id = %person, rev = rev.0, "{person} is erased: the consent was withdrawn");
            self.link.gallery_changed(rev);
            self.audit(now, "person.erase", format!("person:{person}"), "the consent was withdrawn".into()).await?;
        }
        for (change, rev) in self.store.settle_mendings(now).await? {
            let (id, kind) = (change.id, change.kind.as_str());
            tracing::info!(change.id = %id, "the {kind} {id} can be undone no more");
            rev.into_iter().for_each(|rev| self.link.gallery_changed(rev));
            self.audit(now, "person.settle", format!("person:{}", change.target), format!("{kind} {id}")).await?;
        }
        self.store.clear_erasures(now).await?;
        for erasure in self.store.complete_erasures(now).await? {
            let counts = erasure.counts;
            let detail = format!(
                "{} of {} devices confirmed, {} are shut out",
                counts.confirmed, counts.devices, counts.revoked
            );
            tracing::info!(erasure.id = %erasure.id, "erasure {} is complete: {detail}", erasure.id);
            self.audit(now, "erasure.complete", format!("erasure:{}", erasure.id), detail).await?;
        }
        Ok(())
    }

    async fn audit(&self, at: UnixMillis, action: &str, target: String, detail: String) -> Result<(), StoreError> {
        let (actor, action, source) = ("server".to_owned(), action.to_owned(), String::new());
        self.store.audit(&AuditEntry { at, actor, action, target, source, result: AuditResult::Ok, detail }).await
    }
}
