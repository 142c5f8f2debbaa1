//! Keeps packs' templates complete: whoever is enrolled while several packs are in use gets a template of each, made of
//! the kept picture a few seconds later. Also takes note of what other servers of the store have changed, and of jobs
//! that ended without being done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::PackId;
use ostiary_common::wire::Revision;
use tokio_util::sync::CancellationToken;

use super::served::ServedPacks;
use super::work::{PackWork, Remade};
use crate::domain::job::JobState;
use crate::domain::model_pack::{ModelPack, PackState};
use crate::jobs::work::WorkError;
use crate::ports::jobs::JobStore;
use crate::ports::{DeviceLink, StoreError};
use crate::replicas::Leader;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(2);
/// Pictures remade before is looked anew.
const AT_ONCE: u32 = 50;

/// Keeps packs in order.
pub struct PackKeeper {
    /// Makes templates.
    pub work: Arc<PackWork>,
    /// What devices are given.
    pub served: ServedPacks,
    /// Jobs that make templates.
    pub jobs: Arc<dyn JobStore>,
    /// Tells devices.
    pub link: Arc<dyn DeviceLink>,
    /// Does what one server does for all.
    pub leader: Leader,
}

impl PackKeeper {
    /// Works until the end.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Complete for these packs at this revision: nothing is to be looked for.
        let mut complete: Option<(Revision, Vec<PackId>)> = None;
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let round = shutdown.run_until_cancelled(self.round(&mut complete)).await;
            self.work.bench.rest().await;
            if let Some(Err(error)) = round {
                tracing::warn!(%error, "packs could not be looked after: {error}");
            }
        }
    }

    async fn round(&self, complete: &mut Option<(Revision, Vec<PackId>)>) -> Result<(), WorkError> {
        let packs = self.work.packs.model_packs().await?;
        self.served.set(served(&packs));
        if !self.leader.leads() {
            return Ok(());
        }
        for pack in packs.iter().filter(|pack| pack.state == PackState::Shadow) {
            self.settle(pack).await?;
        }
        let kept_up: Vec<PackId> =
            packs.iter().filter(|pack| pack.state.is_kept_up()).map(|pack| pack.id.clone()).collect();
        let now = (self.work.store.revision().await?, kept_up);
        // One pack alone is kept complete by enrollment itself.
        if now.1.len() < 2 || complete.as_ref() == Some(&now) {
            return Ok(());
        }
        let mut left = false;
        for pack in &now.1 {
            left |= self.complete(pack).await?;
        }
        *complete = (!left).then_some(now);
        Ok(())
    }

    /// A pack whose job was cancelled, or is gone, goes back to where it was.
    async fn settle(&self, pack: &ModelPack) -> Result<(), StoreError> {
        let job = match pack.job {
            Some(id) => self.jobs.job(id).await?,
            None => None,
        };
        if job.is_some_and(|job| !job.state.is_over() || job.state == JobState::Done && job.counts.dead == 0) {
            return Ok(());
        }
        let to = if pack.report.is_some() { PackState::Comparing } else { PackState::Installed };
        self.work.packs.put_pack_state(&pack.id, &[PackState::Shadow], to, None, self.work.clock.now()).await?;
        tracing::info!("the job of {} ended before it was done: the pack is {} again", pack.id, to.as_str());
        Ok(())
    }

    /// Remakes some pictures a pack has no template of; whether any may be left.
    async fn complete(&self, pack: &PackId) -> Result<bool, WorkError> {
        let waiting = self.work.packs.pack_waiting(pack, None, AT_ONCE).await?;
        let mut newest = None;
        for place in &waiting {
            match self.work.remake(pack, *place).await? {
                Remade::Gone => {}
                Remade::Refused(refusal) => self.work.packs.refuse_shadow(pack, &refusal).await?,
                Remade::Template(template) => {
                    newest = self.work.packs.add_shadow_template(&template).await?.or(newest);
                }
            }
        }
        if let Some(rev) = newest {
            self.link.gallery_changed(rev);
        }
        Ok(!waiting.is_empty())
    }
}

/// Packs whose templates devices are given.
pub fn served(packs: &[ModelPack]) -> BTreeSet<PackId> {
    packs.iter().filter(|pack| pack.state.is_served()).map(|pack| pack.id.clone()).collect()
}
