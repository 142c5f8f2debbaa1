//! What becomes of items that were worked on: committed, tried again later, given up or given back.

use ostiary_common::wire::Revision;
use serde_json::json;

use super::Worker;
use crate::domain::job::retry::after_failure;
use crate::domain::job::{ClaimedItem, ItemEnd, Lease, Settled, Settlement};
use crate::jobs::work::{Finished, WorkError};
use crate::ports::StoreError;
use crate::ports::jobs::SettledOrNot;

/// An item and what doing it led to.
type Worked = (ClaimedItem, Result<Finished, WorkError>);

impl Worker {
    /// Ends items together.
    pub(super) async fn settle(&self, worked: Vec<Worked>) {
        let (mut items, mut holds, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (item, worked) in worked {
            let Finished { settlement, hold } = match worked {
                Err(WorkError::NotNow(_)) => {
                    self.give_back(&item.lease).await;
                    continue;
                }
                Ok(finished) => finished,
                Err(error) => self.failed(&item, &error),
            };
            holds.push(hold);
            ends.push((item.lease, settlement));
            items.push(item);
        }
        if ends.is_empty() {
            return;
        }
        let how: Vec<ItemEnd> = ends.iter().map(|(_, settlement)| settlement.end).collect();
        let settled = self.commits.end(ends).await;
        let mut newest = None;
        for ((item, how), settled) in items.iter().zip(how).zip(settled) {
            newest = newest.max(self.answered(item, how, settled).await);
        }
        if let Some(rev) = newest {
            self.link.gallery_changed(rev);
        }
        drop(holds);
        // The last of a phase lets the next one begin, at once and not when somebody looks again.
        self.jobs.feed.more();
    }

    /// Follows up what came of ending an item; says which revision the gallery has by it.
    async fn answered(&self, item: &ClaimedItem, how: ItemEnd, settled: SettledOrNot) -> Option<Revision> {
        let settled = match settled {
            // Somebody was quicker: what the item was judged by is not so any more.
            Err(error @ (StoreError::Conflict(_) | StoreError::NoSuch(_) | StoreError::Outdated { .. })) => {
                let failed = self.failed(item, &WorkError::Store(error)).settlement;
                let how = failed.end;
                let settled = self.commits.end(vec![(item.lease, failed)]).await.pop();
                settled.map(|settled| (how, settled))
            }
            settled => Some((how, settled)),
        };
        match settled? {
            (how, Ok(Some(settled))) => self.followed_up(item, how, settled).await,
            (_, Ok(None)) => None,
            // The lease runs out, and the item is done again.
            (_, Err(error)) => {
                tracing::error!(job.id = %item.lease.job, %error, "an item could not be ended: {error}");
                None
            }
        }
    }

    async fn followed_up(&self, item: &ClaimedItem, how: ItemEnd, settled: Settled) -> Option<Revision> {
        let result = match how {
            ItemEnd::Done => "done",
            ItemEnd::Refused => "refused",
            ItemEnd::Again(_) => "failed",
            ItemEnd::Dead => "dead",
        };
        metrics::counter!("ostiary_server_job_items_total", "kind" => item.kind.as_str(), "result" => result)
            .increment(1);
        if matches!(how, ItemEnd::Done | ItemEnd::Refused) {
            self.jobs.spool.remove_file(item.lease.job, item.lease.n).await;
        }
        if settled.is_last {
            self.over(item).await;
        }
        self.jobs.feed.changed(item.lease.job);
        settled.rev
    }

    async fn over(&self, item: &ClaimedItem) {
        let id = item.lease.job;
        let job = match self.jobs.store.job(id).await {
            Ok(Some(job)) => job,
            Ok(None) => return,
            // What was uploaded is removed with the next sweep.
            Err(error) => return tracing::warn!(job.id = %id, %error, "a job that is over could not be read: {error}"),
        };
        let counts = job.counts;
        tracing::info!(
            job.id = %id, done = counts.done, refused = counts.refused, dead = counts.dead,
            "job {id} ({}) is over: {} done, {} refused, {} given up",
            job.kind.as_str(), counts.done, counts.refused, counts.dead
        );
        if counts.dead == 0 {
            self.jobs.spool.remove(id).await;
        }
    }

    fn failed(&self, item: &ClaimedItem, error: &WorkError) -> Finished {
        let end = match error {
            WorkError::Hopeless(_) => ItemEnd::Dead,
            _ => after_failure(item.failures, self.jobs.clock.now()),
        };
        let (id, n) = (item.lease.job, item.lease.n);
        tracing::warn!(job.id = %id, item = n, %error, "an item of a job failed: {error}");
        let outcome = json!({ "detail": error.to_string() }).to_string().into_bytes();
        let settlement =
            Settlement { end, reason: "failed".to_owned(), outcome, person: item.person, effects: Vec::new() };
        Finished { settlement, hold: None }
    }

    pub(super) async fn give_back(&self, lease: &Lease) {
        if let Err(error) = self.jobs.store.give_back(lease).await {
            tracing::warn!(%error, "an item could not be given back: {error}");
        }
    }
}
