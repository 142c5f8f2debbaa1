//! Puts visits of nobody known together as they come in, looks at all of them together now and then, and forgets them
//! in time.
//!
//! Everything it decides is made for a state of the grouping and written only if that is still the present one, so that
//! people's hands, other servers and a restart in between do no harm: what was not written is reckoned anew.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::UnknownId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::doubts::doubt_matches;
use super::held::{HeldFaces, Snapshot};
use super::keeping::Keeping;
use super::plan;
use crate::domain::unknown::{GroupingPlace, Joining, NewFace, Regrouping};
use crate::health::jobs::Jobs;
use crate::ports::{Clock, Store, StoreError};
use crate::recognition::Recognition;

/// How often it looks even if nobody told of new events.
const EVERY: Duration = Duration::from_secs(30);
/// After each look: however many visits come in a second, it looks once.
const REST: Duration = Duration::from_secs(1);
/// How often all visits are looked at together, if any came.
const REGROUP_EVERY: Duration = Duration::from_secs(10 * 60);
/// New visits of one step.
const AT_ONCE: u32 = 100;
/// Visits forgotten in one transaction.
const FORGET_AT_ONCE: u32 = 200;

/// Does the work.
pub struct Grouper {
    /// The visits.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The faces.
    pub held: Arc<HeldFaces>,
    /// Knows from which similarity on two are one.
    pub recognition: Arc<Recognition>,
}

/// Events that were looked through in vain: those behind the place of the grouping that have no face of nobody known. A
/// house of which everybody is known would have all of them looked through for each visit.
#[derive(Debug, Default)]
struct Looked {
    /// The place of the grouping then.
    from: i64,
    upto: i64,
}

impl Looked {
    /// Behind which event to look.
    const fn behind(&self, place: GroupingPlace) -> i64 {
        if place.upto == self.from && self.upto > place.upto { self.upto } else { place.upto }
    }

    const fn through(&mut self, place: GroupingPlace, newest: i64) {
        *self = Self { from: place.upto, upto: newest };
    }
}

impl Grouper {
    /// Works until the end; `committed` tells of new events.
    pub async fn run(self, mut committed: watch::Receiver<i64>, jobs: Arc<Jobs>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut regrouped_at, mut regrouped) = (self.clock.elapsed(), None);
        let mut looked = Looked::default();
        let work = async {
            loop {
                tokio::select! {
                    _ = tick.tick() => {}
                    Ok(()) = committed.changed() => {}
                }
                let newest = *committed.borrow_and_update();
                let mut done = self.step_from(&mut looked, newest).await;
                if done.is_ok() {
                    done = doubt_matches(&*self.store, &self.held).await;
                }
                if done.is_ok() && self.clock.elapsed().saturating_sub(regrouped_at) >= REGROUP_EVERY {
                    regrouped_at = self.clock.elapsed();
                    done = self.regroup_since(&mut regrouped).await;
                }
                if let Err(error) = &done {
                    tracing::error!(%error, "unknown visitors could not be put together: {error}");
                }
                jobs.ran("putting unknown visitors together", EVERY, done.map_err(|error| error.to_string()));
                tokio::time::sleep(REST).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Forgets what is old, and takes in everything that is new.
    ///
    /// # Errors
    /// [`StoreError`]; what was not done is done the next time.
    pub async fn step(&self) -> Result<(), StoreError> {
        self.step_from(&mut Looked::default(), 0).await
    }

    /// As [`Grouper::step`], of events behind those `looked` through already; `newest` is committed.
    async fn step_from(&self, looked: &mut Looked, newest: i64) -> Result<(), StoreError> {
        let (keeping, _) = Keeping::read(&*self.store).await?;
        let before = keeping.before(self.clock.now());
        while self.store.forget_unknowns(before, FORGET_AT_ONCE).await? == u64::from(FORGET_AT_ONCE) {}
        loop {
            let snapshot = self.held.snapshot().await?;
            let faces = self.store.new_faces(looked.behind(snapshot.place), AT_ONCE).await?;
            let Some(last) = faces.last().map(|face| face.cursor) else {
                looked.through(snapshot.place, newest);
                return Ok(());
            };
            let joining = self.join(snapshot, faces, last).await;
            let count = joining.joins.len() as u64;
            if self.store.join_unknowns(&joining).await? {
                metrics::counter!("ostiary_server_unknown_visits_grouped_total").increment(count);
            }
        }
    }

    async fn join(&self, snapshot: Snapshot, faces: Vec<NewFace>, upto: i64) -> Joining {
        let threshold = self.recognition.group_threshold();
        let readable = |new: NewFace| {
            let (pack, bytes) = new.face?;
            Some((new.cursor, self.held.read(&pack, &bytes)?))
        };
        let newcomers: Vec<_> = faces.into_iter().filter_map(readable).collect();
        let Snapshot { place, visits } = snapshot;
        let joins = reckon(move || plan::join(newcomers, &visits, threshold)).await;
        self.joining(place, upto, joins)
    }

    fn joining(&self, made_for: GroupingPlace, upto: i64, joins: Vec<(i64, UnknownId)>) -> Joining {
        Joining { made_for, upto, joins, pack: self.held.pack().clone(), now: self.clock.now() }
    }

    /// Looks at all visits together, if any changed since `last`.
    async fn regroup_since(&self, last: &mut Option<u64>) -> Result<(), StoreError> {
        if *last != Some(self.store.grouping_place().await?.edit) {
            self.regroup().await?;
            *last = Some(self.store.grouping_place().await?.edit);
        }
        Ok(())
    }

    /// Looks at all visits together. Returns how many changed groups.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn regroup(&self) -> Result<usize, StoreError> {
        let threshold = self.recognition.group_threshold();
        let Snapshot { place, visits } = self.held.snapshot().await?;
        let changes = reckon(move || plan::regroup(&visits, threshold)).await;
        if changes.moves.is_empty() {
            return Ok(0);
        }
        let moved = changes.moves.len();
        let plan = Regrouping {
            made_for: place,
            moves: changes.moves,
            became: changes.became,
            pack: self.held.pack().clone(),
            now: self.clock.now(),
        };
        let written = self.store.regroup(&plan).await?;
        if written {
            tracing::info!("{moved} visits of unknown visitors changed groups");
            metrics::counter!("ostiary_server_unknown_visits_regrouped_total").increment(moved as u64);
        }
        Ok(if written { moved } else { 0 })
    }
}

/// Reckons off the async threads.
async fn reckon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("grouping is arithmetic and does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_through_is_passed_over_until_the_grouping_moves() {
        let place = |upto| GroupingPlace { upto, edit: 7 };
        let mut looked = Looked::default();
        assert_eq!(looked.behind(place(10)), 10);
        looked.through(place(10), 500);
        assert_eq!(looked.behind(place(10)), 500);
        assert_eq!(looked.behind(place(510)), 510);
        assert_eq!(looked.behind(place(0)), 0, "everything is to be put together anew");
        looked.through(place(10), 3);
        assert_eq!(looked.behind(place(10)), 10, "nobody said how new the newest is");
    }
}
