//! Takes up a model pack that came into force while the server runs: it ends in order, and becomes itself anew in its own
//! place, under the same number, as cameras do ([ADR 0033](../../../docs/adr/0033-model-packs-rolled-out.md)). Nobody has
//! to start it; cameras keep what they see meanwhile, and jobs go on where they were.
//!
//! Nothing that somebody is in the middle of is cut off if it can be helped: guided captures live in memory. Of several
//! servers the one that leads goes last, when others are back.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::PackId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lifecycle::Lifecycle;
use crate::capture::Captures;
use crate::domain::model_pack::PackState;
use crate::packs::files::PackFiles;
use crate::ports::StoreError;
use crate::ports::model_packs::ModelPackStore;
use crate::replicas::Leader;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(2);
/// Who may have changed their mind has had time to say so.
const SETTLED: Duration = Duration::from_secs(5);
/// The server that leads others waits for them to be back.
const LEADER_WAITS: Duration = Duration::from_secs(30);
/// Captures are waited for so long.
const MOST_WAIT: Duration = Duration::from_secs(180);

/// Looks whether another pack is in force than the one this server works with.
pub(super) struct Successor {
    pub(super) packs: Arc<dyn ModelPackStore>,
    pub(super) files: Arc<PackFiles>,
    /// What this server works with.
    pub(super) running: PackId,
    pub(super) captures: Arc<Captures>,
    pub(super) leader: Leader,
    /// Whether there may be other servers.
    pub(super) among_others: bool,
    pub(super) lifecycle: Arc<Lifecycle>,
}

/// Another pack than this server's.
struct Other {
    id: PackId,
    since: Instant,
    /// Whether its files are all right; one that cannot be loaded is not worth an end.
    is_sound: bool,
}

impl Successor {
    /// Looks until the end, or until the program is to begin anew.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut other: Option<Other> = None;
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            match self.look(&mut other).await {
                Ok(false) => {}
                Ok(true) => {
                    tracing::info!("another pack than {} is in force: beginning anew to take it up", self.running);
                    return self.lifecycle.begin_anew();
                }
                Err(error) => tracing::debug!(%error, "the pack in force could not be asked for: {error}"),
            }
        }
    }

    /// Whether it is time.
    async fn look(&self, other: &mut Option<Other>) -> Result<bool, StoreError> {
        let packs = self.packs.model_packs().await?;
        let in_force = packs.into_iter().find(|pack| pack.state == PackState::Active).map(|pack| pack.id);
        let Some(id) = in_force.filter(|id| *id != self.running) else {
            *other = None;
            return Ok(false);
        };
        let known = match other.take().filter(|other| other.id == id) {
            Some(known) => known,
            None => Other { is_sound: self.is_sound(&id).await, id, since: Instant::now() },
        };
        let waited = known.since.elapsed();
        let is_sound = known.is_sound;
        *other = Some(known);
        let least = if self.among_others && self.leader.leads() { LEADER_WAITS } else { SETTLED };
        Ok(is_sound && waited >= least && (waited >= MOST_WAIT || self.captures.is_idle()))
    }

    async fn is_sound(&self, id: &PackId) -> bool {
        match self.files.pack(id).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, "{id} is in force and cannot be loaded, {} stays in use: {error}", self.running);
                false
            }
        }
    }
}
